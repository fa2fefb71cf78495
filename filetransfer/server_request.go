package filetransfer

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"strings"
)

// A Request describes a request of a client to Server.Allow, and a stored file
// to Server.Received.
type Request struct {
	// Method is "get", "put", "list" or "stat".
	Method string

	// Name is the path of the file or directory. It is a valid path as defined
	// by fs.ValidPath, and "." for the directory that the server offers.
	Name string

	// Info is set for a put: the Name, Mode and ModTime that the client states.
	// For Allow, Size is what the client states, or -1 if that is unknown. For
	// Received, Size and SHA256 are those of the stored file.
	Info Info

	// Client is the remote address of the connection. It may be nil.
	Client net.Addr

	// Plain reports whether the request is in the plain dialect.
	Plain bool

	// Replace reports whether the client of a put wants to replace an existing
	// file.
	Replace bool

	// Replaced reports to Received whether the file replaced an existing one.
	Replaced bool
}

// admit returns an error unless a request to read a file or directory may be
// answered. It does not touch the file.
func (s *session) admit(method, name string) error {
	if err := s.checkOffered(method, name); err != nil {
		return err
	}
	return s.allow(Request{Method: method, Name: name})
}

// checkOffered returns an error unless the server may offer a name.
func (s *session) checkOffered(method, name string) error {
	if s.FS == nil {
		return errNoFiles
	}
	if method == getMethod || name != "." {
		if err := checkName(name); err != nil {
			return err
		}
	}
	if s.hides(name) {
		return fs.ErrNotExist
	}
	return nil
}

// hides reports whether the server hides a name.
func (s *session) hides(name string) bool {
	return !s.Hidden && name != "." && (strings.HasPrefix(name, ".") || strings.Contains(name, "/."))
}

// allow completes a request and returns the error of Allow. It keeps a client of
// the framed dialect waiting.
func (s *session) allow(r Request) error {
	r.Client, r.Plain = s.conn.conn.RemoteAddr(), s.plain
	s.request = r
	if s.Allow == nil {
		return nil
	}
	ask := func() error { return s.Allow(r) }
	if s.plain {
		return refusal(ask())
	}
	return refusal(s.codec.keepAlive("", ask))
}

// refusal returns the error of Allow such that it has a code, and a text that
// the client may see.
func refusal(err error) error {
	if err == nil || codeOf(err).word != failedWord {
		return err
	}
	_, text := describe(err)
	return publicErrorf(ErrRefused, "refused: %s", text)
}

// errReplacesNone means that a client wants to replace a file, and Server.Replace
// is false.
var errReplacesNone = publicErrorf(ErrRefused, "file exists already, and the server replaces no files")

// errTaken returns err, the error for a put of a file that exists and is not
// replaced. If the client wants to replace the file, errTaken returns the error
// of a server that replaces none.
func (s *session) errTaken(err error) error {
	if s.request.Replace && !s.Replace && errors.Is(err, fs.ErrExist) {
		return errReplacesNone
	}
	return err
}

// isReplaced reports whether a file that is being received replaces another
// one.
func (s *session) isReplaced() bool {
	if !s.request.Replace || !s.Replace {
		return false
	}
	f, err := s.uploads.Open(s.request.Name)
	if err != nil {
		return false
	}
	f.Close()
	return true
}

// received logs a stored file and calls Received, while the client waits.
func (s *session) received(m *meter, sum []byte, replaced bool) {
	details := []any{"sha256", fmt.Sprintf("%x", sum)}
	if replaced {
		details = append(details, "replaced", true)
	}
	s.logTransfer("received", s.request.Name, m, details...)
	if s.Received == nil {
		return
	}
	r := s.request
	r.Replaced = replaced
	r.Info.Size, r.Info.SHA256 = m.progress.Done, sum
	s.codec.keepAlive("", func() error { s.Received(r); return nil })
}

// logBegin logs that a transfer begins.
func (s *session) logBegin(what, name string, size, offset int64) {
	details := []any{"name", name, "size", size}
	if size < 0 {
		details[3] = unknownSize
	}
	if offset > 0 {
		details = append(details, "offset", offset)
	}
	s.log.Info(what, details...)
}
