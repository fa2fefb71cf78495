package faults

import (
	"context"
	"time"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/test/conntest"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

const (
	notDialing = "only a dial pages a device, or is refused"
	withNext   = "with the next connection"
	forgotten  = "the kernel discards a connection that ends in the queue; if a program has accepted it just before, Read returns the error"
	notReading = "Accept writes nothing to the peer"
)

// accepting applies a fault while a connection is being made or waits to be
// accepted. Accept must return a connection that works.
var accepting = &activity{name: "Accept", run: runAccepting, plans: map[*fault]plan{
	pageTimesOut: {never: notDialing},
	refusedPage:  {never: notDialing},
	noListener:   {never: notDialing},
	lost08:       {want: []string{success}, when: withNext, note: forgotten},
	lost13:       {want: []string{success}, when: withNext, note: forgotten},
	lost14:       {want: []string{success}, when: withNext, note: forgotten},
	lost15:       {want: []string{success}, when: withNext, note: forgotten},
	stallFor1s:   {want: []string{success}, when: afterStall},
	stallForEver: {want: []string{success}, when: withNext, note: "the peer's dial fails with ETIMEDOUT after 50 s", within: 90 * time.Second, long: true},
	ownDown:      {want: []string{success}, when: "with the next connection, once the adapter is back", note: forgotten},
	farDown:      {want: []string{success}, when: withNext, note: forgotten},
	ownGone:      {want: []string{success}, when: "with the next connection, once the adapter is back", note: forgotten},
	farGone:      {want: []string{success}, when: withNext, note: forgotten},
	killed:       {want: []string{success}, when: withNext, note: forgotten},
	neverReads:   {never: notReading},
	rubbish:      {never: notReading},
	wrongFrames:  {want: []string{success}, when: withNext, note: "another device sends them; the kernel ignores them"},
}}

func runAccepting(s *scenario) {
	l := listen(s.T, s.near)
	s.atEnd(func() { l.Close() })
	switch s.fault {
	case stallFor1s, stallForEver:
		s.connected() // so that there is a link
	case killed:
		s.startChild("dial", (rfcomm.Addr{Device: s.far.Addr()}).String(), conntest.AddrOf(l).String())
	case wrongFrames:
		p := s.rawPeer()
		p.session()
		p.sendAllMalformed(byte(conntest.AddrOf(l).Channel << 1))
	default:
		waits, err := dial(s.Context(), s.far, conntest.AddrOf(l))
		s.must(err)
		s.closing(waits)
	}
	s.strike()
	switch s.fault {
	case stallFor1s, stallForEver, killed, wrongFrames:
	default:
		awaitNoLink(s, s.near)
	}
	accepted := hosttest.InBackground(func() error { return s.acceptWorking(l) })
	switch s.fault {
	case stallFor1s, killed, wrongFrames:
	case stallForEver:
		_, err := dial(s.Context(), s.far, conntest.AddrOf(l))
		s.Logf("the dial returned %v", err)
		if err == nil {
			s.Error("a dial over a stalled link succeeded")
		}
		s.revert(s.T)
	default:
		// A dial would use the old link until both ends of it have ended.
		for _, c := range s.radio.Controllers() {
			awaitNoLink(s, c)
		}
		s.revert(s.T)
	}
	s.dialAndAnswer(l)
	s.await(accepted)
}

// acceptWorking accepts until a connection works. The kernel discards
// connections that end in the queue, but can notice their end late.
func (s *scenario) acceptWorking(l *rfcomm.Listener) error {
	for {
		c, err := l.AcceptRFCOMM()
		if err != nil {
			return err
		}
		c.SetDeadline(time.Now().Add(anewWithin))
		c.Write([]byte("x"))
		_, err = c.Read(make([]byte, 1))
		c.Close()
		if err == nil {
			return nil
		}
		s.Logf("accepted a connection that had ended: %v", err)
	}
}

// dialAndAnswer dials from the peer and answers the data that it receives.
func (s *scenario) dialAndAnswer(l *rfcomm.Listener) {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), anewWithin)
	defer cancel()
	c, err := dial(ctx, s.far, conntest.AddrOf(l))
	if err != nil {
		s.Errorf("dialing again: %v", err)
		l.Close()
		return
	}
	s.closing(c)
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		c.SetDeadline(time.Now().Add(anewWithin))
		if _, err := c.Read(make([]byte, 1)); err == nil {
			c.Write([]byte("y"))
		}
	}()
	s.atEnd(func() { <-answered })
}
