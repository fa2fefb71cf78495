package integration

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/test/conntest"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
	"github.com/go-rfcomm/rfcomm/internal/test/labtest"
	"github.com/go-rfcomm/rfcomm/rfcommtest"
)

// A device that ends the link at every attempt looks like one whose last
// connection is still closing, but does not stop.
func TestDialNamesADeviceThatHangsUp(t *testing.T) {
	s := newScene(t, rfcommtest.Config{})
	listener := conntest.ListenAt(t, rfcomm.Addr{Device: s.far.Addr()})
	link := s.Link(s.near, s.far)
	link.SetDelay(20 * time.Millisecond) // so that the link ends before any attempt does
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			case <-time.After(100 * time.Microsecond):
				link.Disconnect(rfcommtest.RemoteUserTerminated)
			}
		}
	}()
	defer func() { close(stop); <-stopped }()
	d := s.dialer
	attempts := countAttempts(&d)
	_, err := d.DialRFCOMM(t.Context(), conntest.AddrOf(listener))
	t.Log(*attempts, err)
	checkOpError(t, err, "dial", d.LocalAddr, conntest.AddrOf(listener), unix.ECONNRESET, "the device hung up at every attempt")
	if *attempts < 2 {
		t.Errorf("%d attempts, want at least 2", *attempts)
	}
}

// The listener's kernel waits 25 s for a pairing that does not begin, and then
// ends the connection. A retry would take as long. The dialer's kernel waits 30 s,
// without the time for the link, which is open.
func TestDialNamesMissingPairing(t *testing.T) {
	t.Parallel()
	s := newScene(t, rfcommtest.Config{})
	s.openLink(t)
	listener := conntest.ListenWith(t, rfcomm.ListenConfig{Security: rfcomm.SecurityMedium}, s.far.Addr())
	d := s.dialer
	attempts := countAttempts(&d)
	_, err := d.DialRFCOMM(t.Context(), conntest.AddrOf(listener))
	t.Log(err)
	checkOpError(t, err, "dial", d.LocalAddr, conntest.AddrOf(listener), unix.ECONNRESET, "it asks for pairing or encryption")
	if *attempts != 1 {
		t.Errorf("%d attempts, want 1", *attempts)
	}
}

// While the kernel ends the link of a failed authentication, it returns ENOMEM
// for the next dial.
func TestDialRetriesAfterFailedAuthentication(t *testing.T) {
	l := inLab(t)
	l.Pair()
	l.SpoilKey(labtest.DialerAdapter)
	l.Sync()
	listener := l.listen(t)
	d := l.dialer
	d.Security = rfcomm.SecurityMedium
	for range 30 {
		_, err := d.DialRFCOMM(t.Context(), conntest.AddrOf(listener))
		if !errors.Is(err, unix.EACCES) {
			t.Fatalf("%v: does not match EACCES", err)
		}
	}
}

// With a pairing agent that asks the user, as on a desktop, the devices pair at
// any security level, and the connection waits for the answer.
func TestDialNamesAQuestionAboutPairing(t *testing.T) {
	t.Parallel()
	s := newScene(t, rfcommtest.Config{})
	asked := pairingAgent(t, silent, s.near, s.far)
	dial := func(timeout time.Duration) error {
		listener := conntest.ListenAt(t, rfcomm.Addr{Device: s.far.Addr()})
		d := s.dialer
		d.Timeout = timeout
		began := time.Now()
		_, err := d.DialRFCOMM(t.Context(), conntest.AddrOf(listener))
		t.Logf("after %v: %v", time.Since(began).Round(time.Millisecond), err)
		return err
	}
	const question = "if one of the devices asks whether to pair"
	gaveUp := hosttest.InBackground(func() error { return dial(0) })
	hosttest.Receive(t, asked) // the kernel has asked the agent
	// A dial looks up the link shortly before its deadline, and does not wait for
	// the answer after it.
	hosttest.Eventually(t, "the error of a timeout names the question", func() bool {
		err := dial(time.Second)
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("%v: does not match os.ErrDeadlineExceeded", err)
		}
		return strings.Contains(err.Error(), question)
	})
	err := hosttest.Receive(t, gaveUp)
	if !errors.Is(err, unix.ENOSYS) && !errors.Is(err, unix.ETIMEDOUT) {
		t.Errorf("%v: matches neither ENOSYS nor ETIMEDOUT", err)
	}
	if err != nil && !strings.Contains(err.Error(), question) {
		t.Errorf("%v: does not name the question", err)
	}
}

// The kernel asks again for each connection, since it does not keep the key of
// a pairing at low.
func TestDialNamesADeclinedPairing(t *testing.T) {
	s := newScene(t, rfcommtest.Config{})
	pairingAgent(t, no, s.near, s.far)
	listener := conntest.ListenAt(t, rfcomm.Addr{Device: s.far.Addr()})
	d := s.dialer
	for range 2 {
		_, err := d.DialRFCOMM(t.Context(), conntest.AddrOf(listener))
		t.Log(err)
		checkOpError(t, err, "dial", d.LocalAddr, conntest.AddrOf(listener), unix.EACCES, "the question whether to pair was declined")
	}
}

// The kernel checks the level of the first dial, which opens the link. The
// other dials rely on an open connection of this process.
func TestDialAtHighOverItsOwnLink(t *testing.T) {
	s := newScene(t, rfcommtest.Config{})
	pairingAgent(t, yes, s.near, s.far)
	d := s.dialer
	d.Security = rfcomm.SecurityHigh
	dial := func() (c *rfcomm.Conn, err error) {
		t.Helper()
		listener := conntest.ListenAt(t, rfcomm.Addr{Device: s.far.Addr()})
		c, err = d.DialRFCOMM(t.Context(), conntest.AddrOf(listener))
		if err == nil {
			t.Cleanup(func() { c.Close() })
		}
		return c, err
	}
	first, err := dial()
	if err != nil {
		t.Fatal(err)
	}
	second, err := dial()
	if err != nil {
		t.Fatalf("over the link of the first: %v", err)
	}
	first.Close()
	d.Security = rfcomm.SecurityLow
	if _, err = dial(); err != nil {
		t.Fatal(err)
	}
	d.Security = rfcomm.SecurityHigh
	third, err := dial()
	if err != nil {
		t.Fatalf("over the link of the second: %v", err)
	}

	// The connection at low keeps the link open, but without a connection at
	// high the level of the link is unknown.
	second.Close()
	third.Close()
	if _, err := dial(); !errors.Is(err, unix.EACCES) || !strings.Contains(err.Error(), "was open, or being opened") {
		t.Errorf("got %v, want a refusal that matches EACCES", err)
	}
}
