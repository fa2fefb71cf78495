package rfcommtest_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/btsocket"
	"github.com/go-rfcomm/rfcomm/internal/hci"
	"github.com/go-rfcomm/rfcomm/internal/hcictl"
	"github.com/go-rfcomm/rfcomm/internal/test/conntest"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
	"github.com/go-rfcomm/rfcomm/rfcommtest"
)

// A keyLog is a Config.Log that remembers the link keys in it.
type keyLog struct {
	mu  sync.Mutex
	log []byte
}

func (k *keyLog) Write(b []byte) (int, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.log = append(k.log, b...)
	return len(b), nil
}

// A linkKey is a link key with its type.
type linkKey [17]byte

// keys returns the keys that hosts have received for a device
// (HCI_Link_Key_Notification).
func (k *keyLog) keys(device rfcomm.BDAddr) []linkKey {
	k.mu.Lock()
	defer k.mu.Unlock()
	slices.Reverse(device[:])
	event := append([]byte{0x18, byte(len(device) + len(linkKey{}))}, device[:]...)
	var keys []linkKey
	for _, rest := range bytes.Split(k.log, event)[1:] {
		keys = append(keys, linkKey(rest[:len(linkKey{})]))
	}
	return keys
}

func (k *keyLog) forget() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.log = nil
}

func TestLinkPairWithAssociations(t *testing.T) {
	for name, tt := range map[string]struct {
		how    rfcommtest.Association
		secure bool
		key    byte
		high   bool            // the kernel accepts a dial at SecurityHigh
		shown  rfcomm.Security // by Conn.Security
	}{
		"just works":                 {rfcommtest.JustWorks, false, 4, false, rfcomm.SecurityMedium},
		"numeric comparison":         {rfcommtest.NumericComparison, false, 5, true, rfcomm.SecurityMedium},
		"passkey entry":              {rfcommtest.PasskeyEntry, false, 5, true, rfcomm.SecurityMedium},
		"just works, secure":         {rfcommtest.JustWorks, true, 7, false, rfcomm.SecurityMedium},
		"numeric comparison, secure": {rfcommtest.NumericComparison, true, 8, true, rfcomm.SecurityHigh},
		"passkey entry, secure":      {rfcommtest.PasskeyEntry, true, 8, true, rfcomm.SecurityHigh},
	} {
		t.Run(name, func(t *testing.T) {
			log := new(keyLog)
			r, a, b := two(t, rfcommtest.Config{Log: log})
			if tt.secure {
				if err := errors.Join(a.SetSecureConnections(true), b.SetSecureConnections(true)); err != nil {
					t.Fatal(err)
				}
			}
			if err := r.Link(a, b).PairWith(tt.how); err != nil {
				t.Fatal(err)
			}
			for _, c := range []*rfcommtest.Controller{a, b} {
				if got := log.keys(c.Addr()); len(got) != 1 || got[0][16] != tt.key {
					t.Errorf("keys for %v: % x, want one of type %x", c.Addr(), got, tt.key)
				}
			}
			checkLevels(t, r.Link(a, b), a, b, tt.high, tt.shown)
		})
	}
}

// The kernel accepts the key of a PIN at SecurityHigh only if the PIN has the
// maximum length. TestPINLevelAfterEncryption dials in the other order.
func TestPairByPINLevels(t *testing.T) {
	for pin, high := range map[string]bool{"0000": false, "0123456789012345": true} {
		log := new(keyLog)
		link, a, b := pairedByPIN(t, pin, rfcommtest.Config{Log: log})
		err := link.PairWith(rfcommtest.NumericComparison)
		if err == nil || !strings.Contains(err.Error(), b.Addr().String()+" has no Secure Simple Pairing") {
			t.Errorf("numeric comparison without simple pairing: %v", err)
		}
		if got := log.keys(a.Addr()); len(got) != 1 || got[0][16] != 0 {
			t.Errorf("keys % x, want one of type 0", got)
		}
		checkLevel(t, link, a, b, rfcomm.SecurityHigh, high, rfcomm.SecurityMedium)
		checkLevel(t, link, a, b, rfcomm.SecurityMedium, true, rfcomm.SecurityMedium)
	}
}

