package integration

import (
	"context"
	"errors"
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
	"github.com/go-rfcomm/rfcomm/rfcommtest"
)

// Over an open link at low, the kernel connects at any level, and reports the
// requested level as the level of the connection.
func TestSecurityMediumRefusedOverOpenLink(t *testing.T) {
	l := inLab(t)
	low := l.listen(t)
	first := l.dial(t, low)
	conntest.Accept(t, low)
	checkSecurity(t, first, rfcomm.SecurityLow)

	listener := l.listen(t)
	for _, level := range []rfcomm.Security{rfcomm.SecurityMedium, rfcomm.SecurityHigh} {
		d := l.dialer
		d.Security = level
		c, err := d.DialRFCOMM(t.Context(), conntest.AddrOf(listener))
		if err == nil {
			c.Close()
			t.Fatalf("dialed at %v over a link that is not encrypted", level)
		}
		t.Log(err)
		checkOpError(t, err, "dial", d.LocalAddr, conntest.AddrOf(listener), unix.EACCES, "the link is not encrypted, though security "+level.String())
	}
	checkSecurity(t, first, rfcomm.SecurityLow)
}

func TestSecurityMediumEncryptsIfPaired(t *testing.T) {
	l := inLab(t)
	l.Pair()
	l.SimplePairing(false) // or the kernel would encrypt at any level
	l.Sync()

	// Without another open connection, the link gets the requested level.
	listener := l.listenWith(t, rfcomm.ListenConfig{Security: rfcomm.SecurityMedium})
	d := l.dialer
	d.Security = rfcomm.SecurityMedium
	dialed, err := d.DialRFCOMM(t.Context(), conntest.AddrOf(listener))
	if err != nil {
		t.Fatal(err)
	}
	defer dialed.Close()
	accepted := conntest.Accept(t, listener)
	checkSecurity(t, dialed, rfcomm.SecurityMedium)
	checkSecurity(t, accepted, rfcomm.SecurityMedium)
	conntest.Send(t, dialed, "secret")
	conntest.Receive(t, accepted, "secret")

	// While this connection is open, the next one is encrypted too.
	second := l.listen(t)
	another, err := d.DialRFCOMM(t.Context(), conntest.AddrOf(second))
	if err != nil {
		t.Fatal(err)
	}
	defer another.Close()
	checkSecurity(t, another, rfcomm.SecurityMedium)
	conntest.Accept(t, second)
}

// With Secure Simple Pairing the link of paired devices is always encrypted,
// even if nobody confirmed the pairing ("just works"). The kernel connects at
// high over it, without a check.
func TestDialAtHighRefusesAnOpenLink(t *testing.T) {
	l := inLab(t)
	l.Pair()
	l.Sync()
	low, _ := l.connect(t)
	checkSecurity(t, low, rfcomm.SecurityMedium)

	listener := l.listen(t)
	wantHighRefused(t, l, listener, "the link was open, or being opened, before the dial")

	// The refused dial does not change the link and the other connection.
	checkSecurity(t, low, rfcomm.SecurityMedium)
	d := l.dialer
	d.Security = rfcomm.SecurityMedium
	c, err := d.DialRFCOMM(t.Context(), conntest.AddrOf(listener))
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
}

// A link that the caller's ControlContext opens exists before the dial
// connects.
func TestDialAtHighSeesALinkOfControl(t *testing.T) {
	l := inLab(t)
	l.Pair()
	l.Sync()
	other, listener := l.listen(t), l.listen(t)
	d := l.dialer
	d.Security = rfcomm.SecurityHigh
	d.ControlContext = func(context.Context, string, string, syscall.RawConn) error {
		l.dial(t, other)
		return nil
	}
	c, err := d.DialRFCOMM(t.Context(), conntest.AddrOf(listener))
	if err == nil {
		c.Close()
		t.Fatal("dialed at high over a link that was opened at low")
	}
	checkOpError(t, err, "dial", d.LocalAddr, conntest.AddrOf(listener), unix.EACCES, "the link was open, or being opened, before the dial")
}

// wantHighRefused checks that a dial at high fails with EACCES and a hint.
func wantHighRefused(t *testing.T, l *lab, listener *rfcomm.Listener, hint string) {
	t.Helper()
	d := l.dialer
	d.Security = rfcomm.SecurityHigh
	c, err := d.DialRFCOMM(t.Context(), conntest.AddrOf(listener))
	if err == nil {
		c.Close()
		t.Fatalf("dialed at high, want an error that contains %q", hint)
	}
	t.Log(err)
	checkOpError(t, err, "dial", d.LocalAddr, conntest.AddrOf(listener), unix.EACCES, hint)
}

// Without a link, the kernel checks the level. It refuses the key of an
// unconfirmed pairing.
func TestDialAtHighRefusesAnUnconfirmedKey(t *testing.T) {
	l := inLab(t)
	l.Pair()
	l.Sync()
	wantHighRefused(t, l, l.listen(t), "not paired")
}

