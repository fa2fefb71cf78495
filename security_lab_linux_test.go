package rfcomm_test

import (
	"errors"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm"
)

// Over a link that is open at low, the kernel connects at any level, and says
// that the level is what was asked for.
func TestMediumOverAnUnprotectedLinkIsRefused(t *testing.T) {
	l := inLab(t)
	low := l.listen(t)
	first := l.dial(t, low)
	accept(t, low)
	checkSecurity(t, first, rfcomm.SecurityLow)

	listener := l.listen(t)
	for _, level := range []rfcomm.Security{rfcomm.SecurityMedium, rfcomm.SecurityHigh} {
		d := l.dialer
		d.Security = level
		c, err := d.DialRFCOMM(t.Context(), addrOf(listener))
		if err == nil {
			c.Close()
			t.Fatalf("dialed at %v over a link that is not encrypted", level)
		}
		t.Log(err)
		if !errors.Is(err, unix.EACCES) {
			t.Errorf("%v: does not match EACCES", err)
		}
	}
}

func TestMediumIsEncryptedBetweenPairedDevices(t *testing.T) {
	l := inLab(t)
	l.Pair()
	listener := l.listenWith(t, rfcomm.ListenConfig{Security: rfcomm.SecurityMedium})
	d := l.dialer
	d.Security = rfcomm.SecurityMedium
	dialed, err := d.DialRFCOMM(t.Context(), addrOf(listener))
	if err != nil {
		t.Fatal(err)
	}
	defer dialed.Close()
	accepted := accept(t, listener)
	checkSecurity(t, dialed, rfcomm.SecurityMedium)
	checkSecurity(t, accepted, rfcomm.SecurityMedium)
	send(t, dialed, "secret")
	receive(t, accepted, "secret")

	// With this connection open, the next one is protected too.
	second := l.listen(t)
	another, err := d.DialRFCOMM(t.Context(), addrOf(second))
	if err != nil {
		t.Fatal(err)
	}
	defer another.Close()
	checkSecurity(t, another, rfcomm.SecurityMedium)
	accept(t, second)
}

func checkSecurity(t *testing.T, c *rfcomm.Conn, want rfcomm.Security) {
	t.Helper()
	if got, err := c.Security(); got != want || err != nil {
		t.Errorf("Security = %v, %v; want %v", got, err, want)
	}
}
