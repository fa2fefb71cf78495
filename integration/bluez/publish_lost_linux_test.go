package bluez_test

import (
	"strings"
	"testing"

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
			if err := a.far.Unplug(); err != nil {
				t.Fatal(err)
			}
			if err := a.far.Plug(); err != nil {
				t.Fatal(err)
			}
		})
		t.Run("all adapters", func(t *testing.T) {
			for _, c := range a.Controllers() {
				if err := c.Unplug(); err != nil {
					t.Fatal(err)
				}
			}
			p.wantReport("adapter")
			for _, c := range a.Controllers() {
				if err := c.Plug(); err != nil {
					t.Fatal(err)
				}
			}
			p.wantLine("published again")
			for _, c := range a.Controllers() {
				if err := c.SetScan(rfcommtest.PageScan); err != nil {
					t.Fatal(err)
				}
			}
			a.wantNames(t, "Thermometer")
		})
	})
}
