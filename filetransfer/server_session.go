package filetransfer

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-rfcomm/rfcomm/internal/partfile"
)

// A session serves one client.
type session struct {
	*Server
	conn    *connection
	codec   *codec
	worker  *worker      // makes the calls to FS and Uploads
	uploads *workerStore // Uploads, on the worker
	budget  hashBudget
	over    error // after which the session must end
	log     *slog.Logger
	cancel  context.CancelCauseFunc

	reported bool // whether the client knows of the error of its request

	queue *queue // nil without a queue
	place *place // nil without a queue

	plain  bool   // whether the first byte is one of the plain dialect
	framed bool   // whether the first byte is one of the framed dialect
	first  *block // the first request, if it was read before the client's turn

	request  Request      // the current one; set by allow
	began    time.Time    // the client's turn
	rested   time.Time    // the end of the last request, or the client's turn
	failures atomic.Int32 // failed requests

	drained   chan struct{} // closed by drain
	drainOnce sync.Once
}

func newSession(s *Server, c net.Conn, cancel context.CancelCauseFunc) *session {
	log := s.logger()
	if remote := c.RemoteAddr(); remote != nil {
		log = log.With("client", remote.String())
	}
	conn := newConnection(c, clientPeer, s.IdleTimeout)
	served := &session{Server: s, conn: conn, codec: newCodec(conn), log: log, cancel: cancel, drained: make(chan struct{})}
	conn.keepAliveLimit = served.keepAliveLimit
	served.worker = newWorker(conn.idle, &s.stuck, served.codec.renewChunk)
	served.uploads = &workerStore{s.Uploads, served.worker}
	return served
}

// serve serves the client, once it is its turn, until it disconnects. It returns
// nil if all requests were answered.
func (s *session) serve(ctx context.Context) error {
	defer s.endWorker()
	if err := s.awaitTurn(); err != nil {
		return s.endBetweenRequests(err)
	}
	s.log.Info("client connected")
	s.began = time.Now()
	s.rested = s.began
	if s.first != nil {
		return s.serveFramed(ctx)
	}
	if !s.framed { // a busy block has replaced the prompt
		if _, err := s.conn.Write([]byte(Prompt)); err != nil {
			return err
		}
	}
	first, err := s.awaitRequest()
	switch {
	case err != nil:
		return s.endBetweenRequests(err)
	case first == framedMark:
		s.framed = true
		return s.serveFramed(ctx)
	default:
		s.plain = true
		return s.servePlain(ctx)
	}
}

// endBetweenRequests ends a session whose client has sent no further request,
// because of err, and tells the client why.
func (s *session) endBetweenRequests(err error) error {
	switch {
	case err == io.EOF:
		return nil
	case err == errDraining && s.framed && !s.began.IsZero():
		s.refuse(ErrServerClosed)
		return nil // all requests were answered
	case err == errDraining:
		return s.refuse(ErrServerClosed)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return s.refuse(err)
	default:
		return err
	}
}

// refuse sends an error to the client as the last message and returns it. If the
// dialect of the client is unknown, the message is one of the plain dialect,
// which all clients understand.
func (s *session) refuse(err error) error {
	message := []byte(plainErrorLine(err))
	if s.framed {
		message = errorBlock(err).append(nil)
	}
	if s.conn.failure() == nil {
		s.codec.farewell(message)
	}
	return err
}

// errNoFiles means that the server has no FS.
var errNoFiles = publicErrorf(ErrRefused, "this server offers no files")

// open opens a file for a get.
func (s *session) open(name string) (original, Info, error) {
	if err := s.checkOffered(getMethod, name); err != nil {
		return original{}, Info{}, err
	}
	f, err := onWorker(s.worker, func() (original, error) { return s.openRegular(name) }, original.close)
	if err != nil {
		return original{}, Info{}, reason(err)
	}
	return newOriginal(newWorkerFile(s.worker, f.file), f.before), contentInfo(name, f.before), nil
}

// openRegular opens a regular file. It does not open other files: opening a
// FIFO would wait for a writer, and opening a device may have effects.
func (s *session) openRegular(name string) (original, error) {
	stat, err := s.fileInfo(name)
	if err == nil {
		err = checkRegular(name, stat)
	}
	if err != nil {
		return original{}, err
	}
	f, err := s.FS.Open(name)
	if err != nil {
		return original{}, err
	}
	if stat, err = frozen(f.Stat()); err == nil {
		err = checkRegular(name, stat)
	}
	if err != nil {
		f.Close()
		return original{}, err
	}
	return newOriginal(f, stat), nil
}

// fileInfo returns the FileInfo of a file or directory, without opening it if
// the FS supports that. If the FS has Lstat but no Stat, such as the result of
// fs.Sub, fileInfo does not follow symbolic links, because fs.Stat would open
// the target.
func (s *session) fileInfo(name string) (fs.FileInfo, error) {
	stat, err := frozen(s.statFile(name))
	if errors.Is(err, fs.ErrInvalid) && !fs.ValidPath(name) {
		err = publicErrorf(fs.ErrInvalid, "%.300q is not valid UTF-8, as all names of this server must be", name)
	}
	return stat, err
}

func (s *session) statFile(name string) (fs.FileInfo, error) {
	if links, ok := s.FS.(fs.ReadLinkFS); ok {
		if _, ok := s.FS.(fs.StatFS); !ok {
			return links.Lstat(name)
		}
	}
	return fs.Stat(s.FS, name)
}

// contentInfo returns the Info of a file to read. If the file claims to be
// empty, its size counts as unknown and it is read to its end: files in /proc
// claim that and have content nevertheless.
func contentInfo(name string, stat fs.FileInfo) Info {
	info := infoOf(name, stat)
	if info.Size == 0 {
		info.Size = -1
	}
	return info
}

// checkRegular returns an error unless stat describes a regular file.
func checkRegular(name string, stat fs.FileInfo) error {
	switch {
	case stat.Mode().IsRegular():
		return nil
	case stat.IsDir():
		return publicErrorf(fs.ErrInvalid, "%.300q is a directory", name)
	default:
		return publicErrorf(fs.ErrPermission, "%.300q is not a regular file", name)
	}
}

// infoOf returns the Info of a file or directory.
func infoOf(name string, stat fs.FileInfo) Info {
	info := Info{Name: name, Size: stat.Size(), Mode: stat.Mode() & (fs.ModePerm | fs.ModeDir), ModTime: stat.ModTime()}
	// An FS without permissions, such as an fstest.MapFS, returns mode 0.
	info.ModeKnown = info.Mode.Perm() != 0 || hasPermissions(stat.Sys())
	if stat.IsDir() {
		info.Size = 0
	} else if !stat.Mode().IsRegular() {
		info.Size, info.Mode = 0, info.Mode|fs.ModeIrregular
	}
	return info
}

// reason returns the error of a file without its path. The session adds the
// name that the client sent. For a path outside an os.Root, package os returns
// an unexported error that matches nothing; reason returns one that matches
// fs.ErrPermission.
func reason(err error) error {
	var path *fs.PathError
	switch {
	case !errors.As(err, &path):
		return err
	case partfile.Escapes(path.Err):
		return publicErrorf(fs.ErrPermission, "permission denied: the path leads out of the directory")
	default:
		return path.Err
	}
}

// logTransfer logs a completed transfer.
func (s *session) logTransfer(what, name string, m *meter, more ...any) {
	p := m.now()
	s.log.Info(what, append([]any{"name", name, "bytes", p.Done, "seconds", p.Elapsed.Seconds(), "bytes/s", int64(p.Rate)}, more...)...)
}