// The listener's kernel checks the level of an incoming connection, and refuses
// the key of an unconfirmed pairing.
func TestListenAtHighRefusesAnUnconfirmedKey(t *testing.T) {
	l := inLab(t)
	l.Pair()
	l.Sync()
	listener := l.listenWith(t, rfcomm.ListenConfig{Security: rfcomm.SecurityHigh})
	d := l.dialer
	d.Security = rfcomm.SecurityMedium
	began := time.Now()
	c, err := d.DialRFCOMM(t.Context(), conntest.AddrOf(listener))
	if err == nil {
		c.Close()
		t.Error("dialed a listener at high with an unconfirmed key")
	}
	t.Logf("after %v: %v", time.Since(began).Round(time.Millisecond), err)
	listener.SetDeadline(time.Now().Add(time.Second))
	accepted, err := listener.AcceptRFCOMM()
	if err == nil {
		level, err := accepted.Security()
		accepted.Close()
		t.Fatalf("accepted a connection at %v, %v", level, err)
	}
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("Accept: %v, want os.ErrDeadlineExceeded", err)
	}

	// The key is sufficient for a listener at medium.
	medium := l.listenWith(t, rfcomm.ListenConfig{Security: rfcomm.SecurityMedium})
	c, err = d.DialRFCOMM(t.Context(), conntest.AddrOf(medium))
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
}

// While a link is open at low, it does not matter that the devices are paired.
func TestSecurityMediumRefusedBesideLow(t *testing.T) {
	l := inLab(t)
	l.Pair()
	l.SimplePairing(false)
	l.Sync()
	low, _ := l.connect(t)
	checkSecurity(t, low, rfcomm.SecurityLow)

	listener := l.listen(t)
	d := l.dialer
	d.Security = rfcomm.SecurityMedium
	_, err := d.DialRFCOMM(t.Context(), conntest.AddrOf(listener))
	checkOpError(t, err, "dial", d.LocalAddr, conntest.AddrOf(listener), unix.EACCES, "close other connections")
}

// The kernel itself refuses unencrypted peers of a listener at medium.
// listenUnguarded turns that check off, so that only the check in
// Accept remains.
func TestAcceptSkipsUnprotectedPeers(t *testing.T) {
	l := inLab(t)
	listener := l.listenUnguarded(t)
	accepted := hosttest.InBackground(func() *rfcomm.Conn {
		c, err := listener.AcceptRFCOMM()
		if err != nil {
			t.Errorf("Accept: %v", err)
		}
		return c
	})
	for range 3 {
		unprotected := l.dial(t, listener)
		conntest.ReceiveEOF(t, unprotected)
		unprotected.Close()
	}
	l.Pair()
	d := l.dialer
	d.Security = rfcomm.SecurityMedium
	protected, err := d.DialRFCOMM(t.Context(), conntest.AddrOf(listener))
	if err != nil {
		listener.Close()
		t.Fatal(err)
	}
	defer protected.Close()
	c := <-accepted
	if c == nil {
		return
	}
	defer c.Close()
	checkSecurity(t, c, rfcomm.SecurityMedium)
	conntest.Send(t, protected, "secret")
	conntest.Receive(t, c, "secret")
}

func TestAcceptSkipsVanishedPeers(t *testing.T) {
	l := inLab(t)
	listener := l.listenUnguarded(t)
	accepted := hosttest.InBackground(func() error {
		c, err := listener.Accept()
		if err == nil {
			c.Close()
		}
		return err
	})
	for range 20 {
		l.Sync() // a dial over a link that is about to end would fail
		c := l.dial(t, listener)
		l.Disconnect(0x13)
		// The connection has ended. Its errno does not matter.
		if _, err := c.Read(make([]byte, 1)); err == nil {
			t.Error("Read: no error")
		}
		c.Close()
	}
	listener.Close()
	if err := <-accepted; !errors.Is(err, net.ErrClosed) {
		t.Errorf("Accept: %v, want net.ErrClosed", err)
	}
}

// listenUnguarded listens at medium, but makes the kernel accept every peer.
func (l *lab) listenUnguarded(t *testing.T) *rfcomm.Listener {
	t.Helper()
	return l.listenWith(t, rfcomm.ListenConfig{
		Security: rfcomm.SecurityMedium,
		Control: func(_, _ string, c syscall.RawConn) error {
			return c.Control(func(fd uintptr) {
				const btSecurity, low = 4, "\x01\x00"
				if err := unix.SetsockoptString(int(fd), unix.SOL_BLUETOOTH, btSecurity, low); err != nil {
					t.Error(err)
				}
			})
		},
	})
}

func TestDialNamesLostKey(t *testing.T) {
	l := inLab(t)
	l.Pair()
	l.SpoilKey(labtest.DialerAdapter)
	l.Sync()
	listener := l.listen(t)
	d := l.dialer
	d.Security = rfcomm.SecurityMedium
	_, err := d.DialRFCOMM(t.Context(), conntest.AddrOf(listener))
	t.Log(err)
	checkOpError(t, err, "dial", d.LocalAddr, conntest.AddrOf(listener), unix.EACCES, "one of them has lost the key")
}

// The controller gives the pairing up after 30 s, the kernel at most 2 s later.
func TestDialNamesUnconfirmedPairing(t *testing.T) {
	t.Parallel()
	s := newScene(t, rfcommtest.Config{})
	listener := conntest.ListenAt(t, rfcomm.Addr{Device: s.far.Addr()})
	d := s.dialer
	d.Security = rfcomm.SecurityMedium
	_, err := d.DialRFCOMM(t.Context(), conntest.AddrOf(listener))
	t.Log(err)
	if !errors.Is(err, unix.ENOSYS) && !errors.Is(err, unix.ETIMEDOUT) {
		t.Errorf("%v: matches neither ENOSYS nor ETIMEDOUT", err)
	}
	if err == nil || !strings.Contains(err.Error(), "nobody confirmed the pairing") {
		t.Errorf("%v: does not name the cause", err)
	}
}

func checkSecurity(t *testing.T, c *rfcomm.Conn, want rfcomm.Security) {
	t.Helper()
	if got, err := c.Security(); got != want || err != nil {
		t.Errorf("Security = %v, %v; want %v", got, err, want)
	}
}
