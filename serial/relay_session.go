package serial

import (
	"cmp"
	"context"
	"io"
	"net"
	"slices"
	"sync/atomic"
	"time"
)

// A session joins the port of a Relay to one connection.
type session struct {
	*Relay
	port *port
	conn net.Conn

	writing atomic.Int64 // begins and ends of Write of the port: odd within one
}

// run relays until one side ends, and closes the connection. It returns the
// reason: a *portError, the cause of ctx, or the error of the connection, which
// is io.EOF if the peer closed it.
func (s *session) run(ctx context.Context, to *outlet) error {
	defer s.conn.Close()
	defer s.port.detach(to)
	defer s.joinLines(ctx)()
	received := make(chan error, 1)
	go func() { received <- s.receive() }()
	look := time.NewTicker(stallCheck)
	defer look.Stop()
	for {
		select {
		case err := <-received:
			return s.drainPort(ctx, to, err)
		case err := <-to.failed:
			return s.lastReceived(ctx, to, received, err)
		case <-look.C:
			if s.stalled() && connEnded(s.conn) {
				return s.lastReceived(ctx, to, received, io.EOF)
			}
		case <-s.port.ended:
			return s.drainConn(ctx, to)
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// stalled reports whether the port is being written to. Meanwhile, nothing reads
// from the connection, so its end goes unnoticed.
func (s *session) stalled() bool { return s.writing.Load()%2 == 1 }

// receive copies from the connection to the port.
func (s *session) receive() error {
	buffer := make([]byte, 16<<10)
	for {
		n, err := s.conn.Read(buffer)
		if err := s.writeLine(buffer[:n]); err != nil {
			return &portError{err: err}
		}
		if err != nil {
			return err
		}
	}
}

// writeLine writes to the port in pieces, so that progress can be seen.
func (s *session) writeLine(data []byte) error {
	for piece := range slices.Chunk(data, 4<<10) {
		s.writing.Add(1)
		n, err := s.port.line.Write(piece)
		s.writing.Add(1)
		s.counters.received.Add(int64(n))
		if err != nil {
			return err
		}
	}
	return nil
}

// lastReceived waits until the port has accepted the data that the peer sent
// before Write to the connection failed.
func (s *session) lastReceived(ctx context.Context, to *outlet, received <-chan error, failed error) error {
	ticker := time.NewTicker(s.drainTime())
	defer ticker.Stop()
	for before := s.writing.Load(); ; {
		select {
		case err := <-received:
			return s.drainPort(ctx, to, cmp.Or(err, failed))
		case <-ticker.C:
			switch now := s.writing.Load(); {
			case now != before:
				before = now
			case s.stalled():
				return &portError{err: errStuck}
			default: // the connection delivers nothing
				return s.drainPort(ctx, to, failed)
			}
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// drainPort waits until the port has sent its data, after the connection has
// ended with an error.
func (s *session) drainPort(ctx context.Context, to *outlet, ended error) error {
	s.conn.Close()
	s.port.detach(to)
	if _, ok := ended.(*portError); ok {
		return ended
	}
	drained := make(chan error, 1)
	go func() { drained <- s.port.line.Drain() }()
	timer := time.NewTimer(s.drainTime())
	defer timer.Stop()
	select {
	case err := <-drained:
		if err != nil {
			return &portError{err: err}
		}
		return ended
	case <-timer.C:
		return &portError{err: errStuck}
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// drainConn waits until the peer has the data that the port sent before it
// ended.
func (s *session) drainConn(ctx context.Context, to *outlet) error {
	ctx, cancel := context.WithTimeout(ctx, s.drainTime())
	defer cancel()
	err := shutdown(ctx, s.conn)
	if to.sent.Load() == 0 {
		err = nil // there was nothing to confirm
	}
	return &portError{err: s.port.err, sending: err}
}

// shutdown closes a connection once the peer has received everything, or, over a
// Port, once the kernel has sent everything.
func shutdown(ctx context.Context, conn net.Conn) error {
	switch conn := conn.(type) {
	case interface{ Shutdown(context.Context) error }:
		return conn.Shutdown(ctx)
	case interface{ Drain() error }:
		defer conn.(net.Conn).Close()
		stop := context.AfterFunc(ctx, func() { conn.(net.Conn).SetWriteDeadline(longAgo) })
		defer stop()
		return conn.Drain()
	case interface{ CloseWrite() error }:
		return cmp.Or(conn.CloseWrite(), conn.(net.Conn).Close())
	}
	return conn.Close()
}
