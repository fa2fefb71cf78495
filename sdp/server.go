package sdp

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"
	"time"
)

// ErrServerClosed is the error of [Server.Serve] and [Server.ServeConn] after
// Shutdown or Close.
var ErrServerClosed = errors.New("sdp: server is closed")

const (
	// defaultMaxConns is the default of Server.MaxConns.
	defaultMaxConns = 32

	// defaultIdleTimeout is the default of Server.IdleTimeout. A client that
	// keeps its channel open until RFCOMM is connected may have to wait for a
	// person who confirms a pairing, for which the kernel allows 30 s or 40 s.
	defaultIdleTimeout = time.Minute

	// maxAcceptPause is the longest pause between attempts to accept.
	maxAcceptPause = time.Second
)

// A Server answers requests for service records (Core Specification, Volume 3,
// Part B). The zero value is a server with no records except its own, whose
// handle is 0. The fields must not be changed while it serves. The methods may
// be called from several goroutines at once.
//
// The memory and the time that a client can take are bounded: a connection
// holds the rest of at most one answer per kind of request, and MaxConns and
// IdleTimeout limit the connections.
type Server struct {
	// MaxConns is the maximum number of connections. If there are more, the
	// server closes the one that has sent no request for the longest time. The
	// default is 32.
	MaxConns int

	// IdleTimeout is the maximum time between two requests of a client, and the
	// maximum time that a response may take. After that, the server closes the
	// connection. The default is 1 minute.
	IdleTimeout time.Duration

	// Logger logs clients at the level Debug and failures to accept at the level
	// Warn. If nil, slog.Default() is used.
	Logger *slog.Logger

	database database

	mu        sync.Mutex
	closing   bool
	listeners map[net.Listener]struct{}
	clients   map[*client]struct{}
	left      chan struct{} // closed when the last client has left; nil before Shutdown
}

// Serve accepts connections from l and serves them at the same time. Each Read
// of a connection must return one packet, and each Write must send one: use
// [Listen]. Serve closes l before it returns.
//
// Serve continues after a failure of a client and retries after a temporary
// error of Accept. It returns the first other error of Accept, or
// ErrServerClosed after Shutdown or Close.
func (s *Server) Serve(l net.Listener) error {
	defer l.Close()
	if !s.addListener(l) {
		return ErrServerClosed
	}
	defer s.removeListener(l)
	for pause := time.Duration(0); ; {
		c, err := l.Accept()
		if err == nil {
			pause = 0
			go s.ServeConn(context.Background(), c) // logs the result
			continue
		}
		if s.isClosing() {
			return ErrServerClosed
		}
		var temporary interface{ Temporary() bool }
		if !errors.As(err, &temporary) || !temporary.Temporary() {
			return err
		}
		pause = min(max(2*pause, 5*time.Millisecond), maxAcceptPause)
		s.logger().Warn("accepting failed, retrying", "error", err, "after", pause)
		time.Sleep(pause)
	}
}

// ServeConn serves one client and closes the connection. It returns nil when
// the client hangs up or has been idle for IdleTimeout, ErrServerClosed after
// Shutdown or Close, the context's error as soon as ctx ends, and otherwise the
// error of the connection. The connection must keep packets whole and support
// deadlines.
//
// If the connection has a method MTUs as those of [Listen] do, no response is
// longer than the outgoing MTU that it returns. The MTU is otherwise 672, the
// default of L2CAP.
func (s *Server) ServeConn(ctx context.Context, c net.Conn) error {
	defer c.Close()
	defer context.AfterFunc(ctx, func() { c.Close() })()
	log := s.logger()
	if remote := c.RemoteAddr(); remote != nil {
		log = log.With("client", remote.String())
	}
	served := &client{server: s, conn: c}
	if !s.addClient(served) {
		return ErrServerClosed
	}
	defer s.removeClient(served)
	log.Debug("SDP client connected")
	err := s.reason(ctx, served, served.serve())
	log.Debug("SDP client left", "error", err)
	return err
}

// Shutdown closes the listeners and the connections, except those whose client
// has yet to ask for the rest of an answer. It waits until these have the rest,
// and answers their other requests with the error InsufficientResources. If ctx
// ends earlier, Shutdown returns the context's error; call Close to disconnect
// the remaining clients.
func (s *Server) Shutdown(ctx context.Context) error {
	err := s.close(func(c *client) bool { return !c.busy })
	select {
	case <-s.allLeft():
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close closes the listeners and all connections.
func (s *Server) Close() error {
	return s.close(func(*client) bool { return true })
}

// close closes the listeners, and the connections of the clients that leave
// selects. Closing a connection can take a moment, so that s.mu is not held.
func (s *Server) close(leave func(*client) bool) error {
	s.mu.Lock()
	s.closing = true
	listeners := s.listeners
	s.listeners = nil
	var conns []net.Conn
	for c := range s.clients {
		if leave(c) {
			conns = append(conns, c.conn)
		}
	}
	s.mu.Unlock()
	var errs []error
	for l := range listeners {
		if err := l.Close(); !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	for _, c := range conns {
		c.Close()
	}
	return errors.Join(errs...)
}

// allLeft returns a channel that is closed when the server has no client.
func (s *Server) allLeft() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.left == nil {
		s.left = make(chan struct{})
		if len(s.clients) == 0 {
			close(s.left)
		}
	}
	return s.left
}

// errTooMany is the error of ServeConn if another client has taken the place.
var errTooMany = errors.New("sdp: disconnected the client that was silent for the longest time: too many clients")

// reason returns the reason why a connection has ended, with err or with nil.
func (s *Server) reason(ctx context.Context, c *client, err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closing:
		return ErrServerClosed
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case c.evicted:
		return errTooMany
	}
	return err
}

func (s *Server) isClosing() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closing
}

func (s *Server) addListener(l net.Listener) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return false
	}
	if s.listeners == nil {
		s.listeners = make(map[net.Listener]struct{})
	}
	s.listeners[l] = struct{}{}
	return true
}

func (s *Server) removeListener(l net.Listener) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.listeners, l)
}

// addClient adds a client and, if there are too many, disconnects the one that
// has been silent for the longest time. It returns false if the server is
// closing.
func (s *Server) addClient(c *client) bool {
	s.mu.Lock()
	if s.closing {
		s.mu.Unlock()
		return false
	}
	silent := s.tooMany()
	if s.clients == nil {
		s.clients = make(map[*client]struct{})
	}
	c.active = time.Now()
	s.clients[c] = struct{}{}
	s.mu.Unlock()
	if silent != nil {
		silent.conn.Close()
	}
	return true
}

// tooMany returns the client that has to leave before another one is added, or
// nil. The caller holds s.mu.
func (s *Server) tooMany() (silent *client) {
	limit := s.MaxConns
	if limit <= 0 {
		limit = defaultMaxConns
	}
	staying := 0
	for c := range s.clients {
		if c.evicted {
			continue
		}
		staying++
		if silent == nil || c.active.Before(silent.active) {
			silent = c
		}
	}
	if staying < limit {
		return nil
	}
	silent.evicted = true
	return silent
}

func (s *Server) removeClient(c *client) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.clients, c)
	if len(s.clients) == 0 && s.left != nil {
		close(s.left) // once, since a closing server accepts no other client
	}
}

func (s *Server) idleTimeout() time.Duration {
	if s.IdleTimeout > 0 {
		return s.IdleTimeout
	}
	return defaultIdleTimeout
}

func (s *Server) logger() *slog.Logger {
	if s.Logger != nil {
		return s.Logger
	}
	return slog.Default()
}
