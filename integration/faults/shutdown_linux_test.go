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
	"github.com/go-rfcomm/rfcomm/rfcommtest"
)

var (
	dropRounds = flag.Int("drop.rounds", 10, "how often a peer drops its link as it answers a Shutdown")
	dropAfter  = flag.Duration("drop.after", 0, "how long after its answer the peer drops its link")
)

// play calls a function in a scene of its own, and checks that nothing is left
// of it.
func (s *stage) play(t *testing.T, scenery func(*scene)) {
	t.Helper()
	s.reset(t)
	sc := &scene{T: t, stage: s}
	hosttest.LeavesNothingBehind(t, func() {
		defer sc.close()
		defer s.mend(t)
		scenery(sc)
	})
}

// A sighting is a radio's log that looks for a packet which two controllers
// pass on: from the kernel at one end, and to the kernel at the other.
type sighting struct {
	mu      sync.Mutex
	packet  []byte // nil: none
	passes  int    // left to see
	arrived chan struct{}
}

// of starts to look for a packet, and returns a channel that is closed when it
// has arrived.
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
func (p *speaker) awaitFrame(kind byte) {
	p.Helper()
	for hosttest.Receive(p, p.answers) != kind {
	}
}

// A peer that answers the disconnect and then drops its link has acknowledged
// everything. For this end, a link that was lost before can look the same.
func TestShutdownWithADroppedLink(t *testing.T) {
	log := new(sighting)
	st := newLoggedStage(t, log)
	unconfirmed, unread := 0, 0
	for range *dropRounds {
		st.play(t, func(s *scene) {
			near, p, dlci := s.spokenTo(100)
			if _, err := io.WriteString(near, "goodbye"); err != nil {
				t.Fatal(err)
			}
			shutdown := hosttest.InBackground(func() error { return near.Shutdown(context.Background()) })
			p.awaitFrame(disconnect)
			answer := frame(dlci, ua)
			arrived := log.of(answer)
			p.say(answer)
			<-arrived
			time.Sleep(*dropAfter) // the quantity measured; no result depends on it
			s.radio.Link(s.near, s.third).Disconnect(rfcommtest.RemoteUserTerminated)
			switch err := hosttest.Receive(t, shutdown); {
			case err == nil:
			case errors.Is(err, rfcomm.ErrUnconfirmed) && errors.Is(err, unix.ECONNABORTED):
				unconfirmed++
			case errors.Is(err, unix.ECONNRESET):
				// Both arrived between the kernel's look for frames and its
				// look at the channel's state (rfcomm_process_rx), so that it
				// has not read the answer.
				unread++
			default:
				t.Errorf("Shutdown: %v, want nil or ErrUnconfirmed", err)
			}
		})
	}
	t.Logf("link dropped %v after the answer: of %d rounds, ErrUnconfirmed in %d, ECONNRESET in %d",
		*dropAfter, *dropRounds, unconfirmed, unread)
}

// A peer that closes its L2CAP channel without a disconnect, over data that it
// has not received, can make the kernel lose the errno while the link stays:
// the socket then looks as after an answer.
func TestShutdownWithAClosedL2CAPChannel(t *testing.T) {
	st := newStage(t)
	st.play(t, func(s *scene) {
		near, p, dlci := s.spokenTo(1000)
		// So slow that frames fill all queues, on which the kernel waits while
		// it sends (rfcomm_process_tx).
		s.radio.Link(s.near, s.third).SimulateAirtime(rfcommtest.DM1)
		for range 10 {
			p.say(frame(dlci, uihCredits, 255))
		}
		s.fill(near)
		shutdown := hosttest.InBackground(func() error { return near.Shutdown(context.Background()) })
		hosttest.Eventually(t, "Shutdown has begun", func() bool { return near.SetDeadline(time.Time{}) != nil })
		hosttest.AwaitPolling(t, "(*Socket).awaitSent")
		p.file.Close()
		err := hosttest.Receive(t, shutdown)
		t.Log(err)
		if err == nil {
			t.Errorf("Shutdown confirmed what the peer threw away")
		}
	})
}

// A peer that closes its L2CAP channel in place of an answer to the disconnect
// makes the kernel end the connection with ECONNRESET. That errno is lost if
// the kernel sends at this moment, such as the answer to a command: sending
// takes the errno from the L2CAP socket (sock_error), and the session closes
// without one (rfcomm_process_rx). Shutdown then returns nil, as after an
// answer.
func TestShutdownWithoutAnswerToDisconnect(t *testing.T) {
	st := newStage(t)
	for name, leave := range map[string]func(*scene, *rfcomm.Conn, *speaker) <-chan error{
		"after the disconnect":  leaveAfterDisconnect,
		"before the disconnect": leaveBeforeDisconnect,
	} {
		t.Run(name, func(t *testing.T) {
			counts := map[string]int{}
			for range *dropRounds {
				st.play(t, func(s *scene) {
					near, p, _ := s.spokenTo(100)
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
// not answered, and checks that the error is among those that can come.
func (s *scene) unanswered(err error) string {
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

// leaveAfterDisconnect has the peer close its L2CAP channel when it sees the
// disconnect. L2CAP delivers in order, so the peer has received the data.
func leaveAfterDisconnect(s *scene, near *rfcomm.Conn, p *speaker) <-chan error {
	s.written = writeSome(s, near, 7)
	shutdown := hosttest.InBackground(func() error { return near.Shutdown(context.Background()) })
	p.awaitFrame(disconnect)
	p.leave()
	return shutdown
}

// leaveBeforeDisconnect has the peer close its L2CAP channel while data and the
// disconnect are still in the queue of this end's L2CAP. The peer's L2CAP
// discards whatever arrives after the close.
func leaveBeforeDisconnect(s *scene, near *rfcomm.Conn, p *speaker) <-chan error {
	s.written = writeSome(s, near, 1)
	hosttest.Eventually(s, "the channel carries data", func() bool { return p.received.Load() > 0 })
	// So slow that the frames stay in that queue for seconds, and fill it.
	s.radio.Link(s.near, s.third).SimulateAirtime(rfcommtest.DM1)
	p.say(frame(p.dlci, uihCredits, 255))
	s.written += writeSome(s, near, 100*200)
	shutdown := hosttest.InBackground(func() error { return near.Shutdown(context.Background()) })
	hosttest.AwaitPolling(s, "(*Socket).awaitDisconnected")
	p.leave()
	return shutdown
}

// writeSome writes n bytes and returns n.
func writeSome(s *scene, near *rfcomm.Conn, n int) int64 {
	s.Helper()
	if _, err := near.Write(make([]byte, n)); err != nil {
		s.Fatal(err)
	}
	return int64(n)
}

// leave sends commands, which keep the kernel busy with its answers, and closes
// the L2CAP channel.
func (p *speaker) leave() {
	p.Helper()
	for range 300 { // more than the queue holds beside the data
		p.say(command(testCommand, true, []byte(goesOn)...))
	}
	p.file.Close()
}
