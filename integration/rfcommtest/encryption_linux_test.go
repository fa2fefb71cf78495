package rfcommtest_test

import (
	"errors"
	"syscall"
	"testing"
	"time"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/test/conntest"
	"github.com/go-rfcomm/rfcomm/rfcommtest"
)

// With simple pairing, each kernel ends the link as soon as it is no longer
// encrypted.
func TestLinkStopEncryptionEndsLink(t *testing.T) {
	r, a, b := two(t, rfcommtest.Config{})
	link := r.Link(a, b)
	if link.StopEncryption() {
		t.Error("StopEncryption = true without a link")
	}
	if connect(t, a, b); link.StopEncryption() {
		t.Error("StopEncryption = true over a link without encryption")
	}
	if err := link.Pair(); err != nil {
		t.Fatal(err)
	}
	dialed, accepted := connect(t, a, b)
	if !link.StopEncryption() {
		t.Error("StopEncryption = false over an encrypted link")
	}
	for _, c := range []*rfcomm.Conn{dialed, accepted} {
		// The reason is a failed authentication, or that the own kernel was first.
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, syscall.EACCES) && !errors.Is(err, syscall.ECONNABORTED) {
			t.Errorf("read %v, want EACCES or ECONNABORTED", err)
		}
	}
	encrypted(t, a, b) // the keys stay valid
}

// Without simple pairing, the link remains, and the kernel ends the connection:
// at the high level at once, and at the medium level 5 s later
// (L2CAP_ENC_TIMEOUT).
func TestLinkStopEncryptionEndsConns(t *testing.T) {
	r, a, b := two(t, rfcommtest.Config{})
	link := r.Link(a, b)
	// For the high level, the kernel requires a PIN of 16 bytes.
	const pin = "0123456789abcdef"
	if err := errors.Join(a.SetSimplePairing(false), a.SetPIN(pin), b.SetPIN(pin), link.Pair()); err != nil {
		t.Fatal(err)
	}
	const grace = 5 * time.Second
	for _, tt := range []struct {
		dialed, accepted rfcomm.Security
		from, to         time.Duration
	}{
		{rfcomm.SecurityMedium, rfcomm.SecurityLow, grace, time.Minute},
		{rfcomm.SecurityHigh, rfcomm.SecurityLow, 0, grace},
		{rfcomm.SecurityLow, rfcomm.SecurityHigh, 0, grace},
	} {
		endLink(t, link, a)
		l := conntest.ListenWith(t, rfcomm.ListenConfig{Security: tt.accepted}, b.Addr())
		d := rfcomm.Dialer{LocalAddr: rfcomm.Addr{Device: a.Addr()}, Security: tt.dialed, Timeout: time.Minute}
		dialed, err := d.DialRFCOMM(t.Context(), conntest.AddrOf(l))
		if err != nil {
			t.Errorf("dialed at %v, accepted at %v: %v", tt.dialed, tt.accepted, err)
			continue
		}
		defer dialed.Close()
		accepted := conntest.Accept(t, l)
		pass(t, dialed, accepted)
		began := time.Now()
		if !link.StopEncryption() || link.StopEncryption() {
			t.Error("StopEncryption does not report whether the link was encrypted")
		}
		_, err = dialed.Read(make([]byte, 1))
		if err == nil {
			t.Error("the dialed end reads data")
		}
		took := time.Since(began)
		_, other := accepted.Read(make([]byte, 1))
		t.Logf("dialed at %v, accepted at %v: after %v: %v; %v", tt.dialed, tt.accepted, took.Round(time.Millisecond), err, other)
		if took < tt.from || took > tt.to {
			t.Errorf("dialed at %v, accepted at %v: ended after %v, want %v to %v", tt.dialed, tt.accepted, took, tt.from, tt.to)
		}
	}
}
