package filetransfer

import (
	"errors"
	"io"
	"os"
	"time"
)

const (
	// maxPlainName is the maximum number of bytes of a name in the plain
	// dialect.
	maxPlainName = 2048

	// nameSilence is the time without another byte after which a name is
	// complete if it is that of a file. A long name may arrive in several
	// frames.
	nameSilence = 300 * time.Millisecond

	// namePatience is the additional time for which the name of a missing file
	// may continue. A person types a name byte by byte.
	namePatience = 2 * time.Second
)

// A plainName is a name of the plain dialect, as far as it has arrived.
type plainName struct {
	text  []byte
	whole bool      // whether it can have no more bytes
	end   time.Time // at which it has to be complete
}

// add adds a byte, unless it ends the name.
func (n *plainName) add(b byte) {
	if b == '\r' || b == '\n' {
		n.whole = true
		return
	}
	n.text = append(n.text, b)
	n.whole = len(n.text) == maxPlainName
}

// readPlainName reads the next bytes of a name, until it is whole or a silence
// follows.
func (s *session) readPlainName(n *plainName) error {
	for !n.whole {
		arrived, err := s.awaitName(n, min(nameSilence, s.conn.idle/2))
		if err != nil || !arrived {
			return err
		}
		b, err := s.codec.reader.ReadByte()
		if err != nil {
			return s.conn.fail(early(err))
		}
		n.add(b)
	}
	return nil
}

// awaitName waits for the next byte of a name, for at most d. At the end of the
// stream, the name is whole.
func (s *session) awaitName(n *plainName, d time.Duration) (arrived bool, err error) {
	left := time.Until(n.end)
	arrived, err = s.awaitByte(min(d, left))
	switch {
	case err == io.EOF:
		n.whole = true
		return false, nil
	case err != nil:
		return false, s.conn.fail(err)
	case left <= 0 || !arrived && left < d:
		return false, publicErrorf(os.ErrDeadlineExceeded, "the name was not whole within %v", s.conn.idle)
	}
	return arrived, nil
}

// awaitByte waits for at most d until a byte can be read.
func (s *session) awaitByte(d time.Duration) (arrived bool, err error) {
	if s.codec.ahead == nil && s.codec.reader.Buffered() > 0 {
		return true, nil
	}
	ahead := s.codec.lookAhead()
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ahead.done:
		err := s.codec.settle()
		return err == nil, err
	case <-timer.C:
		return false, nil
	case <-s.conn.done:
		return false, s.conn.failure()
	}
}

// openPlain reads the rest of a name and opens the file. A silence ends the name
// if there is such a file.
func (s *session) openPlain(n *plainName) (original, Info, error) {
	for {
		if err := s.readPlainName(n); err != nil {
			return original{}, Info{}, err
		}
		f, info, err := s.openOffered(string(n.text))
		if err == nil || n.whole || s.isOver() != nil {
			return s.allowPlain(string(n.text), f, info, err)
		}
		if arrived, waitErr := s.awaitName(n, min(namePatience, s.conn.idle/2)); waitErr != nil {
			return original{}, Info{}, waitErr
		} else if !arrived {
			return s.allowPlain(string(n.text), f, info, err)
		}
	}
}

// openOffered opens a file, unless it is hidden. A client cannot find out
// whether a hidden file exists, not even by the silence that ends its name.
func (s *session) openOffered(name string) (original, Info, error) {
	if err := s.checkOffered(getMethod, name); err != nil {
		return original{}, Info{}, err
	}
	return s.open(name)
}

// allowPlain returns the result of open, or the error of Allow, which is called
// once the name has ended. It is called even if the file does not exist, because
// a client that is refused must not learn that.
func (s *session) allowPlain(name string, f original, info Info, err error) (original, Info, error) {
	refused := s.admit(getMethod, name)
	if refused == nil {
		return f, info, err
	}
	if err == nil {
		f.close()
	}
	return original{}, Info{}, refused
}

// errNameContinues means that a name continued after a silence.
var errNameContinues = errors.New("the name continues")

// nameContinues reports whether a byte of the name has arrived meanwhile. A line
// end, or the end of the stream, ends the name.
func (s *session) nameContinues(n *plainName) bool {
	if n.whole {
		return false
	}
	if !isClosed(s.codec.lookAhead().done) {
		return false
	}
	if s.codec.settle() != nil {
		n.whole = true // what else is wrong is found by the next write
		return false
	}
	next, _ := s.codec.reader.Peek(1)
	n.whole = next[0] == '\r' || next[0] == '\n'
	return !n.whole
}
