package integration

import (
	"errors"
	"os"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/hci"
	"github.com/go-rfcomm/rfcomm/internal/hcictl"
	"github.com/go-rfcomm/rfcomm/internal/test/conntest"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
	"github.com/go-rfcomm/rfcomm/internal/test/labtest"
	"github.com/go-rfcomm/rfcomm/rfcommtest"
)

// newSceneByPIN returns a scene whose adapters have paired by a PIN that is long
// enough for the high level. Without Secure Simple Pairing, the kernel keeps a
// link whose encryption ends.
func newSceneByPIN(t *testing.T) *scene {
	t.Helper()
	const pin = "0123456789abcdef"
	s := newScene(t, rfcommtest.Config{})
	link := s.Link(s.near, s.far)
	err := errors.Join(s.near.SetSimplePairing(false), s.near.SetPIN(pin), s.far.SetPIN(pin), link.Pair())
	if err != nil {
		t.Fatal(err)
	}
	s.endLink(t)
	return s
}

// The keys of these pairings are protected against a man in the middle. Whether
// a link that another connection has opened has such a key is only known if it is
// a P-256 key.
func TestDialAtHighSucceeds(t *testing.T) {
	labtest.RequireRoot(t)
	for name, tt := range map[string]struct {
		secure bool
		how    rfcommtest.Association
		shown  rfcomm.Security
	}{
		"numeric comparison":         {false, rfcommtest.NumericComparison, rfcomm.SecurityMedium},
		"numeric comparison, secure": {true, rfcommtest.NumericComparison, rfcomm.SecurityHigh},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t, rfcommtest.Config{})
			if tt.secure {
				if err := errors.Join(s.near.SetSecureConnections(true), s.far.SetSecureConnections(true)); err != nil {
					t.Fatal(err)
				}
			}
			if err := s.Link(s.near, s.far).PairWith(tt.how); err != nil {
				t.Fatal(err)
			}
			s.endLink(t)
			for _, over := range []string{"a new link", "the link of the first dial"} {
				c, err := s.dialAt(t, rfcomm.SecurityHigh)
				if err != nil {
					t.Fatalf("over %s: %v", over, err)
				}
				defer c.Close()
				checkSecurity(t, c, tt.shown)
			}
			s.endLink(t)
			if _, err := s.dialAt(t, rfcomm.SecurityLow); err != nil {
				t.Fatal(err)
			}
			_, err := s.dialAt(t, rfcomm.SecurityHigh)
			if want := tt.shown == rfcomm.SecurityHigh; want != (err == nil) || !want && !errors.Is(err, unix.EACCES) {
				t.Errorf("over the link of a dial at low: %v", err)
			}
		})
	}
}

// endLink ends the link, and waits until the kernel has dropped it.
func (s *scene) endLink(t *testing.T) {
	t.Helper()
	s.Link(s.near, s.far).Disconnect(rfcommtest.RemoteUserTerminated)
	hosttest.Eventually(t, "the kernel has dropped the link", func() bool {
		return len(allLinks(t, s.near))+len(allLinks(t, s.far)) == 0
	})
	// Until the kernel's RFCOMM thread has dropped the session, a dial can crash
	// Linux 6.1 (rfcomm_check_security).
	hcictl.AwaitRFCOMMIdle()
}

// dialAt dials a new listener of the far device at a level.
func (s *scene) dialAt(t *testing.T, level rfcomm.Security) (*rfcomm.Conn, error) {
	t.Helper()
	listener := conntest.ListenAt(t, rfcomm.Addr{Device: s.far.Addr()})
	d := s.dialer
	d.Security = level
	c, err := d.DialRFCOMM(t.Context(), conntest.AddrOf(listener))
	if err == nil {
		t.Cleanup(func() { c.Close() })
	}
	return c, err
}

// encryptedLink reports whether the near adapter has an encrypted link.
func (s *scene) encryptedLink(t *testing.T) bool {
	for _, link := range allLinks(t, s.near) {
		if link.Mode&hci.Encrypted != 0 {
			return true
		}
	}
	return false
}