// That a link has been encrypted with the key of a short PIN does not make the
// key sufficient for SecurityHigh.
func TestPINLevelAfterEncryption(t *testing.T) {
	link, a, b := pairedByPIN(t, "0000", rfcommtest.Config{})
	checkLevels(t, link, a, b, false, rfcomm.SecurityMedium)
}

// pairedByPIN returns two controllers that have paired by a PIN.
func pairedByPIN(t *testing.T, pin string, config rfcommtest.Config) (*rfcommtest.Link, *rfcommtest.Controller, *rfcommtest.Controller) {
	t.Helper()
	r, a, b := two(t, config)
	link := r.Link(a, b)
	if err := errors.Join(b.SetSimplePairing(false), a.SetPIN(pin), b.SetPIN(pin), link.Pair()); err != nil {
		t.Fatal(err)
	}
	return link, a, b
}

// checkLevels dials at SecurityMedium, and then at SecurityHigh, which succeeds
// if high.
func checkLevels(t *testing.T, link *rfcommtest.Link, from, to *rfcommtest.Controller, high bool, shown rfcomm.Security) {
	t.Helper()
	checkLevel(t, link, from, to, rfcomm.SecurityMedium, true, shown)
	checkLevel(t, link, from, to, rfcomm.SecurityHigh, high, shown)
}

// checkLevel dials at a level over a new link. The dial succeeds if sufficient,
// that is, if the key is sufficient for the level.
func checkLevel(t *testing.T, link *rfcommtest.Link, from, to *rfcommtest.Controller, level rfcomm.Security, sufficient bool, shown rfcomm.Security) {
	t.Helper()
	listener := listen(t, to)
	endLink(t, link, from)
	d := rfcomm.Dialer{LocalAddr: rfcomm.Addr{Device: from.Addr()}, Security: level}
	c, err := d.DialRFCOMM(t.Context(), conntest.AddrOf(listener))
	if err == nil {
		defer c.Close()
	}
	switch {
	case !sufficient:
		t.Log(err)
		if !errors.Is(err, syscall.EACCES) && !errors.Is(err, syscall.EBADE) || !strings.Contains(err.Error(), "not paired") {
			t.Errorf("dial at %v: %v, want EACCES or EBADE with its cause", level, err)
		}
	case err != nil:
		t.Errorf("dial at %v: %v", level, err)
	default:
		if got, err := c.Security(); err != nil || got != shown {
			t.Errorf("the link has %v, %v; want %v", got, err, shown)
		}
	}
}

// endLink ends the link and waits until the kernel has dropped it at one end, and
// its RFCOMM thread has dropped the session. Until then, a dial can crash Linux 6.1
// (rfcomm_check_security). The kernel checks SecurityHigh only of the dial that
// opens a link.
func endLink(t *testing.T, link *rfcommtest.Link, at *rfcommtest.Controller) {
	t.Helper()
	link.Disconnect(rfcommtest.RemoteUserTerminated)
	hosttest.Eventually(t, "the kernel has dropped the link", func() bool {
		links, err := hci.AllLinks(index(t, at))
		if err != nil {
			t.Fatal(err)
		}
		return len(links) == 0
	})
	hcictl.AwaitRFCOMMIdle()
}

