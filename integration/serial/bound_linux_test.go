package serial_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
	"testing"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/test/conntest"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
	"github.com/go-rfcomm/rfcomm/serial"
)

func init() {
	subprograms["bind"] = func(_ context.Context, arguments []string) error {
		remote, err := rfcomm.ParseAddr(arguments[0])
		if err != nil {
			return err
		}
		_, err = serial.Bind(-1, rfcomm.Addr{}, remote)
		return err
	}
	subprograms["release"] = func(context.Context, []string) error { return serial.Release(7) }
}

// bound makes a bound tty, which is released at the end of the test.
func bound(t testing.TB, id int, local rfcomm.BDAddr, remote rfcomm.Addr) serial.DeviceInfo {
	t.Helper()
	info, err := serial.Bind(id, rfcomm.Addr{Device: local}, remote)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { serial.Release(info.ID) })
	return info
}

// wantState waits until the only device has a state, as rfcomm(1) prints it.
func wantState(t testing.TB, want string) {
	t.Helper()
	hosttest.Eventually(t, "the device is "+want, func() bool {
		all, err := serial.Devices()
		return err == nil && len(all) == 1 && all[0].State.String() == want && strings.Contains(show(t), " "+want+" ")
	})
}

func TestBindConnectsAtOpen(t *testing.T) {
	a := newAir(t)
	l := a.listen(t)
	info := bound(t, 7, a.near.Addr(), conntest.AddrOf(l))
	want := serial.DeviceInfo{
		ID: 7, Name: "/dev/rfcomm7",
		Local:  rfcomm.Addr{Device: a.near.Addr(), Channel: conntest.AddrOf(l).Channel},
		Remote: conntest.AddrOf(l), State: serial.DeviceClean, Bound: true,
	}
	if info != want {
		t.Errorf("Bind returned %+v, want %+v", info, want)
	}
	wantDevices(t, want)
	if got, want := show(t), fmt.Sprintf("rfcomm7: %s -> %s channel %d clean", a.near.Addr(), want.Remote.Device, want.Remote.Channel); strings.TrimSpace(got) != want {
		t.Errorf("rfcomm -a prints %q, want %q", got, want)
	}

	f := openNode(t, info.Name)
	accepted := conntest.Accept(t, l)
	conntest.Send(t, accepted, "greeting")
	wantState(t, "connected")
	accepted.Close()
	wantState(t, "closed")
	f.Close()
	if err := serial.Release(7); err != nil {
		t.Error(err)
	}
	wantNoDevice(t)
}

func TestReleaseEndsOpenDevice(t *testing.T) {
	a := newAir(t)
	l := a.listen(t)
	info := bound(t, -1, a.near.Addr(), conntest.AddrOf(l))
	f := openNode(t, info.Name)
	accepted := conntest.Accept(t, l)
	wantState(t, "connected")
	if err := serial.Release(info.ID); err != nil {
		t.Fatal(err)
	}
	conntest.ReceiveEOF(t, accepted)
	if err := serial.Release(info.ID); !errors.Is(err, syscall.EALREADY) && !errors.Is(err, syscall.ENODEV) {
		t.Errorf("the second Release returned %v", err)
	} else {
		t.Log(err)
	}
	f.Close()
	wantNoDevice(t)
}

func TestReleaseOfPort(t *testing.T) {
	dialed, accepted := newAir(t).connect(t)
	port := newPort(t, dialed)
	if err := serial.Release(0); err != nil {
		t.Fatal(err)
	}
	conntest.ReceiveEOF(t, port)
	conntest.ReceiveEOF(t, accepted)
	port.Close()
}

func TestBindErrors(t *testing.T) {
	a := newAir(t)
	l := a.listen(t)
	bound(t, 7, a.near.Addr(), conntest.AddrOf(l))
	dialed := a.dial(t, l)
	for name, tt := range map[string]struct {
		call func() error
		want error
		says string
	}{
		"id in use": {func() error {
			_, err := serial.Bind(7, rfcomm.Addr{}, rfcomm.Addr{Device: a.far.Addr(), Channel: 29})
			return err
		}, syscall.EADDRINUSE, "a tty with this id exists"},
		"connection": {func() error {
			_, err := serial.Bind(8, dialed.LocalAddr().(rfcomm.Addr), conntest.AddrOf(l))
			return err
		}, syscall.EBUSY, "a connection to this channel exists"},
		"no tty": {func() error { return serial.Release(8) }, syscall.ENODEV, "/dev/rfcomm8"},
	} {
		t.Run(name, func(t *testing.T) {
			err := tt.call()
			if _, ok := err.(*net.OpError); !ok || !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("got the error %v, want %v that says %q", err, tt.want, tt.says)
			}
		})
	}
}

func TestBindNeedsPrivilege(t *testing.T) {
	a := newAir(t)
	bound(t, 7, a.near.Addr(), rfcomm.Addr{Device: a.far.Addr(), Channel: 5})
	wantShown := show(t)
	for _, words := range [][]string{{"bind", rfcomm.Addr{Device: a.far.Addr(), Channel: 6}.String()}, {"release"}} {
		program := startAsNobody(t, nil, words...)
		problem := program.End()
		if !strings.Contains(problem, "operation not permitted") || !strings.Contains(problem, "CAP_NET_ADMIN") {
			t.Errorf("%s as nobody prints %q", words[0], problem)
		}
	}
	if got := show(t); got != wantShown {
		t.Errorf("the devices are %q, want %q", got, wantShown)
	}
}
