package bluez_test

import (
	"strings"
	"testing"

	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
	"github.com/go-rfcomm/rfcomm/rfcommtest"
)

// wantReport waits for the report of an error whose text has all parts.
func (p *process) wantReport(parts ...string) {
	p.t.Helper()
	line := p.line()
	for _, part := range append(parts, "report: ") {
		if !strings.Contains(line, part) {
			p.t.Fatalf("the process prints %q, want a report with %q", line, part)
		}
	}
}

// wantLog logs lines of the process up to one with the text.
func (p *process) wantLog(t *testing.T, text string) {
	t.Helper()
	for {
		line := p.line()
		t.Log(line)
		if strings.Contains(line, text) {
			return
		}
	}
}

// unplugFar ends the link between the controllers and unplugs the far one. near
// would otherwise keep its end of the link for 20 s.
func (a *air) unplugFar(t *testing.T) {
	t.Helper()
	a.Link(a.near, a.far).Disconnect(rfcommtest.RemoteUserTerminated)
	if err := a.far.Unplug(); err != nil {
		t.Fatal(err)
	}
}

// plug plugs controllers in and waits until bluetoothd has them.
func (a *air) plug(t *testing.T, controllers ...*rfcommtest.Controller) {
	t.Helper()
	for _, c := range controllers {
		if err := c.Plug(); err != nil {
			t.Fatal(err)
		}
	}
	client := connect(t)
	for _, c := range controllers {
		hosttest.Eventually(t, c.Name()+" is an adapter of bluetoothd", func() bool {
			adapter, err := client.Adapter(t.Context(), c.Addr())
			return err == nil && propertiesOf(t, adapter).Powered
		})
	}
}

func TestPublishSurvives(t *testing.T) {
	forEachBlueZ(t, func(t *testing.T, a *air) {
		p := startAsNobody(t, "publish", "Thermometer", "18")
		p.wantLine("published")
		t.Run("a crash of bluetoothd", func(t *testing.T) {
			a.bluetoothd.Kill()
			p.wantReport(`"Thermometer"`, "bluetoothd is not running")
			a.bluetoothd.Restart()
			p.wantLog(t, "published again")
			a.wantNames(t, "Thermometer")
		})
		t.Run("a restart of bluetoothd", func(t *testing.T) {
			a.bluetoothd.Stop()
			p.wantLog(t, "bluetoothd is not running")
			a.bluetoothd.Restart()
			p.wantLog(t, "published again")
			a.wantNames(t, "Thermometer")
		})
		t.Run("one adapter", func(t *testing.T) {
			a.unplugFar(t)
			a.plug(t, a.far)
			a.wantNames(t, "Thermometer")
		})
		t.Run("all adapters", func(t *testing.T) {
			a.unplugFar(t)
			if err := a.near.Unplug(); err != nil {
				t.Fatal(err)
			}
			p.wantReport("adapter")
			a.plug(t, a.Controllers()...)
			p.wantLine("published again")
			a.wantNames(t, "Thermometer")
		})
	})
}
