package bluez_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/bluez"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
	"github.com/go-rfcomm/rfcomm/internal/test/labtest"
	"github.com/go-rfcomm/rfcomm/rfcommtest"
	"github.com/go-rfcomm/rfcomm/sdp"
)

func init() { programs["listen"] = runListen }

// runListen offers a serial port with a name. It answers a line of text on each
// connection with the name and the line, and prints its channel and its reports.
func runListen(ctx context.Context, arguments []string) error {
	l, err := bluez.Listen(ctx, &bluez.ListenOptions{Name: arguments[0], Report: printReport})
	if err != nil {
		return err
	}
	context.AfterFunc(ctx, func() { l.Close() })
	fmt.Println("channel", l.Addr().(rfcomm.Addr).Channel)
	for {
		conn, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return l.Close()
		}
		if err != nil {
			return err
		}
		line, err := bufio.NewReader(conn).ReadString('\n')
		if err != nil {
			return err
		}
		fmt.Fprintf(conn, "%s: %s", arguments[0], line)
		conn.Close()
	}
}

// channel waits for the line with the channel.
func (p *process) channel() (channel int) {
	p.t.Helper()
	line := p.line()
	if _, err := fmt.Sscanf(line, "channel %d", &channel); err != nil {
		p.t.Fatalf("the process prints %q, want its channel", line)
	}
	return channel
}

// wantEcho dials the service by its UUID, from one adapter to the other, and
// checks the answer to a line.
func wantEcho(t *testing.T, from, to *rfcommtest.Controller, name string) {
	t.Helper()
	d := sdp.Dialer{RFCOMM: rfcomm.Dialer{LocalAddr: rfcomm.Addr{Device: from.Addr()}}}
	conn, err := d.Dial(t.Context(), to.Addr(), sdp.SerialPort)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "hello\n")
	if line, err := bufio.NewReader(conn).ReadString('\n'); line != name+": hello\n" {
		t.Errorf("%s answers %q, %v", to.Name(), line, err)
	}
}

// registerOther registers a profile with a channel, as programs do for which
// bluetoothd listens, until the returned function is called. It succeeds if
// bluetoothd cannot listen.
func registerOther(t *testing.T, channel int) (withdraw func()) {
	t.Helper()
	command := labtest.Python(t, "dbus", "python3-dbus", `
import sys, dbus
bus = dbus.SystemBus()
manager = dbus.Interface(bus.get_object("org.bluez", "/org/bluez"), "org.bluez.ProfileManager1")
manager.RegisterProfile("/test", sys.argv[1], {"Role": "server", "Channel": dbus.UInt16(int(sys.argv[2]))})
print("registered", flush=True)
sys.stdin.read()
`, otherService.String(), fmt.Sprint(channel))
	stdin, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	end := func() {
		stdin.Close()
		command.Wait()
	}
	t.Cleanup(end)
	if !bufio.NewScanner(stdout).Scan() {
		t.Fatal("bluetoothd does not take the profile")
	}
	return end
}

// listed reports whether bluetoothd lists the service of other programs on an
// adapter.
func listed(t *testing.T, client *bluez.Client, c *rfcommtest.Controller) bool {
	t.Helper()
	return slices.Contains(propertiesOf(t, adapterOf(t, client, c)).Services, otherService)
}

// otherService is the service of registerOther.
var otherService = sdp.UUID{0x5e, 0x44, 0x0c, 0x1f, 0x3a, 0x11, 0x4d, 0x0b, 0x9c, 0x52, 0x77, 0x02, 0x5a, 0x31, 0x8e, 0x40}

func TestListen(t *testing.T) {
	forEachBlueZ(t, func(t *testing.T, a *air) {
		client := connect(t)
		p := startAsNobody(t, "listen", "Thermometer")
		channel := p.channel()
		t.Run("serves", func(t *testing.T) {
			wantEcho(t, a.near, a.far, "Thermometer")
			wantEcho(t, a.far, a.near, "Thermometer")
		})
		t.Run("keeps its channel", func(t *testing.T) {
			withdraw := registerOther(t, channel)
			if listed(t, client, a.near) || listed(t, client, a.far) {
				t.Error("bluetoothd listens on the channel of the Listener")
			}
			wantEcho(t, a.near, a.far, "Thermometer")
			withdraw()
		})
		t.Run("reports a taken channel", func(t *testing.T) {
			testTakenChannel(t, a, client)
		})
		if complaints := p.end(); complaints != "" {
			t.Error(complaints)
		}
		a.wantNames(t)
	})
}

// testTakenChannel adds an adapter on which bluetoothd listens on the channel of
// a Listener for another program.
func testTakenChannel(t *testing.T, a *air, client *bluez.Client) {
	a.unplugFar(t)
	p := startAsNobody(t, "listen", "Barometer")
	channel := p.channel()
	withdraw := registerOther(t, channel)
	if listed(t, client, a.near) {
		t.Error("bluetoothd listens on the channel of the Listener")
	}
	a.plug(t, a.far)
	p.wantReport(fmt.Sprintf("another program has channel %d of the adapter %v", channel, a.far.Addr()))
	if !listed(t, client, a.far) {
		t.Error("bluetoothd does not listen for the other program")
	}
	withdraw()
	p.wantLine("published again")
	if complaints := p.end(); strings.TrimSpace(complaints) != "" {
		t.Error(complaints)
	}
	hosttest.Eventually(t, "the first listener alone is published", func() bool {
		return a.hasNames(t, a.near, a.far, "Thermometer")
	})
}
