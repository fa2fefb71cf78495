package filetransfer

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// A Server offers files to one client at a time, in both dialects. Its fields
// must not be changed while it serves. Its methods may be called from several
// goroutines.
type Server struct {
	// FS holds the files that the server offers. For a directory, use [NewDir] or
	// the FS of an os.Root. Any other FS works as well, such as an embed.FS or a zip
	// archive. If nil, the server offers no files and refuses gets.
	//
	// If an FS has no Stat method, such as the result of fs.Sub, the server
	// does not follow symbolic links in it. For a subdirectory,
	// os.Root.OpenRoot is therefore better than fs.Sub.
	FS fs.FS

	// Uploads stores the files of puts. For a directory, use [NewDir]. If nil,
	// the server refuses uploads. The files are not secret from clients that may
	// put, even if FS does not offer them: the answer to a put of an existing
	// name depends on whether the content is the same, and on how much of it.
	Uploads Store

	// MaxUpload is the maximum size of an upload in bytes. If zero, the size is
	// unlimited.
	MaxUpload int64

	// IdleTimeout is the maximum time during which a client may send nothing,
	// or read nothing of the data sent to it. After that, the server drops the
	// client. A request must be complete within this time after its first byte.
	//
	// Within this time, a client must accept the 32 KiB of one Write, and send
	// 1 KiB of content. A client of the framed dialect whose disk or source is
	// slower sends keepalives, as Client does, and each one starts the time
	// again. While other clients wait, RequestTimeout limits that.
	//
	// It also limits each call to FS and Uploads. The server drops the client of
	// a call that takes longer, and leaves a goroutine with the call. While four
	// such calls have not returned, requests are refused with ErrBusy.
	//
	// The default is 30 s.
	IdleTimeout time.Duration

	// FirstTimeout is the maximum time that a client may take to send its first
	// byte while other clients wait. The default is 10 s. If negative, only
	// IdleTimeout applies, as if no other client waited.
	FirstTimeout time.Duration

	// RequestTimeout is the maximum time between two requests of a client while
	// other clients wait, and the maximum time for which a client may send only
	// wait blocks then. The default is 60 s. If negative, only IdleTimeout
	// applies: it limits silence, but not the number of wait blocks.
	RequestTimeout time.Duration

	// SessionTimeout is the maximum time for which a client is served while
	// other clients wait. After that, a transfer in progress ends with an error
	// that matches os.ErrDeadlineExceeded, and can be resumed. If zero or
	// negative, the time is unlimited.
	SessionTimeout time.Duration

	// Replace allows uploads to replace existing files. If false, the server
	// refuses a put that would replace a file with ErrRefused.
	Replace bool

	// Hidden includes hidden files, those with a name or a directory that begins
	// with a dot. If false, hidden files are not listed, do not exist for a get
	// or a stat, and are refused as uploads.
	Hidden bool

	// Reserve is the number of bytes that uploads leave free on the disk. An
	// upload that would leave less is refused before its first byte. An upload
	// of unknown size is stopped at the limit, as is one during which other
	// programs use the space; it can be resumed. The client's error matches
	// syscall.ENOSPC. The default is 64 MiB; a negative Reserve means none. The
	// limit does not apply if Uploads returns no number of free bytes.
	Reserve int64

	// KeepParts is the time after which the server removes the part of an
	// interrupted upload. The server looks for such parts when an upload begins,
	// at most once per hour. Files of other programs stay, even if their names
	// end in ".part"; see [Dir.RemoveParts]. The default is 7 days; a negative
	// KeepParts means that parts are kept for ever.
	KeepParts time.Duration

	// Allow, if not nil, is called for each request in both dialects, before
	// the server touches a file. In the plain dialect, it is called after the
	// file was opened, which the server needs to find the end of the name. An
	// error refuses the request and is reported to the client. If it matches no
	// error of package fs or of this package, the client's error matches
	// ErrRefused. A client of the framed dialect waits as long as Allow runs.
	// Allow is called by several goroutines at the same time if the server has
	// several listeners or ServeConn is called several times.
	Allow func(Request) error

	// Received, if not nil, is called after an upload was stored and before the
	// client learns of it. It is not called if the server already had the
	// content. It is called like Allow.
	Received func(Request)

	// Logger logs clients, files and failures. If nil, slog.Default() is used.
	Logger *slog.Logger

	// Progress, if not nil, is called during each transfer, at most ten times
	// per second, and once at the end of it, whether it succeeds or fails. A slow
	// Progress delays the transfer.
	Progress func(Progress)

	sums  sums         // of the files of FS and the parts of Uploads
	stuck atomic.Int32 // calls to FS and Uploads that sessions have abandoned

	mu           sync.Mutex
	closing      bool
	listeners    map[net.Listener]struct{}
	sessions     map[*session]struct{}
	partsChecked time.Time     // last search for old parts
	left         chan struct{} // closed when the last session ends; nil unless Shutdown waits
}

