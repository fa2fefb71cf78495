package rfcomm_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/hci"
	"github.com/go-rfcomm/rfcomm/internal/hosttest"
	"github.com/go-rfcomm/rfcomm/rfcommtest"
)

// A scene is a radio of its own, whose first controller dials.
type scene struct {
	*rfcommtest.Radio
	near, far *rfcommtest.Controller
	dialer    rfcomm.Dialer // from near
}

func newScene(t testing.TB, config rfcommtest.Config) *scene {
	t.Helper()
	inLab(t)
	s := &scene{Radio: rfcommtest.Require(t, config)}
	s.near, s.far = s.Controllers()[0], s.Controllers()[1]
	s.dialer.LocalAddr.Device = s.near.Addr()
	return s
}

// listen listens on a channel of a controller and closes what it accepts once
// the peer has closed it.
func (s *scene) listen(t testing.TB, at *rfcommtest.Controller, channel int) rfcomm.Addr {
	t.Helper()
	addr := rfcomm.Addr{Device: at.Addr(), Channel: channel}
	listener, err := new(rfcomm.ListenConfig).ListenRFCOMM(t.Context(), addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			go func() { c.Read(make([]byte, 1)); c.Close() }()
		}
	}()
	return addr
}

// links returns how many links a controller's adapter has that are connected.
func links(t testing.TB, c *rfcommtest.Controller) (n int) {
	t.Helper()
	var index int
	if _, err := fmt.Sscanf(c.Name(), "hci%d", &index); err != nil {
		t.Fatal(err)
	}
	all, err := hci.AllLinks(index)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range all {
		if l.State == hci.Connected {
			n++
		}
	}
	return n
}

// The page outlasts the 2 s that the kernel keeps an RFCOMM session without a
// connection (RFCOMM_IDLE_TIMEOUT). If the session expires before the link is
// up, every later dial over it waits in vain.
func TestDialAfterACancelledDial(t *testing.T) {
	s := newScene(t, rfcommtest.Config{})
	s.Link(s.near, s.far).SetPageTime(3 * time.Second)
	addr := s.listen(t, s.far, 1)

	ctx, cancel := context.WithCancel(t.Context())
	dialed := inBackground(func() error {
		_, err := s.dialer.DialRFCOMM(ctx, addr)
		return err
	})
	hosttest.AwaitPolling(t, "(*Socket).awaitConnected")
	cancel()
	if err := <-dialed; !errors.Is(err, context.Canceled) {
		t.Fatalf("%v: does not match context.Canceled", err)
	}
	hosttest.Eventually(t, "the page is answered", func() bool { return links(t, s.near) == 1 })

	d := s.dialer
	d.Timeout = 20 * time.Second
	c, err := d.DialRFCOMM(t.Context(), addr)
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
}
