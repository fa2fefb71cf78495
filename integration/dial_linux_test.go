package integration

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/test/conntest"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
	"github.com/go-rfcomm/rfcomm/internal/test/labtest"
)

// absent is an address that no device has.
var absent = rfcomm.BDAddr{0x00, 0xAA, 0x01, 0x77, 0x77, 0x77}

const self = "a radio does not reach itself; use a second adapter, or try over TCP"

func TestDialNamesTheLikelyCause(t *testing.T) {
	l := inLab(t)
	listener := l.listen(t)
	open := l.dial(t, listener)
	conntest.Accept(t, listener)
	for _, test := range []struct {
		name    string
		dialer  rfcomm.Dialer
		raddr   rfcomm.Addr
		prepare func()
		errno   syscall.Errno
		hint    string
	}{
		{name: "nothing listens", dialer: l.dialer, raddr: l.farAddr(conntest.AddrOf(listener).Channel%30 + 1),
			errno: unix.ECONNREFUSED, hint: "nothing listens on this channel"},
		{name: "channel is open here", dialer: l.dialer, raddr: open.RemoteAddr().(rfcomm.Addr),
			errno: unix.EBUSY, hint: "this process has a connection to this channel of the device open"},
		{name: "own address", dialer: l.dialer, raddr: l.nearAddr(1), errno: unix.ECONNREFUSED, hint: self},
		{name: "own address, no other up", raddr: l.farAddr(1),
			prepare: func() { l.Down(0) }, errno: unix.EHOSTUNREACH, hint: self},
		{name: "adapter down", dialer: rfcomm.Dialer{LocalAddr: rfcomm.Addr{Device: l.far}}, raddr: l.nearAddr(1),
			prepare: func() { l.Down(1) }, errno: unix.EHOSTUNREACH, hint: "the adapter hci1 is down"},
		{name: "all adapters down", raddr: l.farAddr(1),
			prepare: func() { l.Down(0); l.Down(1) }, errno: unix.EHOSTUNREACH, hint: "no Bluetooth adapter is up"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.prepare != nil {
				test.prepare()
				defer func() { l.Up(0); l.Up(1) }()
			}
			c, err := test.dialer.DialRFCOMM(t.Context(), test.raddr)
			if err == nil {
				c.Close()
				t.Fatal("connected")
			}
			t.Log(err)
			checkOpError(t, err, "dial", test.dialer.LocalAddr, test.raddr, test.errno, test.hint)
		})
	}
}

// A failed page can crash Linux 6.1.192, so lab/test skips this test there.
func TestDialNamesAbsentDevice(t *testing.T) {
	l := inLab(t)
	dial := func(raddr rfcomm.Addr, hint string) {
		t.Helper()
		_, err := l.dialer.DialRFCOMM(t.Context(), raddr)
		t.Log(err)
		checkOpError(t, err, "dial", l.dialer.LocalAddr, raddr, unix.EHOSTDOWN, hint)
	}
	dial(rfcomm.Addr{Device: absent, Channel: 1}, "off, asleep, out of range, or not connectable")
	l.NoScan(1)
	dial(l.farAddr(1), "this machine's adapter hci1, whose page scan is off")
	l.Down(1)
	dial(l.farAddr(1), "this machine's adapter hci1, which is down")
}

// The dial retries only once, after the shortest delay, in case the connection
// is being closed.
func TestDialFailsAtOnceIfOpenHere(t *testing.T) {
	l := inLab(t)
	listener := l.listen(t)
	open := l.dial(t, listener)
	conntest.Accept(t, listener)
	for name, d := range map[string]rfcomm.Dialer{"from its adapter": l.dialer, "from any adapter": {}} {
		attempts := countAttempts(&d)
		_, err := d.DialRFCOMM(t.Context(), conntest.AddrOf(listener))
		checkOpError(t, err, "dial", d.LocalAddr, conntest.AddrOf(listener), unix.EBUSY, "this process has a connection")
		if *attempts < 2 || *attempts > 5 { // 16 in 5 s
			t.Errorf("%s: %d attempts, want 2 to 5", name, *attempts)
		}
	}
	open.Close() // while the kernel closes it, the dial retries
	l.dial(t, listener)
}

