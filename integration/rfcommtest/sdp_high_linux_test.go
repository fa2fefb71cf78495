package rfcommtest_test

import (
	"errors"
	"syscall"
	"testing"
	"time"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/test/labtest"
	"github.com/go-rfcomm/rfcomm/rfcommtest"
	"github.com/go-rfcomm/rfcomm/sdp"
)

// The kernel checks SecurityHigh when a link is opened. A dial by UUID therefore
// lets the link of its search end, but not one that was open before.
func TestDialerDialsAtHigh(t *testing.T) {
	labtest.RequireRoot(t)
	r, a, b := two(t, rfcommtest.Config{})
	if err := r.Link(a, b).PairWith(rfcommtest.NumericComparison); err != nil {
		t.Fatal(err)
	}
	listener := listen(t, b)
	l, err := sdp.Listen(b.Addr())
	if err != nil {
		t.Fatal(err)
	}
	server := new(sdp.Server)
	defer server.Close()
	if _, err := server.Add(sdp.NewSerialPort("port", listener.Addr().(rfcomm.Addr).Channel)); err != nil {
		t.Fatal(err)
	}
	go server.Serve(l)

	dialer := dialerFrom(a)
	dialer.RFCOMM.Security = rfcomm.SecurityHigh
	endLink(t, r.Link(a, b), a)
	began := time.Now()
	conn, err := dialer.Dial(t.Context(), b.Addr(), sdp.SerialPort)
	t.Logf("%v after %v", err, time.Since(began).Round(time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()

	endLink(t, r.Link(a, b), a)
	client, err := sdp.Connect(t.Context(), a.Addr(), b.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if _, err := dialer.Dial(t.Context(), b.Addr(), sdp.SerialPort); !errors.Is(err, syscall.EACCES) {
		t.Errorf("over a link that was open before: %v, want EACCES", err)
	}
}