// Serve accepts connections and serves one client after the other, in the order
// in which they connect. At most 8 clients wait for their turn; Serve refuses
// further ones with ErrBusy. A client of the framed dialect that waits learns
// that the server is busy. Serve closes the listener before it returns.
//
// Serve continues after a failure of a client and retries after a temporary
// error of Accept. It returns the first other error of Accept, or
// ErrServerClosed after Shutdown or Close. Before it returns, it refuses the
// clients that wait and finishes the one that it serves.
func (s *Server) Serve(l net.Listener) error {
	defer l.Close()
	if !s.addListener(l) {
		return ErrServerClosed
	}
	defer s.removeListener(l)
	q := newQueue()
	defer q.close()
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
			s.enqueue(q, c)
			continue
		}
		var temporary interface{ Temporary() bool }
		if !errors.As(err, &temporary) || !temporary.Temporary() {
			return err
		}
		pause = min(max(2*pause, 5*time.Millisecond), time.Second)
		s.logger().Warn("accepting failed, retrying", "error", err, "after", pause)
		time.Sleep(pause)
	}
}

// ServeConn serves one client, without a queue, and closes the connection. In
// the framed dialect, it returns nil if the client disconnected after its last
// request was answered, even if the answer was an error. In the plain dialect,
// it returns nil if the file was written to the connection; if the connection
// has a method Shutdown, as those of package rfcomm have, ServeConn also waits
// for at most IdleTimeout until Shutdown confirms that the client has received
// the file. ServeConn returns as soon as ctx ends. The connection must support
// deadlines.
func (s *Server) ServeConn(ctx context.Context, c net.Conn) error {
	return s.serve(ctx, c, nil, nil)
}

// serve serves one client, once it is its turn in a queue, and logs the result.
func (s *Server) serve(ctx context.Context, c net.Conn, q *queue, place *place) error {
	served, err := s.attend(ctx, c, func(ctx context.Context, served *session) error {
		served.queue, served.place = q, place
		return served.serve(ctx)
	})
	served.logEnd(err)
	return err
}

// attend runs do with a session for a connection and closes the connection.
func (s *Server) attend(ctx context.Context, c net.Conn, do func(context.Context, *session) error) (*session, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	served := newSession(s, c, cancel)
	s.addSession(served)
	defer s.removeSession(served)
	defer served.codec.close()
	return served, served.conn.run(ctx, func() error { return do(ctx, served) })
}

// Shutdown closes the listeners and waits until the current transfer has
// finished. Further requests, and clients that wait for their turn, are answered
// with ErrServerClosed. Shutdown returns when the last client has disconnected.
// If ctx ends earlier, Shutdown returns the context's error; call Close to
// interrupt the transfer.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	err := s.close()
	for served := range s.sessions {
		served.drain()
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

// Close closes the listeners and interrupts all transfers. An interrupted
// upload can be resumed.
func (s *Server) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.close()
	for served := range s.sessions {
		served.cancel(ErrServerClosed)
	}
	return err
}

// close closes the listeners. The caller holds s.mu.
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

// addSession adds a session. If the server is closing, the session accepts no
// request.
func (s *Server) addSession(served *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		served.drain()
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