func TestDialNamesAnotherProgram(t *testing.T) {
	l := inLab(t)
	listener := l.listen(t)
	defer l.connectProcess(t, listener)()
	_, err := l.dialer.DialRFCOMM(t.Context(), conntest.AddrOf(listener))
	t.Log(err)
	checkOpError(t, err, "dial", l.dialer.LocalAddr, conntest.AddrOf(listener), unix.EBUSY, "another program has a connection")
}

// connectProcess connects another process to a listener, and returns a function
// that ends the process.
func (l *lab) connectProcess(t *testing.T, listener *rfcomm.Listener) (release func()) {
	t.Helper()
	cmd, stderr := python(t, `
import sys, bluetooth
near, far, channel = sys.argv[1], sys.argv[2], int(sys.argv[3])
s = bluetooth.BluetoothSocket(bluetooth.RFCOMM)
s.bind((near, 0))
s.connect((far, channel))
s.recv(1)
`, l.near.String(), l.far.String(), fmt.Sprint(conntest.AddrOf(listener).Channel))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	accepted := conntest.Accept(t, listener)
	return func() {
		conntest.Send(t, accepted, ".")
		if err := cmd.Wait(); err != nil {
			t.Errorf("%v\n%s", err, stderr)
		}
	}
}

func TestDialNamesMissingBluetooth(t *testing.T) {
	l := inLab(t)
	labtest.RequireRoot(t)
	// The kernel has Bluetooth only in its first network namespace.
	if runAlone(t, &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNET}) {
		return
	}
	_, err := l.dialer.DialRFCOMM(t.Context(), l.farAddr(1))
	checkOpError(t, err, "dial", l.dialer.LocalAddr, l.farAddr(1), unix.EAFNOSUPPORT, "containers need the host's")
	_, err = rfcomm.Listen(1)
	checkOpError(t, err, "listen", nil, rfcomm.Addr{Channel: 1}, unix.EAFNOSUPPORT, "containers need the host's")
}

func TestDialNamesMissingModule(t *testing.T) {
	l := inLab(t)
	l.UnloadRFCOMM()
	_, err := l.dialer.DialRFCOMM(t.Context(), l.farAddr(1))
	checkOpError(t, err, "dial", l.dialer.LocalAddr, l.farAddr(1), unix.EPROTONOSUPPORT, "module rfcomm is not loaded")
	_, err = rfcomm.Listen(1)
	checkOpError(t, err, "listen", nil, rfcomm.Addr{Channel: 1}, unix.EPROTONOSUPPORT, "module rfcomm is not loaded")
}

func TestDialRefusesUnknownAdapter(t *testing.T) {
	l := inLab(t)
	d := rfcomm.Dialer{
		LocalAddr: rfcomm.Addr{Device: absent},
		ControlContext: func(context.Context, string, string, syscall.RawConn) error {
			t.Error("a socket was made")
			return nil
		},
	}
	_, err := d.DialRFCOMM(t.Context(), l.farAddr(1))
	for _, want := range []string{absent.String(), "no such Bluetooth adapter", "hci0 (" + l.near.String() + ")"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: does not say %q", err, want)
		}
	}
	config := rfcomm.ListenConfig{Control: func(string, string, syscall.RawConn) error {
		t.Error("a socket was made")
		return nil
	}}
	_, err = config.ListenRFCOMM(t.Context(), rfcomm.Addr{Device: absent, Channel: 1})
	if err == nil || !strings.Contains(err.Error(), absent.String()) {
		t.Errorf("%v: does not name the adapter", err)
	}
}

