package filetransfer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"time"
)

// Prompt is what a server sends first, in both dialects.
const Prompt = "Enter the file name"

const (
	// endSilence after the end mark ends a file, because a server may leave
	// the connection open.
	endSilence = 2 * time.Second

	// maxErrorLine is how long a line that reports an error can be.
	maxErrorLine = 1 << 10
)

// Fetch asks a server for one file in the plain dialect, and receives it into
// w. It returns how many bytes it has written to w. They are the whole file only
// if the error is nil, and even then only as far as the dialect can tell: a file
// that holds the words of its end mark may be cut there by a pause of 2 s.
//
// A stream that ends without the mark is an error that matches
// io.ErrUnexpectedEOF; what has come was written to w. An error that the server
// reports matches what package fs and this package call it, if it is a Server.
//
// Fetch reads the prompt first. It gives up when nothing comes for 30 s, and
// returns as soon as ctx ends. The connection, which must support deadlines, is
// of no further use afterwards; the caller closes it. If w is stuck in a Write
// when ctx ends, Fetch returns and leaves it there.
func Fetch(ctx context.Context, c net.Conn, name string, w io.Writer) (int64, error) {
	if err := checkPlainName(name); err != nil {
		return 0, &fs.PathError{Op: getMethod, Path: name, Err: err}
	}
	if err := ctx.Err(); err != nil {
		return 0, &fs.PathError{Op: getMethod, Path: name, Err: err}
	}
	f := &fetcher{wire: newWire(c, serverPeer, 0), w: w}
	err := f.wire.run(ctx, func() error { return f.fetch(name) })
	if err != nil {
		err = &fs.PathError{Op: getMethod, Path: name, Err: err}
	}
	return f.written.Load(), err
}

// checkPlainName refuses a name that the plain dialect cannot carry.
func checkPlainName(name string) error {
	switch {
	case name == "":
		return publicErrorf(fs.ErrInvalid, "a file name is needed")
	case len(name) > maxPlainName:
		return publicErrorf(fs.ErrInvalid, "the name has %d bytes, more than the %d that the plain dialect allows", len(name), maxPlainName)
	case strings.ContainsAny(name, "\x00\r\n"):
		return publicErrorf(fs.ErrInvalid, "the plain dialect allows no NUL and no line end in a name")
	}
	return nil
}

// A fetcher receives one file in the plain dialect.
type fetcher struct {
	wire    *wire
	w       io.Writer
	written atomic.Int64 // bytes
	pending []byte       // not written yet: it may be the end mark, or an error
	failed  error        // of w
}

func (f *fetcher) fetch(name string) error {
	if err := f.wire.readPrompt(); err != nil {
		return err
	}
	if n := f.wire.reader.Buffered(); n > 0 {
		text, _ := f.wire.reader.Peek(n)
		if line, ok := errorLine(text); ok {
			return plainError(line)
		}
		// A server may mean the same and say it with a colon, or a line end.
		if strings.Trim(string(text), " :?>\r\n") != "" {
			return fmt.Errorf("the server goes on after its prompt with %q: is it the file service?", printable(string(text)))
		}
		f.wire.reader.Discard(n)
	}
	// Without a line end, which would be part of the name to the article's
	// server.
	_, unsent := f.wire.Write([]byte(name))
	if errors.Is(unsent, os.ErrDeadlineExceeded) {
		return unsent
	}
	// Also after a failure: the server may have said why it takes no name.
	err := f.receive()
	if err == nil {
		return f.write(len(f.pending) - len(endMark))
	}
	if line, ok := f.errorLine(); ok {
		return plainError(line)
	}
	// What may be the beginning of the mark is not the file's.
	kept := len(f.pending)
	for n := min(kept, len(endMark)); n > 0; n-- {
		if strings.HasPrefix(endMark, string(f.pending[kept-n:])) {
			kept -= n
			break
		}
	}
	if writeErr := f.write(kept); writeErr != nil {
		return writeErr
	}
	return err
}

// receive receives until the end mark is the last that has come. It leaves the
// mark pending.
func (f *fetcher) receive() error {
	for {
		marked := bytes.HasSuffix(f.pending, []byte(endMark))
		limit := f.wire.stream
		if marked {
			limit = func() error { return f.wire.within(endSilence) }
		}
		if err := limit(); err != nil {
			return err
		}
		n, err := f.wire.reader.Read(f.wire.chunk)
		f.pending = append(f.pending, f.wire.chunk[:n]...)
		switch {
		case n > 0:
			if _, ok := f.errorLine(); !ok {
				if err := f.write(len(f.pending) - len(endMark)); err != nil {
					return err
				}
			}
		case err == nil:
		case marked && !f.wire.isEnded() && !errors.Is(err, net.ErrClosed):
			return nil
		case err == io.EOF:
			return fmt.Errorf("the stream ended without %q: %w", endMark, io.ErrUnexpectedEOF)
		case errors.Is(err, os.ErrDeadlineExceeded):
			return err
		default:
			return fmt.Errorf("the stream ended without %q: %w", endMark, err)
		}
	}
}

// write writes the first n bytes that are pending.
func (f *fetcher) write(n int) error {
	if n <= 0 || f.failed != nil {
		return f.failed
	}
	var written int
	written, f.failed = f.w.Write(f.pending[:n])
	f.written.Add(int64(written))
	f.pending = f.pending[:copy(f.pending, f.pending[written:])]
	return f.failed
}

// errorLine is errorLine of all that has come. What was written is no error.
func (f *fetcher) errorLine() (string, bool) {
	if f.written.Load() > 0 {
		return "", false
	}
	return errorLine(f.pending)
}

// errorLine returns the line with which a server reports an error, or begins
// to, if the data is nothing else.
func errorLine(data []byte) (string, bool) {
	line, rest, _ := strings.Cut(string(data[:min(len(data), maxErrorLine)]), "\n")
	if len(data) > maxErrorLine || rest != "" || !strings.HasPrefix(line, plainErrorPrefix) {
		return "", false
	}
	return line, true
}
