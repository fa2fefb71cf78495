package speed

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync"
)

// Totals are the counts of both directions.
type Totals struct{ Send, Receive Count }

// Serve serves a client until it closes the connection, and closes it. The packet
// is the number of bytes in the longest packets of the adapter, or 0. Serve returns
// the counts of all tests, as seen by the server.
func Serve(ctx context.Context, conn net.Conn, packet int) (Totals, error) {
	s := &session{peer: newPeer(ctx, conn, Silence)}
	defer s.close()
	if err := s.greet(packet); err != nil {
		return Totals{}, err
	}
	for {
		m, err := readMessage(s.r)
		switch {
		case err == io.EOF:
			return s.totals, nil
		case err != nil:
			return s.totals, err
		}
		if err := s.answer(m); err != nil {
			return s.totals, err
		}
	}
}

// A session is the state of one client.
type session struct {
	*peer
	totals Totals
}

// greet exchanges greetings.
func (s *session) greet(packet int) error {
	if err := s.write([]byte(Greeting{version, packet}.text())); err != nil {
		return err
	}
	_, err := readGreeting(s.r)
	return unexpected(err)
}

// answer serves a message between two tests.
func (s *session) answer(m message) error {
	switch m.kind {
	case kindPing:
		return s.send(kindPong, m.content)
	case kindRun:
		p, err := parsePlan(m.content)
		if err != nil {
			return err
		}
		return s.run(p)
	}
	return fmt.Errorf("a message of kind %d outside of a test", m.kind)
}

// run runs a test.
func (s *session) run(p plan) error {
	if err := s.send(kindReady, nil); err != nil {
		return err
	}
	m := newMeter()
	senders := s.start(m, p)
	err := s.receive(m, p)
	if err != nil {
		s.close() // ends the senders
	}
	if ended := senders.end(); err == nil {
		err = ended
	}
	counted := m.count()
	s.totals.Receive = s.totals.Receive.Add(counted)
	if err != nil {
		return err
	}
	return s.send(kindEnd, counted.content())
}

// receive counts data until the client ends the test.
func (s *session) receive(m *meter, p plan) error {
	var sent Count
	defer func() { s.totals.Send = s.totals.Send.Add(sent) }()
	for {
		received, err := readMessage(s.r)
		if err != nil {
			return unexpected(err)
		}
		switch {
		case received.kind == kindData && p.send:
			err = s.take(m, received.data)
		case received.kind == kindCount && p.receive:
			sent, err = parseCount(received.content)
		case received.kind == kindEnd:
			sent, err = parseCount(received.content)
			return err
		default:
			err = fmt.Errorf("a message of kind %d during a test", received.kind)
		}
		if err != nil {
			return err
		}
	}
}

// senders are the goroutines that send during a test.
type senders struct {
	running sync.WaitGroup
	stop    chan struct{}
	failed  chan error
}

// start starts the goroutines of the server.
func (s *session) start(m *meter, p plan) *senders {
	return s.peer.start(m, p.receive, p.send, p)
}

// start starts a goroutine for data, and one for counts.
func (p *peer) start(m *meter, data, counts bool, of plan) *senders {
	s := &senders{stop: make(chan struct{}), failed: make(chan error, 2)}
	if data {
		s.running.Go(func() { s.failed <- p.sendData(s.stop) })
	}
	if counts {
		s.running.Go(func() { s.failed <- p.sendCounts(m, of.period, s.stop) })
	}
	return s
}

// end stops the goroutines, and returns the first error.
func (s *senders) end() error {
	close(s.stop)
	s.running.Wait()
	close(s.failed)
	for err := range s.failed {
		if err != nil {
			return err
		}
	}
	return nil
}
