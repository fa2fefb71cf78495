package filetransfer

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"strconv"
	"time"
)

// Content is sent in chunks, like those of HTTP's chunked coding (RFC 9112,
// section 7.1): the length in hexadecimal, a line end, that many bytes, a line
// end. The length 0 ends the content. A block follows: end with the checksum,
// or an error.
const (
	maxChunk      = 32 << 10
	maxLengthLine = len("8000\r\n")
	chunkSpace    = maxLengthLine + maxChunk + len("\r\n")
	lastChunk     = "0\r\n"
)

// A source is content to send.
type source struct {
	reader  io.Reader
	size    int64       // bytes to send; if negative, all bytes of reader
	short   error       // error to report if reader has fewer bytes
	exact   bool        // whether more bytes are an error
	sum     hash.Hash   // checksum of the whole file; contains the bytes before the offset
	meter   *meter      // counts the bytes sent
	stopped func() bool // reports whether the peer has already answered; may be nil
}

// errStopped means that the peer answered before the end of the content.
var errStopped = errors.New("stopped by the peer")

// sendContent sends content, followed by its checksum or by the error that
// ended it early.
func (w *wire) sendContent(s source) error {
	err := w.readSource(s.reader, s.size, s.short, func(data []byte) error {
		if s.stopped != nil && s.stopped() {
			return &sourceError{errStopped}
		}
		s.sum.Write(data)
		if err := w.writeChunk(len(data)); err != nil {
			return err
		}
		s.meter.add(len(data))
		return nil
	})
	var failed *sourceError
	if errors.As(err, &failed) {
		return w.abandonContent(failed.err)
	}
	if err != nil {
		return err
	}
	if s.exact && s.size >= 0 {
		_, err := bufio.NewReaderSize(s.reader, 1).ReadByte()
		if err == nil {
			err = publicErrorf(fs.ErrInvalid, "content has more than the stated %d bytes", s.size)
		}
		if err != io.EOF {
			return w.abandonContent(err)
		}
	}
	s.meter.whole()
	end := block{word: endWord}.withSum(s.sum.Sum(nil))
	_, err = w.Write(end.append([]byte(lastChunk)))
	return err
}

// writeChunk sends the first n bytes of the chunk's data, with its length and
// line ends, in one Write.
func (w *wire) writeChunk(n int) error {
	line := strconv.AppendInt(make([]byte, 0, maxLengthLine), int64(n), 16)
	line = append(line, "\r\n"...)
	start := maxLengthLine - len(line)
	copy(w.chunk[start:], line)
	end := maxLengthLine + n
	copy(w.chunk[end:], "\r\n")
	_, err := w.Write(w.chunk[start : end+2])
	return err
}

// abandonContent ends the content with err, and returns err as a *sourceError.
func (w *wire) abandonContent(err error) error {
	if _, err := w.Write(errorBlock(err).append([]byte(lastChunk))); err != nil {
		return err
	}
	return &sourceError{err}
}

// A sinkError is a failure to store received content. The rest of the content
// has not been read from the connection.
type sinkError struct{ err error }

func (e *sinkError) Error() string { return e.err.Error() }
func (e *sinkError) Unwrap() error { return e.err }

// receiveContent receives content, writes it to to, and verifies its checksum.
// When resuming, sum must already contain the bytes before the offset. If size
// is not negative, content that exceeds it is an error and is not stored.
func (w *wire) receiveContent(to io.Writer, size int64, sum hash.Hash, m *meter) error {
	if err := w.stream(); err != nil {
		return w.fail(err)
	}
	for received := int64(0); ; {
		data, err := w.readChunk()
		if err != nil {
			return w.fail(err)
		}
		if len(data) == 0 {
			m.whole()
			return w.readContentEnd(received, size, sum)
		}
		if received += int64(len(data)); size >= 0 && received > size {
			return &sinkError{malformed("content has more than the stated %d bytes", size)}
		}
		began := time.Now()
		sum.Write(data)
		if _, err := to.Write(data); err != nil {
			return &sinkError{err}
		}
		m.add(len(data))
		// The time spent on storing does not count as silence of the peer.
		if err := w.extend(time.Since(began)); err != nil {
			return w.fail(err)
		}
	}
}

// readChunk reads one chunk. An empty chunk is the last one.
func (w *wire) readChunk() ([]byte, error) {
	n, err := w.readLength()
	if err != nil || n == 0 {
		return nil, err
	}
	data := w.chunk[:n]
	if _, err := io.ReadFull(w.reader, data); err != nil {
		return nil, early(err)
	}
	return data, w.readLineEnd()
}

// readContentEnd reads the block that follows the content and compares length
// and checksum.
func (w *wire) readContentEnd(received, size int64, sum hash.Hash) error {
	end, err := readBlock(w.reader)
	if err != nil {
		return w.fail(early(err))
	}
	if err := w.errorOf(end, endWord); err != nil {
		return err
	}
	want, err := end.sum()
	if err != nil {
		return w.fail(err)
	}
	if size >= 0 && received != size {
		return w.fail(malformed("content of %d bytes instead of %d", received, size))
	}
	if got := sum.Sum(nil); !bytes.Equal(got, want) {
		return fmt.Errorf("the SHA-256 of the content is %x, not %x: %w", got, want, ErrCorrupt)
	}
	return nil
}

// discardContent reads and discards the rest of the content after a sinkError.
// The idle timeout limits the total time.
func (w *wire) discardContent() error {
	if err := w.within(w.idle); err != nil {
		return w.fail(err)
	}
	for {
		data, err := w.readChunk()
		if err != nil {
			return w.fail(err)
		}
		if len(data) == 0 {
			if _, err := readBlock(w.reader); err != nil {
				return w.fail(early(err))
			}
			return nil
		}
	}
}

// readLength reads the line with the length of a chunk.
func (w *wire) readLength() (int, error) {
	line, err := w.readLine()
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseUint(line, 16, 16)
	// Leading zeros are malformed: one flipped bit turns 8000 into 0000, which
	// must not end the content.
	if err != nil || n > maxChunk || line[0] == '0' && line != "0" {
		return 0, malformed("invalid length %s of a chunk", printable(line))
	}
	return int(n), nil
}

// readLineEnd reads the line end after a chunk.
func (w *wire) readLineEnd() error {
	line, err := w.readLine()
	if err == nil && line != "" {
		err = malformed("%s after a chunk instead of a line end", printable(line))
	}
	return err
}

// readLine reads a line of at most maxLengthLine bytes.
func (w *wire) readLine() (string, error) {
	for n := 1; n <= maxLengthLine; n++ {
		line, err := w.reader.Peek(n)
		if err != nil {
			return "", early(err)
		}
		if line[n-1] == '\n' {
			text := string(bytes.TrimSuffix(line[:n-1], []byte("\r")))
			w.reader.Discard(n)
			return text, nil
		}
	}
	line, _ := w.reader.Peek(maxLengthLine)
	return "", malformed("%s instead of the length of a chunk", printable(string(line)))
}

// early returns io.ErrUnexpectedEOF for io.EOF, which is unexpected in the
// middle of a message.
func early(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
