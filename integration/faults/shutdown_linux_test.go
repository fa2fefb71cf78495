package faults

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"io"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
	"github.com/go-rfcomm/rfcomm/internal/test/mux"
	"github.com/go-rfcomm/rfcomm/rfcommtest"
)

var (
	dropRounds = flag.Int("drop.rounds", 10, "how many times a peer drops its link right after answering a Shutdown")
	dropAfter  = flag.Duration("drop.after", 0, "time between the peer's answer and the end of its link")
)

// withScenario calls a function with a new scenario, and checks for leaks.
func (s *setup) withScenario(t *testing.T, do func(*scenario)) {
	t.Helper()
	s.reset(t)
	sc := &scenario{T: t, setup: s}
	hosttest.LeavesNothingBehind(t, func() {
		defer sc.close()
		defer s.revert(t)
		do(sc)
	})
}

// A sighting is a radio's log that waits for a packet to pass both controllers:
// from the kernel at one end, and to the kernel at the other.
type sighting struct {
	mu      sync.Mutex
	packet  []byte // nil while no packet is waited for
	passes  int    // that the packet has not made yet
	arrived chan struct{}
}

// of starts to wait for a packet, and returns a channel that is closed when the
// packet has arrived.
func (l *sighting) of(packet []byte) <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.packet, l.passes, l.arrived = packet, 2, make(chan struct{})
	return l.arrived
}

func (l *sighting) Write(record []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.packet != nil && bytes.Contains(record, l.packet) {
		if l.passes--; l.passes == 0 {
			l.packet = nil
			close(l.arrived)
		}
	}
	return len(record), nil
}

// awaitFrame waits for a frame of a type.
func (p *rawPeer) awaitFrame(kind byte) {
	p.Helper()
	for hosttest.Receive(p, p.answers) != kind {
	}
}

// A peer that answers the disconnect and then drops its link has acknowledged
// all data. At this end, a link that was lost earlier can look the same.
func TestShutdownWithADroppedLink(t *testing.T) {
	log := new(sighting)
	st := newLoggedSetup(t, log)
	unconfirmed, unread := 0, 0
	for range *dropRounds {
		st.withScenario(t, func(s *scenario) {
			near, p, dlci := s.connectedToRaw(100)
			if _, err := io.WriteString(near, "goodbye"); err != nil {
				t.Fatal(err)
			}
			shutdown := hosttest.InBackground(func() error { return near.Shutdown(context.Background()) })
			p.awaitFrame(mux.Disconnect)
			answer := mux.Frame(dlci, mux.UA)
			arrived := log.of(answer)
			p.send(answer)
			<-arrived
			time.Sleep(*dropAfter) // the measured quantity, not a wait for an event
			s.rawLink().Disconnect(rfcommtest.RemoteUserTerminated)
			switch err := hosttest.Receive(t, shutdown); {
			case err == nil:
			case errors.Is(err, rfcomm.ErrUnconfirmed) && errors.Is(err, unix.ECONNABORTED):
				unconfirmed++
			case errors.Is(err, unix.ECONNRESET):
				// Both arrived after the kernel had checked for frames and
				// before it checked the channel's state (rfcomm_process_rx),
				// so it has not read the answer.
				unread++
			default:
				t.Errorf("Shutdown: %v, want nil or ErrUnconfirmed", err)
			}
		})
	}
	t.Logf("link dropped %v after the answer: of %d rounds, ErrUnconfirmed in %d, ECONNRESET in %d",
		*dropAfter, *dropRounds, unconfirmed, unread)
}

// A peer that closes its L2CAP channel without a disconnect, before it has
// received all data, can make the kernel lose the errno although the link
// stays. The socket then looks the same as after an answer.
func TestShutdownWithAClosedL2CAPChannel(t *testing.T) {
	st := newSetup(t)
	st.withScenario(t, func(s *scenario) {
		near, p, dlci := s.connectedToRaw(1000)
		// So slow that frames fill all queues, so that the kernel waits while
		// it sends (rfcomm_process_tx).
		s.rawLink().SimulateAirtime(rfcommtest.DM1)
		for range 10 {
			p.send(mux.Frame(dlci, mux.UIHCredits, 255))
		}
		s.fill(near)
		shutdown := hosttest.InBackground(func() error { return near.Shutdown(context.Background()) })
		hosttest.Eventually(t, "Shutdown has begun", func() bool { return near.SetDeadline(time.Time{}) != nil })
		hosttest.AwaitPolling(t, "(*Socket).awaitSent")
		p.conn.Close()
		err := hosttest.Receive(t, shutdown)
		t.Log(err)
		if err == nil {
			t.Errorf("Shutdown confirmed data that the peer discarded")
		}
	})
}

