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

// Prompt is the text that a server sends first, in both dialects.
const Prompt = "Enter the file name"

const (
	// endSilence is the time after the end mark at which a file is complete
	// even if the server leaves the connection open.
	endSilence = 2 * time.Second

	// maxErrorLine is the maximum length of a line that reports an error.
	maxErrorLine = 1 << 10
)

// Fetch receives one file in the plain dialect and writes it to w. It returns
// the number of bytes written to w.
//
// The file is complete only if the error is nil. Even then, a file that
// contains the words of the end mark may have been cut there by a pause of 2 s:
// the dialect cannot distinguish such a pause from the end of the file.
//
// If the stream ends without the mark, the error matches io.ErrUnexpectedEOF;
// the bytes received until then have been written to w. If the server is a
// [Server], an error that it reports matches the value of package fs or of this
// package.
//
// Fetch first reads the prompt. It returns an error if the server sends nothing
// for 30 s, and returns as soon as ctx ends. If ctx ends while a Write of w
// blocks, Fetch returns without waiting for that Write.
//
// The connection must support deadlines. It cannot be used after Fetch; the
// caller closes it.
func Fetch(ctx context.Context, c net.Conn, name string, w io.Writer) (int64, error) {
	if err := checkPlainName(name); err != nil {
		return 0, &fs.PathError{Op: getMethod, Path: name, Err: err}
	}
	if err := ctx.Err(); err != nil {
		return 0, &fs.PathError{Op: getMethod, Path: name, Err: err}
	}
	conn := newConnection(c, serverPeer, 0)
	f := &fetcher{conn: conn, codec: newCodec(conn), w: w}
	err := f.conn.run(ctx, func() error { return f.fetch(name) })
	if err != nil {
		err = &fs.PathError{Op: getMethod, Path: name, Err: err}
	}
	return f.written.Load(), err
}

// checkPlainName returns an error for a name that cannot be sent in the plain
// dialect.
func checkPlainName(name string) error {
	switch {
	case name == "":
		return publicErrorf(fs.ErrInvalid, "the file name is empty")
	case len(name) > maxPlainName:
		return publicErrorf(fs.ErrInvalid, "the name has %d bytes, more than the %d that the plain dialect allows", len(name), maxPlainName)
	case strings.ContainsAny(name, "\x00\r\n"):
		return publicErrorf(fs.ErrInvalid, "the plain dialect allows no NUL and no line end in a name")
	}
	return nil
}

// A fetcher receives one file in the plain dialect.
type fetcher struct {
	conn    *connection
	codec   *codec
	w       io.Writer
	written atomic.Int64 // bytes
	pending []byte       // not written yet, because it may be the end mark or an error
	failed  error        // of w
}

// fetch requests and receives the file.
func (f *fetcher) fetch(name string) error {
	if err := f.codec.readPrompt(); err != nil {
		return err
	}
	if n := f.codec.reader.Buffered(); n > 0 {
		text, _ := f.codec.reader.Peek(n)
		if line, ok := errorLine(text); ok {
			return plainError(line)
		}
		// Other servers send the prompt with a colon or a line end.
		if strings.Trim(string(text), " :?>\r\n") != "" {
			return fmt.Errorf("the server sent %q after its prompt: is it a file server?", printable(string(text)))
		}
		f.codec.reader.Discard(n)
	}
	// The name has no line end. The article's server would take that for part
	// of the name.
	_, unsent := f.conn.Write([]byte(name))
	if errors.Is(unsent, os.ErrDeadlineExceeded) {
		return unsent
	}
	// Receive even after a failure to write: the server may have reported the
	// reason before it closed the connection.
	err := f.receive()
	if err == nil {
		return f.write(len(f.pending) - len(endMark))
	}
	if line, ok := f.errorLine(); ok {
		return plainError(line)
	}
	// Do not write a suffix that may be the beginning of the mark.
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

// receive receives the file until the end mark is followed by the end of the
// stream or by a silence. It leaves the mark pending.
func (f *fetcher) receive() error {
	for {
		marked := bytes.HasSuffix(f.pending, []byte(endMark))
		limit := f.conn.stream
		if marked {
			limit = func() error { return f.conn.within(endSilence) }
		}
		if err := limit(); err != nil {
			return err
		}
		n, err := f.codec.reader.Read(f.codec.chunk)
		f.pending = append(f.pending, f.codec.chunk[:n]...)
		switch {
		case n > 0:
			if _, ok := f.errorLine(); !ok {
				if err := f.write(len(f.pending) - len(endMark)); err != nil {
					return err
				}
			}
		case err == nil:
		case marked && !f.conn.isEnded() && !errors.Is(err, net.ErrClosed):
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

// write writes the first n pending bytes.
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

// errorLine is errorLine for all received bytes. Bytes that were written to w
// are content, not an error.
func (f *fetcher) errorLine() (string, bool) {
	if f.written.Load() > 0 {
		return "", false
	}
	return errorLine(f.pending)
}

// errorLine returns the line that reports an error, or the beginning of it, if
// data consists of nothing else.
func errorLine(data []byte) (string, bool) {
	line, rest, _ := strings.Cut(string(data[:min(len(data), maxErrorLine)]), "\n")
	if len(data) > maxErrorLine || rest != "" || !strings.HasPrefix(line, plainErrorPrefix) {
		return "", false
	}
	return line, true
}