// The connection that has lost its encryption keeps the link open for 5 s.
func TestDialRefusedOnceEncryptionEnds(t *testing.T) {
	s := newSceneByPIN(t)
	first, err := s.dialAt(t, rfcomm.SecurityMedium)
	if err != nil {
		t.Fatal(err)
	}
	checkSecurity(t, first, rfcomm.SecurityMedium)
	if !s.Link(s.near, s.far).StopEncryption() {
		t.Fatal("the link was not encrypted")
	}
	for s.encryptedLink(t) {
		time.Sleep(time.Millisecond)
	}
	checkSecurity(t, first, rfcomm.SecurityLow)
	for _, level := range []rfcomm.Security{rfcomm.SecurityMedium, rfcomm.SecurityHigh} {
		_, err := s.dialAt(t, level)
		t.Logf("at %v: %v", level, err)
		if !errors.Is(err, unix.EACCES) {
			t.Errorf("at %v: %v, want EACCES", level, err)
		}
	}
	if _, err := s.dialAt(t, rfcomm.SecurityLow); err != nil {
		t.Errorf("at low: %v", err)
	}
}

// A connection at high ends with the encryption, and no longer vouches for the
// link.
func TestDialAtHighOnceEncryptionEnds(t *testing.T) {
	s := newSceneByPIN(t)
	first, err := s.dialAt(t, rfcomm.SecurityHigh)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.dialAt(t, rfcomm.SecurityHigh); err != nil {
		t.Fatalf("over the link of the first: %v", err)
	}
	s.Link(s.near, s.far).StopEncryption()
	if _, err := first.Read(make([]byte, 1)); err == nil {
		t.Error("the first connection reads data")
	}
	if _, err := s.dialAt(t, rfcomm.SecurityHigh); !errors.Is(err, unix.EACCES) {
		t.Errorf("over the link that was not encrypted: %v, want EACCES", err)
	}
	s.endLink(t)
	if _, err := s.dialAt(t, rfcomm.SecurityHigh); err != nil {
		t.Errorf("over a new link: %v", err)
	}
}

// Encryption ends while the connection is being set up, again and again. On a busy
// machine, it may end too late for a dial, which then succeeds.
func TestDialRefusedIfEncryptionEnds(t *testing.T) {
	s := newSceneByPIN(t)
	link := s.Link(s.near, s.far)
	link.SetDelay(10 * time.Millisecond)
	stop := make(chan struct{})
	var stopping sync.WaitGroup
	stopping.Go(func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(time.Millisecond):
				link.StopEncryption()
			}
		}
	})
	defer stopping.Wait()
	defer close(stop)
	for _, level := range []rfcomm.Security{rfcomm.SecurityMedium, rfcomm.SecurityHigh} {
		hosttest.Eventually(t, "a dial is refused", func() bool {
			began := time.Now()
			c, err := s.dialAt(t, level)
			t.Logf("at %v, after %v: %v", level, time.Since(began).Round(time.Millisecond), err)
			if err == nil {
				c.Close()
				s.endLink(t)
			}
			return err != nil
		})
	}
}

// The kernel has completed the connection at medium before the encryption ends.
func TestAcceptSkipsIfEncryptionEnds(t *testing.T) {
	s := newSceneByPIN(t)
	listener := conntest.ListenWith(t, rfcomm.ListenConfig{Security: rfcomm.SecurityMedium}, s.far.Addr())
	d := s.dialer
	d.Security = rfcomm.SecurityMedium
	dialed, err := d.DialRFCOMM(t.Context(), conntest.AddrOf(listener))
	if err != nil {
		t.Fatal(err)
	}
	defer dialed.Close()
	s.Link(s.near, s.far).StopEncryption()
	for s.encryptedLink(t) {
		time.Sleep(time.Millisecond)
	}
	listener.SetDeadline(time.Now().Add(time.Second))
	c, err := listener.AcceptRFCOMM()
	if err == nil {
		got, err := c.Security()
		c.Close()
		t.Fatalf("accepted at %v, %v", got, err)
	}
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("Accept: %v, want os.ErrDeadlineExceeded", err)
	}
}
