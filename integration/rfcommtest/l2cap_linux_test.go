package rfcommtest_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/l2cap"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
	"github.com/go-rfcomm/rfcomm/internal/test/labtest"
	"github.com/go-rfcomm/rfcomm/rfcommtest"
)

// sdpPSM is the PSM of SDP. A connection to it needs neither pairing nor root.
const sdpPSM = 1

// dialL2CAP connects the kernel to a device.
func dialL2CAP(ctx context.Context, from *rfcommtest.Controller, to *rfcommtest.Device) (*l2cap.Conn, error) {
	return l2cap.Dial(ctx, from.Addr(), l2cap.Addr{Device: to.Addr(), PSM: sdpPSM})
}

// echo sends the packets of a listener's next channel back.
func echo(l net.Listener) error {
	c, err := l.Accept()
	if err != nil {
		return err
	}
	defer c.Close()
	packet := make([]byte, 1<<16)
	for {
		n, err := c.Read(packet)
		if err != nil {
			return err
		}
		if _, err := c.Write(packet[:n]); err != nil {
			return err
		}
	}
}

func TestL2CAPDialReachesADevice(t *testing.T) {
	_, phone, device := withDevice(t)
	device.SetMTU(48)
	l, err := device.ListenL2CAP(sdpPSM)
	if err != nil {
		t.Fatal(err)
	}
	ended := hosttest.InBackground(func() error { return echo(l) })
	c, err := dialL2CAP(t.Context(), phone, device)
	if err != nil {
		t.Fatal(err)
	}
	if outgoing, incoming := c.MTUs(); outgoing != 48 || incoming != 672 {
		t.Errorf("MTUs = %d, %d; want 48 of the device and 672", outgoing, incoming)
	}
	if got, want := c.RemoteAddr(), (l2cap.Addr{Device: device.Addr(), PSM: sdpPSM}); got != want {
		t.Errorf("RemoteAddr = %v, want %v", got, want)
	}
	if got, want := c.LocalAddr(), (l2cap.Addr{Device: phone.Addr()}); got != want {
		t.Errorf("LocalAddr = %v, want %v", got, want)
	}
	buffer := make([]byte, 100)
	for _, size := range []int{1, 0, 48} {
		if _, err := c.Write(make([]byte, size)); err != nil {
			t.Fatal(err)
		}
		if n, err := c.Read(buffer); n != size || err != nil {
			t.Errorf("Read = %d, %v; want a packet of %d bytes", n, err, size)
		}
	}
	if _, err := c.Write(make([]byte, 49)); !errors.Is(err, syscall.EMSGSIZE) {
		t.Errorf("Write of more than the MTU: %v", err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if err := hosttest.Receive(t, ended); err != io.EOF {
		t.Errorf("after Close the device read %v, want io.EOF", err)
	}
	if _, err := c.Read(buffer); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Read after Close: %v", err)
	}
}

func TestL2CAPListenServesADevice(t *testing.T) {
	labtest.RequireRoot(t)
	_, phone, device := withDevice(t)
	l, err := l2cap.Listen(l2cap.Addr{Device: phone.Addr(), PSM: sdpPSM})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ended := hosttest.InBackground(func() error { return echo(l) })
	c, err := device.DialL2CAP(t.Context(), phone.Addr(), sdpPSM)
	if err != nil {
		t.Fatal(err)
	}
	pass(t, c, c)
	c.Close()
	if err := hosttest.Receive(t, ended); err != io.EOF {
		t.Errorf("after the device's Close: %v, want io.EOF", err)
	}
	if _, err := l2cap.Listen(l2cap.Addr{Device: phone.Addr(), PSM: sdpPSM}); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("second Listen: %v", err)
	}
	accepted := hosttest.InBackground(func() error { _, err := l.Accept(); return err })
	hosttest.AwaitPolling(t, "(*Listener).Accept")
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if err := hosttest.Receive(t, accepted); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Accept after Close: %v", err)
	}
}

// Each dial begins while the kernel takes down the link of the one before, or
// continues its page. A page that the kernel cancels could leave a link behind
// that the kernel does not know.
func TestL2CAPDialAgainAndAgain(t *testing.T) {
	r, phone, device := withDevice(t)
	if _, err := device.ListenL2CAP(sdpPSM); err != nil {
		t.Fatal(err)
	}
	link := r.Link(phone, device.Controller)
	for i := range 10 {
		c, err := dialL2CAP(t.Context(), phone, device)
		if err != nil {
			t.Fatalf("dial %d: %v", i, err)
		}
		c.Close()
		link.Disconnect(rfcommtest.RemoteUserTerminated)
	}
	link.SetPageDelay(400 * time.Millisecond)
	for i := range 3 {
		endLink(t, link, phone)
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		_, err := dialL2CAP(ctx, phone, device)
		cancel()
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("dial %d with a deadline during the page: %v", i, err)
		}
		c, err := dialL2CAP(t.Context(), phone, device)
		if err != nil {
			t.Fatalf("dial %d after an abandoned one: %v", i, err)
		}
		c.Close()
	}
}

func TestL2CAPDialEndsWithItsContext(t *testing.T) {
	r, phone, device := withDevice(t)
	link := r.Link(phone, device.Controller)
	for _, tt := range []struct {
		name  string
		stall func()
	}{
		{"signalling", func() { device.HandleFrame(func(rfcomm.BDAddr, uint16, []byte) bool { return true }) }},
		{"page", func() { link.Disconnect(rfcommtest.RemoteUserTerminated); link.SetPageDelay(time.Minute) }},
	} {
		tt.stall()
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		_, err := dialL2CAP(ctx, phone, device)
		cancel()
		if !errors.Is(err, os.ErrDeadlineExceeded) || !err.(net.Error).Timeout() {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}
