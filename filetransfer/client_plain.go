package filetransfer

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"net"
	"os"
	"strings"
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

// errOneFile means that the connection of a plain client has been used.
var errOneFile = fmt.Errorf("the plain dialect transfers one file per connection, connect again: %w", net.ErrClosed)

// receivePlain receives one file in the plain dialect and writes it to the
// sink. The connection cannot be used afterwards.
func (c *Client) receivePlain(name string, to sink) (Info, error) {
	defer c.conn.fail(errOneFile)
	f := &fetcher{conn: c.conn, codec: c.codec, to: to, name: name, progress: c.Progress, sum: sha256.New()}
	err := f.fetch()
	if f.meter != nil {
		defer f.meter.end()
	}
	if err != nil {
		return Info{}, err
	}
	f.meter.whole()
	info := Info{Name: name, Size: f.meter.progress.Done, SHA256: f.sum.Sum(nil)}
	return info, to.commit(info)
}

// A fetcher receives one file in the plain dialect.
type fetcher struct {
	conn     *connection
	codec    *codec
	name     string
	to       sink
	progress func(Progress)
	sum      hash.Hash // of the content
	meter    *meter    // nil before the first byte of the content
	pending  []byte    // not written yet, because it may be the end mark or an error
	failed   error     // of the sink
}

// fetch requests and receives the file. The prompt has been read.
func (f *fetcher) fetch() error {
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
	_, unsent := f.conn.Write([]byte(f.name))
	if errors.Is(unsent, os.ErrDeadlineExceeded) {
		return unsent
	}
	// Receive even after a failure to write: the server may have reported the
	// reason before it closed the connection.
	err := f.receive()
	if err == nil {
		if err := f.begin(); err != nil {
			return err
		}
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
		if marked {
			f.conn.within(endSilence)
		} else {
			f.conn.stream()
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

// begin prepares the sink for the content, once.
func (f *fetcher) begin() error {
	if f.meter == nil {
		f.meter = newMeter(f.progress, f.name, 0, -1)
		f.failed = f.to.begin(Info{Name: f.name, Size: -1}, 0)
	}
	return f.failed
}

// write writes the first n pending bytes.
func (f *fetcher) write(n int) error {
	if n <= 0 || f.failed != nil {
		return f.failed
	}
	if err := f.begin(); err != nil {
		return err
	}
	var written int
	written, f.failed = f.to.Write(f.pending[:n])
	f.sum.Write(f.pending[:written])
	f.meter.add(written)
	f.pending = f.pending[:copy(f.pending, f.pending[written:])]
	return f.failed
}

// errorLine is errorLine for all received bytes. Bytes that were written are
// content, not an error.
func (f *fetcher) errorLine() (string, bool) {
	if f.meter != nil {
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
