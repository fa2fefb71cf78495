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

// Content goes in chunks, as HTTP's chunked coding has them (RFC 9112, section
// 7.1): the length in hexadecimal, a line end, that many bytes, a line end. The
// length 0 ends it, and a block follows: end with the checksum, or an error.
const (
	maxChunk      = 32 << 10
	maxLengthLine = len("8000\r\n")
	chunkSpace    = maxLengthLine + maxChunk + len("\r\n")
	lastChunk     = "0\r\n"
)

// A source is content to be sent.
type source struct {
	reader  io.Reader
	size    int64       // of what is to be sent, or negative: all that there is
	short   error       // what it is if there is less
	exact   bool        // whether it is an error if there is more
	sum     hash.Hash   // of all content; fed with what comes before
	meter   *meter      // counts what was sent
	stopped func() bool // whether the peer has answered already; may be nil
}

// errStopped: the peer has answered before all was sent.
var errStopped = errors.New("stopped by the peer")

// sendBody sends content and its checksum, or the error that ends it early.
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
			err = publicErrorf(fs.ErrInvalid, "content goes on after the %d bytes that were stated", s.size)
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

// abandonBody ends content with an error, which it returns.
func (w *wire) abandonContent(err error) error {
	if _, err := w.Write(errorBlock(err).append([]byte(lastChunk))); err != nil {
		return err
	}
	return &sourceError{err}
}

// A sinkError is a failure to store what came. The rest of it is still on its
// way.
type sinkError struct{ err error }

func (e *sinkError) Error() string { return e.err.Error() }
func (e *sinkError) Unwrap() error { return e.err }

// receiveBody receives content into to, and checks it. The hash may have been
// fed with what came before. Content that goes on beyond size, if that is not
// negative, is not stored.
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
			return &sinkError{malformed("content is longer than the %d bytes that were stated", size)}
		}
		began := time.Now()
		sum.Write(data)
		if _, err := to.Write(data); err != nil {
			return &sinkError{err}
		}
		m.add(len(data))
		// It was not the peer that took this time.
		if err := w.extend(time.Since(began)); err != nil {
			return w.fail(err)
		}
	}
}

// readChunk reads one chunk. The last one is empty.
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

// endBody reads what follows content of the received length.
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
		return w.fail(malformed("%d bytes came instead of %d", received, size))
	}
	if got := sum.Sum(nil); !bytes.Equal(got, want) {
		return fmt.Errorf("its SHA-256 is %x, not %x: %w", got, want, ErrCorrupt)
	}
	return nil
}

// discardBody reads the rest of content that is not wanted, within the idle
// timeout in all. It comes after a sinkError.
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

// readLength reads the line before a chunk.
func (w *wire) readLength() (int, error) {
	line, err := w.readLine()
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseUint(line, 16, 16)
	// A single bit makes 0000 of 8000, which must not end the content.
	if err != nil || n > maxChunk || line[0] == '0' && line != "0" {
		return 0, malformed("chunk of length %s", printable(line))
	}
	return int(n), nil
}

// readLineEnd reads the line end after a chunk.
func (w *wire) readLineEnd() error {
	line, err := w.readLine()
	if err == nil && line != "" {
		err = malformed("a chunk goes on with %s", printable(line))
	}
	return err
}

// readLine reads a line of a few bytes.
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
	return "", malformed("%s instead of a chunk's length", printable(string(line)))
}

// early makes an end in the middle of a message an error.
func early(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
