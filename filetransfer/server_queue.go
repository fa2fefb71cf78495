package filetransfer

import (
	"context"
	"net"
	"strconv"
	"time"
)

const (
	busyWord = "busy"  // the server is busy with other clients, or refuses more work
	aheadKey = "Ahead" // clients that are served before this one; the answer follows later
)

const (
	// busyDelay is the time for which a client waits before it learns that the
	// server is busy. The server may need that time to notice that an earlier
	// client has left, perhaps the same one on another connection.
	busyDelay = 250 * time.Millisecond

	// busyInterval is the maximum time between two busy blocks. If a third of
	// the idle timeout is shorter, that is used instead.
	busyInterval = 2 * time.Second
)

// enqueue serves a client in the background when it is its turn. If too many
// clients wait, enqueue refuses it.
func (s *Server) enqueue(q *queue, c net.Conn) {
	place := q.join()
	if place == nil {
		s.turnAway(q, c)
		return
	}
	s.logRefused(q)
	go func() {
		defer q.leave(place)
		s.serve(context.Background(), c, q, place) // logs the result
	}()
}

// turnAway refuses a client in the background. If many clients are being
// refused already, it only closes the connection. The first of several refusals
// in a row is logged, the others are counted.
func (s *Server) turnAway(q *queue, c net.Conn) {
	if q.refused++; q.refused == 1 {
		s.logger().Warn("client refused", "client", addrOf(c), "error", ErrBusy, "waiting", maxWaiting)
	}
	if q.refusing.Add(1) > maxWaiting {
		q.refusing.Add(-1)
		c.Close()
		return
	}
	q.left.Go(func() {
		defer q.refusing.Add(-1)
		s.attend(context.Background(), c, func(_ context.Context, served *session) error {
			return served.refuse(ErrBusy)
		})
	})
}

// logRefused logs how many clients were refused in a row.
func (s *Server) logRefused(q *queue) {
	if q.refused > 1 {
		s.logger().Warn("clients refused", "error", ErrBusy, "count", q.refused)
	}
	q.refused = 0
}

// awaitTurn waits until it is the client's turn. It returns io.EOF if the client
// leaves before. A client of the framed dialect gets busy blocks from its first
// byte on; other clients get no byte.
func (s *session) awaitTurn() error {
	switch {
	case s.place == nil:
		return nil
	case isClosed(s.drained):
		return errDraining
	case s.place.isFirst():
		return nil
	}
	s.log.Info("client waits", "ahead", s.queue.ahead(s.place))
	interval := max(min(busyInterval, s.conn.idle/3), time.Millisecond)
	announce := time.Now().Add(min(busyDelay, interval))
	timer := time.NewTimer(never) // until the client's dialect is known
	defer timer.Stop()
	for {
		var err error
		select {
		case <-s.place.turn:
			return nil
		case <-s.awaitEarly():
			if err = s.readEarly(); s.framed {
				timer.Reset(max(time.Until(announce), 0))
			}
		case <-timer.C:
			announce = time.Now().Add(interval)
			timer.Reset(interval)
			err = s.sendBusy()
		case <-s.drained:
			return errDraining
		case <-s.queue.closed:
			return errDraining
		case <-s.conn.done:
			return s.conn.failure()
		}
		if err != nil {
			return err
		}
	}
}

// awaitEarly returns a channel that is closed when more of the client's first
// request has arrived, or nil if the rest is read when it is the client's turn.
func (s *session) awaitEarly() <-chan struct{} {
	if s.plain || s.first != nil {
		return nil
	}
	return s.codec.lookAhead().done
}

// readEarly reads data that has arrived before the client's turn: the wait
// requests and the first request of the framed dialect. The name of the plain
// dialect is not read.
func (s *session) readEarly() error {
	if err := s.codec.settle(); err != nil {
		return err
	}
	if first, _ := s.codec.reader.Peek(1); first[0] != framedMark {
		s.plain = true
		return nil
	}
	s.framed = true
	request, err := s.readRequest()
	if err == nil && request.word != waitWord {
		s.first = &request
	}
	return err
}

// sendBusy tells a client of the framed dialect how many clients are before it.
func (s *session) sendBusy() error {
	ahead := s.queue.ahead(s.place)
	if ahead < 1 {
		return nil // it is the client's turn
	}
	b := errorBlock(publicErrorf(ErrBusy, "server is busy; clients before this one: %d", ahead))
	return s.codec.writeBlock(b.with(aheadKey, strconv.Itoa(ahead)))
}

// addrOf returns the remote address of a connection as text.
func addrOf(c net.Conn) string {
	if remote := c.RemoteAddr(); remote != nil {
		return remote.String()
	}
	return ""
}
