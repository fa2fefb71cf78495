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
func (l *link) sendBody(s source) error {
	err := l.readSource(s.reader, s.size, s.short, func(data []byte) error {
		if s.stopped != nil && s.stopped() {
			return &sourceError{errStopped}
		}
		s.sum.Write(data)
		if err := l.writeChunk(len(data)); err != nil {
			return err
		}
		s.meter.add(len(data))
		return nil
	})
	var failed *sourceError
	if errors.As(err, &failed) {
		return l.abandonBody(failed.err)
	}
	if err != nil {
		return err
	}
	if s.exact && s.size >= 0 {
		_, err := bufio.NewReaderSize(s.reader, 1).ReadByte()
		if err == nil {
			err = tell(fs.ErrInvalid, "content goes on after the %d bytes that were stated", s.size)
		}
		if err != io.EOF {
			return l.abandonBody(err)
		}
	}
	s.meter.whole()
	end := block{word: endWord}.withSum(s.sum.Sum(nil))
	_, err = l.Write(end.append([]byte(lastChunk)))
	return err
}

// writeChunk sends the first n bytes of the chunk's data, with its length and
// line ends, in one Write.
func (l *link) writeChunk(n int) error {
	line := strconv.AppendInt(make([]byte, 0, maxLengthLine), int64(n), 16)
	line = append(line, "\r\n"...)
	start := maxLengthLine - len(line)
	copy(l.chunk[start:], line)
	end := maxLengthLine + n
	copy(l.chunk[end:], "\r\n")
	_, err := l.Write(l.chunk[start : end+2])
	return err
}

// abandonBody ends content with an error, which it returns.
func (l *link) abandonBody(err error) error {
	if _, err := l.Write(errorBlock(err).append([]byte(lastChunk))); err != nil {
		return err
	}
	return &sourceError{err}
}

// A sinkError is a failure to store what came. The rest of it is still on its
// way.
type sinkError struct{ err error }

func (e *sinkError) Error() string { return e.err.Error() }
func (e *sinkError) Unwrap() error { return e.err }

// receiveBody receives content into w, and checks it. The hash may have been
// fed with what came before. Content that goes on beyond size, if that is not
// negative, is not stored.
func (l *link) receiveBody(w io.Writer, size int64, sum hash.Hash, m *meter) error {
	if err := l.stream(); err != nil {
		return l.fail(err)
	}
	for received := int64(0); ; {
		data, err := l.readChunk()
		if err != nil {
			return l.fail(err)
		}
		if len(data) == 0 {
			m.whole()
			return l.endBody(received, size, sum)
		}
		if received += int64(len(data)); size >= 0 && received > size {
			return &sinkError{malformed("content is longer than the %d bytes that were stated", size)}
		}
		began := time.Now()
		sum.Write(data)
		if _, err := w.Write(data); err != nil {
			return &sinkError{err}
		}
		m.add(len(data))
		// It was not the peer that took this time.
		if err := l.extend(time.Since(began)); err != nil {
			return l.fail(err)
		}
	}
}

// readChunk reads one chunk. The last one is empty.
func (l *link) readChunk() ([]byte, error) {
	n, err := l.readLength()
	if err != nil || n == 0 {
		return nil, err
	}
	data := l.chunk[:n]
	if _, err := io.ReadFull(l.reader, data); err != nil {
		return nil, early(err)
	}
	return data, l.readLineEnd()
}

// endBody reads what follows content of the received length.
func (l *link) endBody(received, size int64, sum hash.Hash) error {
	end, err := readBlock(l.reader)
	if err != nil {
		return l.fail(early(err))
	}
	if err := l.errorOf(end, endWord); err != nil {
		return err
	}
	want, err := end.sum()
	if err != nil {
		return l.fail(err)
	}
	if size >= 0 && received != size {
		return l.fail(malformed("%d bytes came instead of %d", received, size))
	}
	if got := sum.Sum(nil); !bytes.Equal(got, want) {
		return fmt.Errorf("its SHA-256 is %x, not %x: %w", got, want, ErrCorrupt)
	}
	return nil
}

// discardBody reads the rest of content that is not wanted, within the idle
// timeout in all. It comes after a sinkError.
func (l *link) discardBody() error {
	if err := l.within(l.idle); err != nil {
		return l.fail(err)
	}
	for {
		data, err := l.readChunk()
		if err != nil {
			return l.fail(err)
		}
		if len(data) == 0 {
			if _, err := readBlock(l.reader); err != nil {
				return l.fail(early(err))
			}
			return nil
		}
	}
}

// readLength reads the line before a chunk.
func (l *link) readLength() (int, error) {
	line, err := l.readLine()
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
func (l *link) readLineEnd() error {
	line, err := l.readLine()
	if err == nil && line != "" {
		err = malformed("a chunk goes on with %s", printable(line))
	}
	return err
}

// readLine reads a line of a few bytes.
func (l *link) readLine() (string, error) {
	for n := 1; n <= maxLengthLine; n++ {
		line, err := l.reader.Peek(n)
		if err != nil {
			return "", early(err)
		}
		if line[n-1] == '\n' {
			text := string(bytes.TrimSuffix(line[:n-1], []byte("\r")))
			l.reader.Discard(n)
			return text, nil
		}
	}
	line, _ := l.reader.Peek(maxLengthLine)
	return "", malformed("%s instead of a chunk's length", printable(string(line)))
}

// early makes an end in the middle of a message an error.
func early(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