// The kernel shows that the key of a link with Secure Connections was protected
// against a man in the middle. A dial at SecurityHigh can therefore use an open
// link. The setting outlives the adapter.
func TestSecureConnectionsOverAnOpenLink(t *testing.T) {
	r, a, b := two(t, rfcommtest.Config{})
	if err := errors.Join(a.SetSecureConnections(true), b.SetSecureConnections(true), b.Unplug(), b.Plug()); err != nil {
		t.Fatal(err)
	}
	if err := r.Link(a, b).PairWith(rfcommtest.NumericComparison); err != nil {
		t.Fatal(err)
	}
	low, accepted := connect(t, a, b)
	for _, c := range []*rfcomm.Conn{low, accepted} {
		if got, err := c.Security(); err != nil || got != rfcomm.SecurityHigh {
			t.Errorf("the link has %v, %v; want SecurityHigh", got, err)
		}
	}
	listener := listen(t, b)
	d := rfcomm.Dialer{LocalAddr: rfcomm.Addr{Device: a.Addr()}, Security: rfcomm.SecurityHigh}
	high, err := d.DialRFCOMM(t.Context(), conntest.AddrOf(listener))
	if err != nil {
		t.Fatal(err)
	}
	defer high.Close()
	pass(t, high, conntest.Accept(t, listener))
	pass(t, low, accepted)
}

// A listener at SecurityHigh accepts a peer whose pairing was confirmed.
func TestPairWithListenAtHigh(t *testing.T) {
	r, a, b := two(t, rfcommtest.Config{})
	lc := rfcomm.ListenConfig{Security: rfcomm.SecurityHigh}
	listener, err := lc.ListenRFCOMM(t.Context(), rfcomm.Addr{Device: b.Addr()})
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	if err := r.Link(a, b).PairWith(rfcommtest.PasskeyEntry); err != nil {
		t.Fatal(err)
	}
	endLink(t, r.Link(a, b), a)
	dialed, err := dial(t.Context(), a, listener)
	if err != nil {
		t.Fatal(err)
	}
	defer dialed.Close()
	pass(t, dialed, conntest.Accept(t, listener))
}

// Both kernels begin to pair at the same time over a slow link, each for an
// L2CAP channel that needs encryption. RFCOMM connections in both directions
// would crash Linux 6.1 (rfcomm_check_security).
func TestPairingByBothKernelsAtOnce(t *testing.T) {
	log := new(keyLog)
	r, a, b := two(t, rfcommtest.Config{Log: log})
	link := r.Link(a, b)
	if err := errors.Join(link.Pair(), link.Unpair()); err != nil { // makes the radio the agent
		t.Fatal(err)
	}
	endLink(t, link, a)
	log.forget()
	for _, c := range []*rfcommtest.Controller{a, b} {
		c.SetPageTimeout(0) // the kernel's, which is long enough for both pages
	}
	link.SetDelay(20 * time.Millisecond)
	var group sync.WaitGroup
	for from, to := range map[*rfcommtest.Controller]*rfcommtest.Controller{a: b, b: a} {
		group.Go(func() { t.Logf("from %v: %v", from.Addr(), encryptFor(t.Context(), from, to)) })
	}
	group.Wait()
	ofA, ofB := log.keys(a.Addr()), log.keys(b.Addr())
	if len(ofA) != 1 || len(ofB) != 1 || ofA[0] != ofB[0] {
		t.Errorf("keys % x and % x, want one, the same for both", ofA, ofB)
	}
}

// encryptFor connects an L2CAP socket at the medium level to a PSM without a
// listener. The kernel encrypts the link first.
func encryptFor(ctx context.Context, from, to *rfcommtest.Controller) error {
	const btSecurity, medium, psm = 4, "\x02\x00", 0x1001
	c, err := btsocket.Connect(ctx, btsocket.Endpoint{
		Kind: unix.SOCK_SEQPACKET, Protocol: unix.BTPROTO_L2CAP, Local: &unix.SockaddrL2{Addr: from.Addr()},
		Setup: func(fd int) error { return unix.SetsockoptString(fd, unix.SOL_BLUETOOTH, btSecurity, medium) },
	}, &unix.SockaddrL2{Addr: to.Addr(), PSM: psm})
	if err == nil {
		c.Close()
	}
	return err
}
