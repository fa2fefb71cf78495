package faults

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/hci"
	"github.com/go-rfcomm/rfcomm/internal/test/conntest"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
	"github.com/go-rfcomm/rfcomm/internal/test/labtest"
	"github.com/go-rfcomm/rfcomm/rfcommtest"
)

// The timeouts of a device out of range, shortened for this test. With real
// devices they are 5 s and 20 s, unless the devices agree on other times.
const (
	pageTimeout        = 300 * time.Millisecond
	supervisionTimeout = 200 * time.Millisecond
)

// A setup holds the devices of all cells. The program under test runs at near,
// its peer at far, and a second client at third. A rawPeer plays the scripted
// device.
type setup struct {
	near, far, third *rfcommtest.Controller
	device           *rfcommtest.Device
	radio            *rfcommtest.Radio
	lost             bool // the kernel has lost an adapter
}

func newSetup(t *testing.T) *setup {
	t.Helper()
	return newLoggedSetup(t, nil)
}

func newLoggedSetup(t *testing.T, log io.Writer) *setup {
	t.Helper()
	radio := rfcommtest.Require(t, rfcommtest.Config{Controllers: 3, Log: log})
	all := radio.Controllers()
	return &setup{radio: radio, near: all[0], far: all[1], third: all[2], device: radio.NewDevice(rfcommtest.ControllerConfig{})}
}

// link returns the link between near and far.
func (s *setup) link() *rfcommtest.Link { return s.radio.Link(s.near, s.far) }

// rawLink returns the link between near and the scripted device.
func (s *setup) rawLink() *rfcommtest.Link { return s.radio.Link(s.near, s.device.Controller) }

// revert reverts every fault.
func (s *setup) revert(t testing.TB) {
	t.Helper()
	for _, c := range s.radio.Controllers() {
		if err := c.Plug(); err != nil {
			t.Fatal(err)
		}
		c.Refuse(0)
		c.SetReachable(true)
		c.SetPageTimeout(pageTimeout)
	}
	s.eachLink(func(l *rfcommtest.Link) {
		l.SetPageDelay(0)
		l.SetSupervisionTimeout(supervisionTimeout)
		l.Resume()
	})
}

// reset reverts every fault and ends every link, so that no cell
// affects the next.
func (s *setup) reset(t testing.TB) {
	t.Helper()
	s.revert(t)
	s.eachLink(func(l *rfcommtest.Link) { l.Disconnect(rfcommtest.RemoteUserTerminated) })
	for _, c := range s.radio.Controllers() {
		awaitNoLink(t, c)
	}
}

// awaitNoLink waits until the kernel has no link of a device.
func awaitNoLink(t testing.TB, c *rfcommtest.Controller) {
	t.Helper()
	hosttest.Eventually(t, "no link is left", func() bool {
		var index int
		if _, err := fmt.Sscanf(c.Name(), "hci%d", &index); err != nil {
			return true // unplugged
		}
		links, err := hci.AllLinks(index)
		return err != nil || len(links) == 0
	})
}

func (s *setup) eachLink(do func(*rfcommtest.Link)) {
	for _, pair := range [][2]*rfcommtest.Controller{{s.near, s.far}, {s.near, s.third}, {s.far, s.third}, {s.near, s.device.Controller}} {
		do(s.radio.Link(pair[0], pair[1]))
	}
}

// droppedWork is part of the kernel's warning that it drops work of an adapter
// that is being switched off or removed. Controller.Down of package rfcommtest
// avoids that.
const droppedWork = "__queue_work+"

// blameKernel searches the kernel's log for the cause of a failure. If the
// kernel has dropped work, its adapters may send nothing, and removing
// them may hang.
func (s *setup) blameKernel(t testing.TB) {
	t.Helper()
	if !t.Failed() {
		return
	}
	if line := labtest.Warned(t, droppedWork); line != "" {
		s.lost = true
		t.Errorf("a bug of the kernel may be the cause, and no more cells run: it has dropped work of an adapter that was "+
			"switched off or removed (%s); see the rows about HCIDEVDOWN in docs/faults.md", line)
	}
}

// listen listens on a device.
func listen(t testing.TB, at *rfcommtest.Controller) *rfcomm.Listener {
	t.Helper()
	return conntest.Listen(t, at.Addr())
}

// dial connects from a device.
func dial(ctx context.Context, from *rfcommtest.Controller, to rfcomm.Addr) (*rfcomm.Conn, error) {
	return conntest.DialContext(ctx, from.Addr(), to)
}

// connect returns the two ends of a new connection over which both kernels have
// sent everything that follows its set-up, since data has passed. A kernel that
// sends while it loses the link can lose the errno (l2cap_sock_sendmsg).
func (s *setup) connect(t testing.TB, from, to *rfcommtest.Controller) (dialed, accepted *rfcomm.Conn) {
	t.Helper()
	dialed, accepted, err := s.radio.Link(from, to).Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	keepLittle(t, dialed)
	keepLittle(t, accepted)
	exchangeWord(t, dialed, accepted)
	return dialed, accepted
}

// keepLittle makes the kernel's buffers of a connection small, so that they are
// soon full.
func keepLittle(t testing.TB, c *rfcomm.Conn) {
	const little = 8 << 10
	if err := errors.Join(c.SetReadBuffer(little), c.SetWriteBuffer(little)); err != nil {
		t.Error(err)
	}
}

// anewWithin is the time limit of a new connection: the kernel takes a while to
// notice the end of the old ones.
const anewWithin = time.Minute

// connectsAnew checks that a new connection carries data both ways.
func (s *setup) connectsAnew(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), anewWithin)
	defer cancel()
	dialed, accepted, err := s.link().Connect(ctx)
	if err != nil {
		t.Errorf("a new connection: %v", err)
		return
	}
	defer dialed.Close()
	defer accepted.Close()
	exchangeWord(t, dialed, accepted)
}

// exchangeWord checks that a connection carries data both ways.
func exchangeWord(t testing.TB, dialed, accepted *rfcomm.Conn) {
	t.Helper()
	for _, c := range []*rfcomm.Conn{dialed, accepted} {
		c.SetDeadline(time.Now().Add(anewWithin))
		defer c.SetDeadline(time.Time{})
	}
	for _, way := range [][2]*rfcomm.Conn{{dialed, accepted}, {accepted, dialed}} {
		const word = "hello"
		got := make([]byte, len(word))
		if _, err := way[0].Write([]byte(word)); err != nil {
			t.Errorf("writing to a new connection: %v", err)
		} else if n, err := io.ReadFull(way[1], got); err != nil || string(got) != word {
			t.Errorf("reading from a new connection: %q, %v", got[:n], err)
		}
	}
}
