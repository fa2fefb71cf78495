package integration

import (
	"testing"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/test/conntest"
	"github.com/go-rfcomm/rfcomm/internal/test/labtest"
)

// A lab is the two adapters of the lab. Tests dial from the near one
// to the far one.
type lab struct {
	*labtest.Lab
	near, far rfcomm.BDAddr
	dialer    rfcomm.Dialer // from near
}

// inLab returns the lab, and skips the test outside the lab.
func inLab(t testing.TB) *lab {
	t.Helper()
	l := labtest.Require(t)
	near := rfcomm.BDAddr(l.Dialer())
	return &lab{
		Lab:    l,
		near:   near,
		far:    rfcomm.BDAddr(l.Device()),
		dialer: rfcomm.Dialer{LocalAddr: rfcomm.Addr{Device: near}},
	}
}

// nearAddr returns the address of a channel of the near adapter.
func (l *lab) nearAddr(channel int) rfcomm.Addr {
	return rfcomm.Addr{Device: l.near, Channel: channel}
}

// farAddr returns the address of a channel of the far adapter.
func (l *lab) farAddr(channel int) rfcomm.Addr {
	return rfcomm.Addr{Device: l.far, Channel: channel}
}

// listen listens on the next channel of the far adapter.
func (l *lab) listen(t testing.TB) *rfcomm.Listener {
	t.Helper()
	return conntest.Listen(t, l.far)
}

// listenWith is like listen but takes a ListenConfig.
func (l *lab) listenWith(t testing.TB, config rfcomm.ListenConfig) *rfcomm.Listener {
	t.Helper()
	return conntest.ListenWith(t, config, l.far)
}

// dial connects the near adapter to a listener.
func (l *lab) dial(t testing.TB, listener *rfcomm.Listener) *rfcomm.Conn {
	t.Helper()
	return conntest.Dial(t, l.near, listener.Addr())
}

// connect returns the two ends of a new connection.
func (l *lab) connect(t testing.TB) (dialed, accepted *rfcomm.Conn) {
	t.Helper()
	return conntest.Pair(t, l.near, l.far)
}

// rounds returns how often a test repeats a rare event: less often with -short.
func rounds(long, short int) int {
	if testing.Short() {
		return short
	}
	return long
}
