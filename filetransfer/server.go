package filetransfer

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"sync"
	"time"
)

// A Server offers files to one client at a time, in both dialects. Its fields
// must not change while it serves. Its methods may be called from several
// goroutines.
type Server struct {
	// FS is what is offered: the FS of an os.Root for a folder, or any other,
	// such as an embed.FS or a zip archive. nil: nothing, gets are refused.
	// Symbolic links are not followed in an FS that has no Stat, such as that
	// of fs.Sub: OpenRoot makes a better one of a folder's folder.
	FS fs.FS

	// Uploads is where put stores. nil: puts are refused.
	Uploads *os.Root

	// MaxUpload is the largest upload in bytes. 0: no limit.
	MaxUpload int64

	// IdleTimeout is how long a client may be silent, or take nothing, before
	// it is dropped. A request must be whole within this time of its first
	// byte. 0: 30 s.
	IdleTimeout time.Duration

	// Logger is told of every client, every file and every failure. nil:
	// slog.Default().
	Logger *slog.Logger

	// Progress, if not nil, is called in the course of each transfer, at most
	// ten times a second, and once at its end, whether it succeeds or not.
	Progress func(Progress)

	mu        sync.Mutex
	closing   bool
	listeners map[net.Listener]struct{}
	sessions  map[*session]struct{}
	left      chan struct{} // closed when the last session leaves; nil if none waits
}

// Serve accepts connections and serves one after the other; the next ones wait
// in the listener's backlog. It closes the listener in the end. It goes on
// after failures of a client and after temporary errors of Accept, and returns
// its first other error, or ErrServerClosed once Shutdown or Close was called.
func (s *Server) Serve(l net.Listener) error {
	defer l.Close()
	if !s.addListener(l) {
		return ErrServerClosed
	}
	defer s.removeListener(l)
	for pause := time.Duration(0); ; {
		c, err := l.Accept()
		if s.isClosing() {
			if err == nil {
				c.Close()
			}
			return ErrServerClosed
		}
		if err == nil {
			pause = 0
			s.ServeConn(context.Background(), c) // it logs how it went
			continue
		}
		var temporary interface{ Temporary() bool }
		if !errors.As(err, &temporary) || !temporary.Temporary() {
			return err
		}
		pause = min(max(2*pause, 5*time.Millisecond), time.Second)
		s.logger().Warn("accepting failed, trying again", "error", err, "after", pause)
		time.Sleep(pause)
	}
}

// ServeConn serves one client and closes the connection. It returns nil if the
// client left after its last request was answered, also if the answer was an
// error; in the plain dialect, if it was sent its file. The end of ctx ends it at
// once. The connection must support deadlines.
func (s *Server) ServeConn(ctx context.Context, c net.Conn) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	served := newSession(s, c, cancel)
	s.addSession(served)
	defer s.removeSession(served)
	defer served.wire.close()
	served.log.Info("client connected")
	err := served.wire.run(ctx, func() error { return served.serve(ctx) })
	if err != nil {
		served.log.Warn("client dropped", "error", err)
	} else {
		served.log.Info("client left")
	}
	return err
}

// Shutdown closes the listeners and lets the transfer under way finish. Clients
// that ask for more are told that the server closes. It returns when the last
// client has left, or with the context's error; Close ends what goes on then.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	err := s.close()
	for served := range s.sessions {
		served.wire.drain()
	}
	var left chan struct{}
	if len(s.sessions) > 0 {
		if s.left == nil {
			s.left = make(chan struct{})
		}
		left = s.left
	}
	s.mu.Unlock()
	if left == nil {
		return err
	}
	select {
	case <-left:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close closes the listeners and ends all transfers at once. An upload that it
// interrupts can be resumed.
func (s *Server) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.close()
	for served := range s.sessions {
		served.cancel(ErrServerClosed)
	}
	return err
}

// close closes the listeners; the mutex is held.
func (s *Server) close() error {
	s.closing = true
	var errs []error
	for l := range s.listeners {
		if err := l.Close(); !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	clear(s.listeners)
	return errors.Join(errs...)
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

// addSession adds a session, which gets no request if the server is closing.
func (s *Server) addSession(served *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		served.wire.drain()
	}
	if s.sessions == nil {
		s.sessions = make(map[*session]struct{})
	}
	s.sessions[served] = struct{}{}
}

func (s *Server) removeSession(served *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sessions, served)
	if len(s.sessions) == 0 && s.left != nil {
		close(s.left)
		s.left = nil
	}
}

func (s *Server) logger() *slog.Logger {
	if s.Logger != nil {
		return s.Logger
	}
	return slog.Default()
}
