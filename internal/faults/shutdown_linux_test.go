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
	"github.com/go-rfcomm/rfcomm/internal/hosttest"
	"github.com/go-rfcomm/rfcomm/rfcommtest"
)

var (
	dropRounds = flag.Int("drop.rounds", 10, "how often a peer drops its link as it answers a Shutdown")
	dropAfter  = flag.Duration("drop.after", 0, "how long after its answer the peer drops its link")
)

// play calls a function in a scene of its own, and checks that nothing is left of
// it.
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

// A sighting is a radio's log that looks for a packet which two controllers pass
// on: from the kernel at one end, and to the kernel at the other.
type sighting struct {
	mu      sync.Mutex
	packet  []byte // nil: none
	passes  int    // left to see
	arrived chan struct{}
}

// of starts to look for a packet, and returns a channel that is closed when it has
// arrived.
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
			shutdown := inBackground(func() error { return near.Shutdown(context.Background()) })
			p.awaitFrame(disconnect)
			answer := frame(dlci, ua)
			arrived := log.of(answer)
			p.say(answer)
			<-arrived
			time.Sleep(*dropAfter) // the quantity measured; no result depends on it
			s.radio.Link(s.near, s.third).Lose(rfcommtest.RemoteUserTerminated)
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

// A peer that closes its L2CAP channel without a disconnect, over data that it has
// not received, can make the kernel lose the errno while the link stays: the
// socket then looks as after an answer.
func TestShutdownWithAClosedL2CAPChannel(t *testing.T) {
	st := newStage(t)
	st.play(t, func(s *scene) {
		near, p, dlci := s.spokenTo(1000)
		// So slow that frames fill all queues, on which the kernel waits while it
		// sends (rfcomm_process_tx).
		s.radio.Link(s.near, s.third).SetPacketTypes(rfcommtest.DM1)
		for range 10 {
			p.say(frame(dlci, uihCredits, 255))
		}
		s.fill(near)
		shutdown := inBackground(func() error { return near.Shutdown(context.Background()) })
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
