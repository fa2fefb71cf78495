package filetransfer

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"os"

	"github.com/go-rfcomm/rfcomm/internal/partfile"
)

// A session serves one client.
type session struct {
	*Server
	conn   *connection
	codec  *codec
	worker *worker // makes the calls to FS and Uploads
	log    *slog.Logger
	cancel context.CancelCauseFunc

	reported bool // whether the client knows of the error of its request
}

func newSession(s *Server, c net.Conn, cancel context.CancelCauseFunc) *session {
	log := s.logger()
	if remote := c.RemoteAddr(); remote != nil {
		log = log.With("client", remote.String())
	}
	conn := newConnection(c, clientPeer, s.IdleTimeout)
	served := &session{Server: s, conn: conn, codec: newCodec(conn), log: log, cancel: cancel}
	served.worker = newWorker(conn.idle, &s.stuck, served.codec.renewChunk)
	return served
}

// serve serves the client until it disconnects. It returns nil if all requests
// were answered.
func (s *session) serve(ctx context.Context) error {
	defer s.worker.stop()
	if _, err := s.conn.Write([]byte(Prompt)); err != nil {
		return err
	}
	first, err := s.codec.awaitRequest()
	switch {
	case err == io.EOF:
		return nil // the client sent no request
	case err == errDraining:
		return s.refusePlain(ErrServerClosed)
	case errors.Is(err, os.ErrDeadlineExceeded) && ctx.Err() == nil:
		return s.refusePlain(err)
	case err != nil:
		return err
	case first == framedMark:
		return s.serveFramed(ctx)
	default:
		return s.servePlain(ctx)
	}
}

// errNoFiles means that the server has no FS.
var errNoFiles = publicErrorf(ErrRefused, "this server offers no files")

// open opens a file for a client.
func (s *session) open(name string) (original, Info, error) {
	if s.FS == nil {
		return original{}, Info{}, errNoFiles
	}
	if err := checkName(name); err != nil {
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
	if stat, err = f.Stat(); err == nil {
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
	stat, err := s.statFile(name)
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
