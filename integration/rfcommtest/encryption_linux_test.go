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
// (L2CAP_ENC_TIMEOUT). Encryption gives the session's L2CAP channel the level of
// the link (l2cap_security_cfm), which is high if the key is that of a PIN of 16
// bytes (conn_set_key). Linux 6.15 to 7.3 take any key for one after its first
// encryption (hci_conn_key_enc_size), so each case has its own key.
func TestLinkStopEncryptionEndsConns(t *testing.T) {
	const short, long, grace = "0000", "0123456789abcdef", 5 * time.Second
	r, a, b := two(t, rfcommtest.Config{})
	link := r.Link(a, b)
	if err := a.SetSimplePairing(false); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		pin              string
		dialed, accepted rfcomm.Security
		from, to         time.Duration
	}{
		{short, rfcomm.SecurityMedium, rfcomm.SecurityLow, grace, time.Minute},
		{short, rfcomm.SecurityLow, rfcomm.SecurityMedium, grace, time.Minute},
		{long, rfcomm.SecurityHigh, rfcomm.SecurityLow, 0, grace},
		{long, rfcomm.SecurityLow, rfcomm.SecurityHigh, 0, grace},
	} {
		if err := errors.Join(link.Unpair(), a.SetPIN(tt.pin), b.SetPIN(tt.pin), link.Pair()); err != nil {
			t.Fatal(err)
		}
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
