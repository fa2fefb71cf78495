package integration

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/inquiry"
	"github.com/go-rfcomm/rfcomm/internal/hci"
	"github.com/go-rfcomm/rfcomm/internal/test/conntest"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
	"github.com/go-rfcomm/rfcomm/internal/test/labtest"
)

// oneAnswer is a time in which each device in range answers an inquiry at least
// once: a device backs off for at most 0.64 s. It is a whole unit, at whose end
// the controller ends the inquiry after all answers. A shorter inquiry is cancelled
// by this process, which on a busy machine can be before an answer.
const oneAnswer = 1280 * time.Millisecond

// inquire returns what a whole loop over the devices receives. It may be called
// by several goroutines.
func inquire(t testing.TB, o inquiry.Options) (devices []inquiry.Device) {
	t.Helper()
	for d, err := range inquiry.Devices(t.Context(), &o) {
		if err != nil {
			t.Error(err)
			break
		}
		devices = append(devices, d)
	}
	return devices
}

// find inquires until the loop receives the device for the first time.
func find(t testing.TB, o inquiry.Options, device rfcomm.BDAddr) inquiry.Device {
	t.Helper()
	for d, err := range inquiry.Devices(t.Context(), &o) {
		if err != nil {
			t.Fatal(err)
		}
		if d.Addr == device {
			return d
		}
	}
	t.Fatalf("the inquiry did not find %s", device)
	panic("unreachable")
}

// inquiring reports whether an adapter inquires, according to the kernel.
func inquiring(t testing.TB, adapter rfcomm.BDAddr) bool {
	t.Helper()
	all, err := hci.Adapters()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range all {
		if a.Address == adapter {
			return a.Flags&hci.Inquiring != 0
		}
	}
	t.Fatalf("no adapter has the address %s", adapter)
	panic("unreachable")
}

// stopsInquiring reports whether an adapter ends its inquiry within half of the
// inquiry's length. The kernel passes an event to sockets before it records the
// event itself (hci_rx_work).
func stopsInquiring(t testing.TB, adapter rfcomm.BDAddr) bool {
	t.Helper()
	for end := time.Now().Add(5 * time.Second); inquiring(t, adapter); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			return false
		}
	}
	return true
}

func TestInquiryFindsDevice(t *testing.T) {
	l := inLab(t)
	hosttest.CheckLeaksAtEnd(t)
	for i := range rounds(20, 3) {
		d := find(t, inquiry.Options{Adapter: l.near}, l.far)
		if want := (inquiry.Device{Addr: l.far, RSSI: -50}); d != want {
			t.Errorf("round %d: %v, want %v", i, d, want)
		}
		if !stopsInquiring(t, l.near) {
			t.Fatalf("round %d: the adapter still inquires after the loop", i)
		}
	}
}

// A loop without an address uses the first adapter. The other one has no
// extended inquiry response, so it is asked for its name.
func TestInquiryRequestsName(t *testing.T) {
	l := inLab(t)
	got := fmt.Sprint(inquire(t, inquiry.Options{Duration: oneAnswer}))
	if want := fmt.Sprintf("[%s -50 dBm %[1]s %q -50 dBm]", l.far, "rfcommtest 1"); got != want {
		t.Errorf("received %s, want %s", got, want)
	}
	if !stopsInquiring(t, l.near) {
		t.Error("the adapter still inquires after the loop")
	}
}

func TestInquiryNoNameRequests(t *testing.T) {
	l := inLab(t)
	got := inquire(t, inquiry.Options{Adapter: l.near, Duration: oneAnswer, NoNameRequests: true})
	if want := (inquiry.Device{Addr: l.far, RSSI: -50}); len(got) != 1 || got[0] != want {
		t.Errorf("received %v, want %v", got, want)
	}
}