// If a peer closes its L2CAP channel instead of answering the disconnect, the
// kernel ends the connection with ECONNRESET. If the kernel is sending at that
// moment, such as the response to a command, it loses the errno: sending takes
// the errno from the L2CAP socket (sock_error), and the session closes without
// one (rfcomm_process_rx). Shutdown then returns nil, as after an answer.
func TestShutdownWithoutAnswerToDisconnect(t *testing.T) {
	st := newSetup(t)
	for name, leave := range map[string]func(*scenario, *rfcomm.Conn, *rawPeer) <-chan error{
		"after the disconnect":  leaveAfterDisconnect,
		"before the disconnect": leaveBeforeDisconnect,
	} {
		t.Run(name, func(t *testing.T) {
			counts := map[string]int{}
			for range *dropRounds {
				st.withScenario(t, func(s *scenario) {
					near, p, _ := s.connectedToRaw(100)
					result := s.unanswered(hosttest.Receive(t, leave(s, near, p)))
					if hosttest.Receive(t, p.finished); p.received.Load() < s.written {
						result += ", data lost"
					}
					counts[result]++
				})
			}
			t.Logf("of %d Shutdowns: %v", *dropRounds, counts)
		})
	}
}

// unanswered returns the name of the error of a Shutdown whose disconnect was
// not answered, and checks that the error is one of those expected.
func (s *scenario) unanswered(err error) string {
	s.Helper()
	switch {
	case err == nil:
		return "nil"
	case errors.Is(err, rfcomm.ErrUnconfirmed):
		return "ErrUnconfirmed"
	case errors.Is(err, unix.ECONNABORTED):
		return "ECONNABORTED"
	case errors.Is(err, unix.ECONNRESET):
		return "ECONNRESET"
	}
	s.Errorf("Shutdown: %v, want nil, ErrUnconfirmed, ECONNABORTED or ECONNRESET", err)
	return err.Error()
}

// leaveAfterDisconnect makes the peer close its L2CAP channel when it receives
// the disconnect. L2CAP delivers in order, so the peer has received the data.
func leaveAfterDisconnect(s *scenario, near *rfcomm.Conn, p *rawPeer) <-chan error {
	s.written = writeSome(s, near, 7)
	shutdown := hosttest.InBackground(func() error { return near.Shutdown(context.Background()) })
	p.awaitFrame(mux.Disconnect)
	p.leave()
	return shutdown
}

// leaveBeforeDisconnect makes the peer close its L2CAP channel while data and
// the disconnect are still in the queue of this end's L2CAP. The peer's L2CAP
// discards all frames that arrive after the close.
func leaveBeforeDisconnect(s *scenario, near *rfcomm.Conn, p *rawPeer) <-chan error {
	s.written = writeSome(s, near, 1)
	hosttest.Eventually(s, "the channel carries data", func() bool { return p.received.Load() > 0 })
	// So slow that the frames fill that queue and stay in it for seconds.
	s.rawLink().SimulateAirtime(rfcommtest.DM1)
	p.send(mux.Frame(p.dlci, mux.UIHCredits, 255))
	s.written += writeSome(s, near, 100*200)
	shutdown := hosttest.InBackground(func() error { return near.Shutdown(context.Background()) })
	hosttest.AwaitPolling(s, "(*Socket).awaitDisconnected")
	p.leave()
	return shutdown
}

// writeSome writes n bytes and returns n.
func writeSome(s *scenario, near *rfcomm.Conn, n int) int64 {
	s.Helper()
	if _, err := near.Write(make([]byte, n)); err != nil {
		s.Fatal(err)
	}
	return int64(n)
}

// leave sends commands, which keep the kernel busy with responses, and closes
// the L2CAP channel. It does not wait until the controller has sent them.
func (p *rawPeer) leave() {
	p.Helper()
	_, cid := p.conn.CIDs()
	for range 300 { // more than fit into the queue beside the data
		p.check(p.device.SendFrame(p.Context(), p.near.Addr(), cid, mux.Command(mux.Test, true, []byte(testContent)...)))
	}
	p.conn.Close()
}
