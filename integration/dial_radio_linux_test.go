package integration

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/btsocket"
	"github.com/go-rfcomm/rfcomm/internal/hci"
	"github.com/go-rfcomm/rfcomm/internal/test/conntest"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
	"github.com/go-rfcomm/rfcomm/internal/test/labtest"
	"github.com/go-rfcomm/rfcomm/rfcommtest"
)

// A scene is a radio that a test has for itself. Its first controller dials.
type scene struct {
	*rfcommtest.Radio
	near, far *rfcommtest.Controller
	dialer    rfcomm.Dialer // from near
}

func newScene(t testing.TB, config rfcommtest.Config) *scene {
	t.Helper()
	inLab(t)
	labtest.RequireRoot(t)
	s := &scene{Radio: rfcommtest.Require(t, config)}
	s.near, s.far = s.Controllers()[0], s.Controllers()[1]
	s.dialer.LocalAddr.Device = s.near.Addr()
	return s
}

// listen listens on a channel of a controller, and closes each accepted
// connection after the peer has.
func (s *scene) listen(t testing.TB, at *rfcommtest.Controller, channel int) rfcomm.Addr {
	t.Helper()
	addr := rfcomm.Addr{Device: at.Addr(), Channel: channel}
	listener := conntest.ListenAt(t, addr)
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

// allLinks returns the links of a controller's adapter, in every state.
func allLinks(t testing.TB, c *rfcommtest.Controller) []hci.Link {
	t.Helper()
	var index int
	if _, err := fmt.Sscanf(c.Name(), "hci%d", &index); err != nil {
		t.Fatal(err)
	}
	links, err := hci.AllLinks(index)
	if err != nil {
		t.Fatal(err)
	}
	return links
}

// The page takes longer than the 2 s for which the kernel keeps an RFCOMM
// session without a connection (RFCOMM_IDLE_TIMEOUT). If the session expired
// before the link is up, every later dial over the link would time out.
func TestDialAfterACancelledDial(t *testing.T) {
	s := newScene(t, rfcommtest.Config{})
	s.Link(s.near, s.far).SetPageDelay(3 * time.Second)
	addr := s.listen(t, s.far, 1)

	ctx, cancel := context.WithCancel(t.Context())
	dialed := hosttest.InBackground(func() error {
		_, err := s.dialer.DialRFCOMM(ctx, addr)
		return err
	})
	hosttest.AwaitPolling(t, "(*Socket).awaitConnected")
	cancel()
	if err := <-dialed; !errors.Is(err, context.Canceled) {
		t.Fatalf("%v: does not match context.Canceled", err)
	}
	hosttest.Eventually(t, "the page is answered", func() bool {
		links := allLinks(t, s.near)
		return len(links) == 1 && links[0].State == hci.Connected
	})

	d := s.dialer
	d.Timeout = time.Minute
	c, err := d.DialRFCOMM(t.Context(), addr)
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
}

// openLink opens the link to the far controller, without an RFCOMM session, by
// connecting to an L2CAP channel without a listener.
func (s *scene) openLink(t testing.TB) {
	t.Helper()
	const sdp = 1
	near := btsocket.Endpoint{Kind: unix.SOCK_SEQPACKET, Protocol: unix.BTPROTO_L2CAP, Local: &unix.SockaddrL2{Addr: s.near.Addr()}}
	c, err := btsocket.Connect(t.Context(), near, &unix.SockaddrL2{Addr: s.far.Addr(), PSM: sdp})
	if err == nil {
		c.Close()
	}
	if !errors.Is(err, unix.ECONNREFUSED) {
		t.Fatalf("got %v, want ECONNREFUSED", err)
	}
}

// The link is up and the session waits for pairing when the dial is canceled.
// If the session expired, every later dial over the link would time out.
func TestDialAfterADialCancelledWhilePairing(t *testing.T) {
	s := newScene(t, rfcommtest.Config{})
	confirmed := make(chan struct{})
	confirm := sync.OnceFunc(func() { close(confirmed) })
	defer confirm()
	asked := slowPairingAgent(t, yes, confirmed, s.near, s.far)
	addr := s.listen(t, s.far, 1)
	s.openLink(t)
	d := s.dialer
	d.Security = rfcomm.SecurityMedium
	ctx, cancel := context.WithCancel(t.Context())
	dialed := hosttest.InBackground(func() error {
		_, err := d.DialRFCOMM(ctx, addr)
		return err
	})
	hosttest.Receive(t, asked)
	cancel()
	if err := <-dialed; !errors.Is(err, context.Canceled) {
		t.Fatalf("%v: does not match context.Canceled", err)
	}
	// The kernel drops an idle session after 2 s (RFCOMM_IDLE_TIMEOUT), without
	// any event to wait for.
	time.Sleep(3 * time.Second)
	confirm()

	d.Timeout = time.Minute
	c, err := d.DialRFCOMM(t.Context(), addr)
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
}

// apart ends the link between the two controllers, and waits until the kernel
// has removed both of its ends.
func (s *scene) apart(t testing.TB) {
	t.Helper()
	s.Link(s.near, s.far).Disconnect(rfcommtest.RemoteUserTerminated)
	for _, c := range []*rfcommtest.Controller{s.near, s.far} {
		hosttest.Eventually(t, "no link is left", func() bool { return len(allLinks(t, c)) == 0 })
	}
}

// A dialTo is a dial from one controller to an address.
type dialTo struct {
	from *rfcommtest.Controller
	to   rfcomm.Addr
}

// dialAtOnce makes the dials concurrently, without a link between the
// controllers, closes the connections, and returns the errors.
func (s *scene) dialAtOnce(t testing.TB, timeout time.Duration, dials []dialTo) []error {
	t.Helper()
	s.apart(t)
	errs := make([]error, len(dials))
	var group sync.WaitGroup
	for i, dial := range dials {
		group.Go(func() {
			d := rfcomm.Dialer{LocalAddr: rfcomm.Addr{Device: dial.from.Addr()}, Timeout: timeout}
			c, err := d.DialRFCOMM(t.Context(), dial.to)
			if err != nil {
				errs[i] = err
				return
			}
			c.Close()
		})
	}
	group.Wait()
	return errs
}

// While the kernel is about to request the link, connect(2) for another dial
// can make it request the link again, and the controller refuses that; see
// connectSlot in internal/btsocket.
func TestDialSeveralAtOnceWithoutALink(t *testing.T) {
	s := newScene(t, rfcommtest.Config{})
	var dials []dialTo
	for channel := 1; channel <= 4; channel++ {
		dials = append(dials, dialTo{s.near, s.listen(t, s.far, channel)})
	}
	for range rounds(25, 5) {
		if err := errors.Join(s.dialAtOnce(t, time.Minute, dials)...); err != nil {
			t.Error(err)
		}
	}
}

// Linux 6.1 crashes, so lab/test skips this test there: connect(2) dereferences
// the NULL chan->conn of a session in rfcomm_check_security.
//
// On 6.12 the kernel of one end can request the link although a request of the
// other end has just made it, and then loses the link. The dials of that end
// fail with EALREADY, and those of the other end time out.
func TestDialCrossesADialOfThePeer(t *testing.T) {
	s := newScene(t, rfcommtest.Config{})
	var dials []dialTo
	for channel := 1; channel <= 4; channel++ {
		dials = append(dials,
			dialTo{s.near, s.listen(t, s.far, channel)},
			dialTo{s.far, s.listen(t, s.near, channel)})
	}
	var succeeded, refused, timedOut int
	for range rounds(25, 5) {
		errs := s.dialAtOnce(t, 5*time.Second, dials)
		crossed := errors.Is(errors.Join(errs...), syscall.EALREADY)
		for _, err := range errs {
			switch {
			case err == nil:
				succeeded++
			case errors.Is(err, syscall.EALREADY):
				refused++
			case crossed && (errors.Is(err, syscall.ETIMEDOUT) || errors.Is(err, os.ErrDeadlineExceeded)):
				timedOut++
			default:
				t.Errorf("in a round with EALREADY: %v: %v", crossed, err)
			}
		}
	}
	t.Logf("%d dials succeeded, %d ended in EALREADY, %d in a timeout after one", succeeded, refused, timedOut)
}

// Linux 6.12 pages one device at a time, so the dial waits for the pages of
// canceled dials to absent devices. 6.1 dials at once. A failed page can crash
// Linux 6.1.192, so lab/test skips this test there.
func TestDialWhileAbsentDevicesArePaged(t *testing.T) {
	s := newScene(t, rfcommtest.Config{Controllers: 4})
	s.near.SetPageTimeout(time.Second)
	present := s.listen(t, s.far, 1)
	for _, absent := range s.Controllers()[2:] {
		absent.SetReachable(false)
		d := s.dialer
		d.Timeout = 100 * time.Millisecond
		_, err := d.DialRFCOMM(t.Context(), rfcomm.Addr{Device: absent.Addr(), Channel: 1})
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("dialing an absent device: %v, want os.ErrDeadlineExceeded", err)
		}
	}
	began := time.Now()
	c, err := s.dialer.DialRFCOMM(t.Context(), present)
	t.Logf("the dial to a present device took %v", time.Since(began).Round(time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
}