// However the loop ends, the inquiry ends with it.
func TestInquiryEndsWithLoop(t *testing.T) {
	l := inLab(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	each := func(body func() bool) (err error) {
		for _, err = range inquiry.Devices(ctx, &inquiry.Options{Adapter: l.near}) {
			if err != nil {
				return err
			}
			if !inquiring(t, l.near) {
				t.Error("the adapter does not inquire in the loop")
			}
			if !body() {
				return nil
			}
		}
		return errors.New("the loop ended by itself")
	}
	for _, tt := range []struct {
		name string
		loop func() error
		want error
	}{
		{"return", func() error { return each(func() bool { return false }) }, nil},
		{"panic", func() error {
			defer func() { recover() }()
			return each(func() bool { panic("body") })
		}, nil},
		{"context", func() error { return each(func() bool { cancel(); return true }) }, context.Canceled},
	} {
		if err := tt.loop(); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
		if !stopsInquiring(t, l.near) {
			t.Errorf("%s: the adapter still inquires", tt.name)
		}
	}
}

// A dial in the body of the loop stops the inquiry, which continues afterwards.
func TestInquiryStopsForDial(t *testing.T) {
	l := inLab(t)
	listener := l.listen(t)
	dialer, dialed := l.dialer, false
	dialer.ControlContext = func(context.Context, string, string, syscall.RawConn) error {
		if !stopsInquiring(t, l.near) {
			t.Error("the adapter inquires during the dial")
		}
		return nil
	}
	for d, err := range inquiry.Devices(t.Context(), &inquiry.Options{Adapter: l.near, Duration: -1}) {
		if err != nil {
			t.Fatal(err)
		}
		if dialed {
			break // its name
		}
		dialed = true
		conn, err := dialer.DialRFCOMM(t.Context(), rfcomm.Addr{Device: d.Addr, Channel: conntest.AddrOf(listener).Channel})
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conntest.Send(t, conn, "x")
		conntest.Receive(t, conntest.Accept(t, listener), "x")
		hosttest.Eventually(t, "the inquiry continues", func() bool { return inquiring(t, l.near) })
	}
}

// Two loops that use the same adapter both find the device.
func TestInquiryTwice(t *testing.T) {
	l := inLab(t)
	var loops sync.WaitGroup
	for range 2 {
		loops.Go(func() {
			devices := inquire(t, inquiry.Options{Adapter: l.near, Duration: oneAnswer})
			if len(devices) == 0 || devices[len(devices)-1].Name != "rfcommtest 1" {
				t.Errorf("received %v", devices)
			}
		})
	}
	loops.Wait()
}

// inquiryError returns the error of a loop.
func inquiryError(t testing.TB, o inquiry.Options, body func()) error {
	t.Helper()
	for d, err := range inquiry.Devices(t.Context(), &o) {
		if err != nil {
			if d != (inquiry.Device{}) {
				t.Errorf("an error with the device %v", d)
			}
			return err
		}
		body()
	}
	t.Fatal("the loop ended without an error")
	return nil
}

// wantInquiryError checks the error of a loop.
func wantInquiryError(t testing.TB, err error, errno syscall.Errno, hint string) {
	t.Helper()
	opErr, ok := err.(*net.OpError)
	if !ok || opErr.Op != "inquiry" || opErr.Net != "hci" || !errors.Is(err, errno) || !strings.Contains(err.Error(), hint) {
		t.Errorf("%v (%T); want %v and %q", err, err, errno, hint)
	}
	if opErr.Timeout() {
		t.Errorf("%v is a timeout", err)
	}
	t.Log(err)
}

func TestInquiryNamesUnknownAdapter(t *testing.T) {
	l := inLab(t)
	err := inquiryError(t, inquiry.Options{Adapter: absent}, func() {})
	var unknown *net.AddrError
	if !errors.As(err, &unknown) || unknown.Addr != absent.String() || !strings.Contains(err.Error(), l.far.String()) {
		t.Error(err)
	}
	t.Log(err)
}

func TestInquiryNamesAdapterDown(t *testing.T) {
	l := inLab(t)
	const hint = `the adapter hci0 is down: switch it on, for example with "bluetoothctl power on"`
	t.Run("meanwhile", func(t *testing.T) {
		err := inquiryError(t, inquiry.Options{Adapter: l.near}, func() { l.Down(labtest.DialerAdapter) })
		wantInquiryError(t, err, unix.ENETDOWN, hint)
	})
	t.Run("before", func(t *testing.T) {
		wantInquiryError(t, inquiryError(t, inquiry.Options{Adapter: l.near}, func() {}), unix.ENETDOWN, hint)
	})
	t.Run("all", func(t *testing.T) {
		l.Down(labtest.DeviceAdapter)
		wantInquiryError(t, inquiryError(t, inquiry.Options{}, func() {}), unix.ENETDOWN, hint)
	})
}

func TestInquiryNamesUnplugged(t *testing.T) {
	l := inLab(t)
	err := inquiryError(t, inquiry.Options{Adapter: l.near}, l.Unplug)
	if !errors.Is(err, unix.EPIPE) && !errors.Is(err, unix.ENODEV) || !strings.Contains(err.Error(), "the adapter was removed") {
		t.Error(err)
	}
	t.Log(err)
	err = inquiryError(t, inquiry.Options{}, func() {})
	wantInquiryError(t, err, unix.ENODEV, "this machine has no Bluetooth adapter: plug one in")
}

func TestInquiryNamesRfkill(t *testing.T) {
	l := inLab(t)
	labtest.RequireRoot(t)
	l.Down(labtest.DialerAdapter) // so that the block does not change its state
	l.Down(labtest.DeviceAdapter)
	labtest.BlockRadio(t)
	err := inquiryError(t, inquiry.Options{Adapter: l.near}, func() {})
	wantInquiryError(t, err, unix.ENETDOWN, "rfkill unblock bluetooth")
}

func TestInquiryNamesMissingBluetooth(t *testing.T) {
	inLab(t)
	labtest.RequireRoot(t)
	if runAlone(t, &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNET}) {
		return
	}
	err := inquiryError(t, inquiry.Options{}, func() {})
	wantInquiryError(t, err, unix.EAFNOSUPPORT, "containers need the host's")
}