func TestDialRedialsAtOnce(t *testing.T) {
	l := inLab(t)
	listener := l.listen(t)
	served := hosttest.InBackground(func() error {
		for {
			c, err := listener.Accept()
			if err != nil {
				return err
			}
			io.Copy(c, c)
			c.Close()
		}
	})
	for i := range 200 {
		c, err := l.dialer.DialRFCOMM(t.Context(), conntest.AddrOf(listener))
		if err != nil {
			t.Fatalf("dial %d: %v", i, err)
		}
		conntest.Send(t, c, "hello")
		conntest.Receive(t, c, "hello")
		c.Close()
	}
	listener.Close()
	if err := <-served; !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
}

func TestDialErrorMatchesDeadlineAndErrno(t *testing.T) {
	l := inLab(t)
	listener := l.listen(t)
	defer l.connectProcess(t, listener)() // so that the next dial gets EBUSY
	d := l.dialer
	d.Timeout = 200 * time.Millisecond
	_, err := d.DialRFCOMM(t.Context(), conntest.AddrOf(listener))
	t.Log(err)
	if !errors.Is(err, unix.EBUSY) || !errors.Is(err, os.ErrDeadlineExceeded) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v: does not match both EBUSY and os.ErrDeadlineExceeded", err)
	}
	if netErr, ok := err.(net.Error); !ok || !netErr.Timeout() {
		t.Errorf("%v: is not a timeout", err)
	}

	ctx, cancel := context.WithCancel(t.Context())
	d = l.dialer
	attempts := 0
	d.ControlContext = func(context.Context, string, string, syscall.RawConn) error {
		if attempts++; attempts == 3 {
			cancel()
		}
		return nil
	}
	_, err = d.DialRFCOMM(ctx, conntest.AddrOf(listener))
	if !errors.Is(err, unix.EBUSY) || !errors.Is(err, context.Canceled) {
		t.Errorf("%v: does not match both EBUSY and context.Canceled", err)
	}
}

// Rarely, the kernel refuses a connection because the session is closing
// together with the last connection to the device.
func TestDialRetriesARefusalAfterAClose(t *testing.T) {
	l := inLab(t)
	if runAlone(t, nil) {
		return // in its own process, where no other test has closed connections
	}
	listener := l.listen(t)
	l.dial(t, listener) // keeps the session open, so that a refusal has another reason
	conntest.Accept(t, listener)
	refused := l.farAddr((conntest.AddrOf(listener).Channel+14)%30 + 1) // not the next channel, which l.connect takes
	attempts := func() int {
		d := l.dialer
		n := countAttempts(&d)
		if _, err := d.DialRFCOMM(t.Context(), refused); !errors.Is(err, unix.ECONNREFUSED) {
			t.Fatalf("%v: does not match ECONNREFUSED", err)
		}
		return *n
	}
	if n := attempts(); n != 1 {
		t.Errorf("%d attempts though no connection was closed, want 1", n)
	}
	second, _ := l.connect(t)
	second.Close()
	if n := attempts(); n < 2 {
		t.Errorf("%d attempt after a close, want more", n)
	}
}

func TestDialReturnsWhenCancelledInPage(t *testing.T) {
	l := inLab(t)
	hosttest.CheckLeaksAtEnd(t)
	l.Stall()
	started := make(chan struct{})
	d := l.dialer
	d.ControlContext = func(context.Context, string, string, syscall.RawConn) error {
		close(started)
		return nil
	}
	ctx, cancel := context.WithCancel(t.Context())
	dialed := hosttest.InBackground(func() error {
		_, err := d.DialRFCOMM(ctx, l.farAddr(1))
		return err
	})
	<-started
	cancel()
	if err := <-dialed; !errors.Is(err, context.Canceled) {
		t.Errorf("%v: does not match context.Canceled", err)
	}

	d = l.dialer
	d.Timeout = 50 * time.Millisecond
	_, err := d.DialRFCOMM(t.Context(), l.farAddr(1))
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("%v: does not match os.ErrDeadlineExceeded", err)
	}
	if netErr, ok := err.(net.Error); !ok || !netErr.Timeout() {
		t.Errorf("%v: is not a timeout", err)
	}
	l.Resume()
}
