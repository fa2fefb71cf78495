package sdp_test

import (
	"io"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/btsocket"
	"github.com/go-rfcomm/rfcomm/internal/test/daemons"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
	"github.com/go-rfcomm/rfcomm/internal/test/sdptest"
	"github.com/go-rfcomm/rfcomm/rfcommtest"
	"github.com/go-rfcomm/rfcomm/sdp"
)

// serve publishes records at an adapter until the end of the test, without
// bluetoothd. It returns the server and the handles of the records.
func serve(t *testing.T, at *rfcommtest.Controller, records ...*sdp.Record) (s *sdp.Server, handles []uint32) {
	t.Helper()
	s = new(sdp.Server)
	for _, r := range records {
		handle, err := s.Add(r)
		if err != nil {
			t.Fatal(err)
		}
		handles = append(handles, handle)
	}
	l, err := sdp.Listen(at.Addr())
	if err != nil {
		t.Fatal(err)
	}
	served := hosttest.InBackground(func() error { return s.Serve(l) })
	t.Cleanup(func() {
		s.Close()
		if err := <-served; err != sdp.ErrServerClosed {
			t.Errorf("Serve returned the error %v, want ErrServerClosed", err)
		}
	})
	return s, handles
}

// conforms runs the tests of package sdptest, except those named, against the
// SDP server at far. It makes one connection for each MTU.
func (a *air) conforms(t *testing.T, except ...string) {
	t.Helper()
	a.log.SendsMalformed()
	conns := map[int]io.ReadWriter{672: a.dialMTU(t, 672), 48: a.dialMTU(t, 48)}
	sdptest.Server{
		Dial:   func(t testing.TB, mtu int) io.ReadWriter { return conns[mtu] },
		Except: except,
	}.Run(t)
}

// dialMTU connects near to the SDP server at far until the end of the test, with
// the given MTU for the packets that near receives.
func (a *air) dialMTU(t testing.TB, mtu int) *btsocket.Socket {
	t.Helper()
	from := receiveMTU(mtu, &unix.SockaddrL2{Addr: a.near.Addr()})
	c, err := btsocket.Connect(t.Context(), from, &unix.SockaddrL2{Addr: a.far.Addr(), PSM: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func TestServerConforms(t *testing.T) {
	a := inLab(t)
	serve(t, a.far, sdptest.Records()...)
	a.conforms(t)
}

// Listen refuses to share the PSM with bluetoothd, and leaves bluetoothd as it is.
// bluetoothd passes the same tests as Server, which shows that they are right,
// except those of requests that it should refuse.
func TestListenBesideBluetoothd(t *testing.T) {
	a := inLab(t)
	daemons.Bluetoothd(t, daemons.Options{Args: []string{"--compat"}})
	for _, record := range sdptest.Records() {
		register(t, record)
	}
	for _, adapter := range []rfcomm.BDAddr{{}, a.near.Addr(), a.far.Addr()} {
		wantInUse(t, adapter, "PSM 1 of all adapters")
	}
	a.conforms(t,
		"Limits/PatternOfThirteen", "Limits/MaximumOfZero", // finds nothing
		"Limits/SearchMaximumBelowSeven", "Limits/RangeThatDescends", // answers
		"Limits/TrailingBytes",                                   // ignores what follows the announced length
		"Limits/CutParameters", "Limits/ContinuationOfSeventeen", // other error codes
		"Limits/ContinuationOfOtherRequest", "Limits/ContinuationTwice", // answers
		"Limits/OtherRequestDuringContinuation", // forgets the rest of the answer
	)
}
