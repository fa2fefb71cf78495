package bluez_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"syscall"
	"testing"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/bluez"
	"github.com/go-rfcomm/rfcomm/internal/test/daemons"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
	"github.com/go-rfcomm/rfcomm/internal/test/labtest"
)

func init() {
	// fail performs an operation on an adapter, and prints the error.
	programs["fail"] = func(ctx context.Context, arguments []string) error {
		client, err := bluez.Connect(ctx)
		if err == nil {
			defer client.Close()
			fmt.Println("connected")
			err = operate(ctx, client, arguments[0], arguments[1])
		}
		fmt.Printf("%s: %v\n", causeName(err), err)
		return nil
	}
}

// operate performs an operation on an adapter.
func operate(ctx context.Context, client *bluez.Client, operation, address string) error {
	if operation == "list" {
		_, err := client.Adapters(ctx)
		return err
	}
	parsed, err := rfcomm.ParseBDAddr(address)
	if err != nil {
		return err
	}
	adapter, err := client.Adapter(ctx, parsed)
	if err != nil {
		return err
	}
	if operation == "power" {
		return adapter.SetPowered(ctx, true)
	}
	for _, err := range adapter.Discover(ctx, nil) {
		return err
	}
	return nil
}

// causeName returns the name of the variable that an error matches.
func causeName(err error) string {
	for _, c := range []struct {
		name  string
		cause error
	}{
		{"ErrNoBus", bluez.ErrNoBus}, {"ErrNoDaemon", bluez.ErrNoDaemon}, {"ErrDenied", bluez.ErrDenied},
		{"ErrBlocked", bluez.ErrBlocked}, {"ErrPowerOff", bluez.ErrPowerOff}, {"ErrGone", bluez.ErrGone},
	} {
		if errors.Is(err, c.cause) {
			return c.name
		}
	}
	return "no cause"
}

// wantFailure checks the line that an operation of user nobody fails with.
func wantFailure(t *testing.T, a *air, operation, want string) {
	t.Helper()
	address := rfcomm.BDAddr{}
	if a != nil {
		address = a.near.Addr()
	}
	p := startAsNobody(t, "fail", operation, address.String())
	line := p.line()
	if line == "connected" {
		line = p.line()
	}
	t.Log(line)
	if !regexp.MustCompile(want).MatchString(line) {
		t.Errorf("%s fails with %q, want a line that matches %q", operation, line, want)
	}
}

func TestConnectErrorsAsNobody(t *testing.T) {
	requireLab(t)
	const socket = "/run/dbus/system_bus_socket"
	os.Remove(socket)
	wantFailure(t, nil, "list", `^ErrNoBus: bluez: connect to the system bus at unix:path=`+socket+`: no system bus: .*mount /run/dbus/system_bus_socket`)
	daemons.SystemBus(t)
	wantFailure(t, nil, "list", "^ErrNoDaemon: bluez: list the objects of bluetoothd: bluetoothd is not running: start it")
	if err := os.Chmod(socket, 0o600); err != nil {
		t.Fatal(err)
	}
	wantFailure(t, nil, "list", "^ErrNoBus: bluez: connect .*: no system bus: permission denied: see the mode of the socket")
}

func TestErrorsAsNobody(t *testing.T) {
	forEachBlueZ(t, func(t *testing.T, a *air) {
		t.Run("policy", func(t *testing.T) {
			daemons.DenyNobody(t)
			wantFailure(t, a, "list", "^ErrDenied: bluez: list the objects of bluetoothd: denied: permit this user .*org.freedesktop.DBus.Error.AccessDenied: ")
		})
		t.Run("off", func(t *testing.T) {
			adapter := adapterOf(t, connect(t), a.near)
			if err := adapter.SetPowered(t.Context(), false); err != nil {
				t.Fatal(err)
			}
			wantFailure(t, a, "discover", `^ErrPowerOff: bluez: .*hci\d+: the adapter is off: switch it on`)
			if err := adapter.SetPowered(t.Context(), true); err != nil {
				t.Fatal(err)
			}
		})
		t.Run("blocked", func(t *testing.T) {
			adapter := adapterOf(t, connect(t), a.near)
			labtest.BlockRadio(t)
			hosttest.Eventually(t, "bluetoothd knows that the adapter is off", func() bool {
				return !propertiesOf(t, adapter).Powered
			})
			wantFailure(t, a, "power", `^ErrBlocked: bluez: set Powered of hci\d+: the adapter is blocked by rfkill: unblock it by: rfkill unblock bluetooth`)
			wantFailure(t, a, "discover", `^ErrBlocked: bluez: .*hci\d+: the adapter is blocked by rfkill: unblock it by: rfkill unblock bluetooth`)
		})
		t.Run("end during a call", func(t *testing.T) { endDuringCall(t, a) })
	})
}

// endDuringCall ends bluetoothd while a call of user nobody waits for it, or just
// before the call.
func endDuringCall(t *testing.T, a *air) {
	if err := syscall.Kill(a.bluetoothd.PID(), syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	p := startAsNobody(t, "fail", "list", a.near.Addr().String())
	p.wantLine("connected")
	a.bluetoothd.Kill()
	line := p.line()
	t.Log(line)
	const want = "^ErrNoDaemon: bluez: list the objects of bluetoothd: bluetoothd (ended before it answered: try again|is not running: start it)"
	if !regexp.MustCompile(want).MatchString(line) {
		t.Errorf("the end of bluetoothd is the error %q", line)
	}
	a.bluetoothd.Restart()
}
