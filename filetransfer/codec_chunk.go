package filetransfer

import (
	"bytes"
	"io"
	"strconv"
)

// Content is sent in chunks, like those of HTTP's chunked coding (RFC 9112,
// section 7.1): the length in hexadecimal, a line end, that many bytes, a line
// end. The length 0 ends the content. A block follows: end with the checksum,
// or an error. An empty line between two chunks is a keepalive.
const (
	maxChunk      = 32 << 10
	maxLengthLine = len("8000\r\n")
	chunkSpace    = maxLengthLine + maxChunk + len("\r\n")
	lastChunk     = "0\r\n"
)

// writeChunk sends the first n bytes of the chunk's data, with its length and
// line ends, in one Write.
func (c *codec) writeChunk(n int) error {
	line := strconv.AppendInt(make([]byte, 0, maxLengthLine), int64(n), 16)
	line = append(line, "\r\n"...)
	start := maxLengthLine - len(line)
	copy(c.chunk[start:], line)
	end := maxLengthLine + n
	copy(c.chunk[end:], "\r\n")
	_, err := c.conn.Write(c.chunk[start : end+2])
	return err
}

// readChunk reads one chunk and the keepalives before it. An empty chunk is the
// last one.
func (c *codec) readChunk() ([]byte, error) {
	line, err := c.readLine()
	for err == nil && len(line) == 0 {
		if err = c.keptAlive(); err == nil {
			line, err = c.readLine()
		}
	}
	if err != nil {
		return nil, err
	}
	n, err := parseLength(line)
	if err != nil || n == 0 {
		return nil, err
	}
	data := c.chunk[:n]
	if _, err := io.ReadFull(c.reader, data); err != nil {
		return nil, early(err)
	}
	return data, c.readLineEnd()
}

// keptAlive records a keepalive between two chunks. While content is discarded,
// it does not renew the limit.
func (c *codec) keptAlive() error {
	if !c.conn.patience.renews() {
		return nil
	}
	return c.conn.keptAlive()
}

// discardContent reads and discards the rest of the content after a
// *contentError. The idle timeout limits the total time.
func (c *codec) discardContent() error {
	c.conn.within(c.conn.idle)
	for {
		data, err := c.readChunk()
		if err != nil {
			return c.conn.fail(err)
		}
		if len(data) == 0 {
			if _, err := readBlock(c.reader); err != nil {
				return c.conn.fail(early(err))
			}
			return nil
		}
	}
}

// parseLength parses the line with the length of a chunk.
func parseLength(line []byte) (int, error) {
	n, err := strconv.ParseUint(string(line), 16, 16)
	// Leading zeros are malformed: one flipped bit turns 8000 into 0000, which
	// must not end the content.
	if err != nil || n > maxChunk || line[0] == '0' && len(line) > 1 {
		return 0, malformed("invalid length %s of a chunk", printable(string(line)))
	}
	return int(n), nil
}

// readLineEnd reads the line end after a chunk.
func (c *codec) readLineEnd() error {
	line, err := c.readLine()
	if err == nil && len(line) > 0 {
		err = malformed("%s after a chunk instead of a line end", printable(string(line)))
	}
	return err
}

// readLine reads a line of at most maxLengthLine bytes. The line is valid until
// the next read, so that it is not an allocation of each chunk.
func (c *codec) readLine() ([]byte, error) {
	for n := 1; n <= maxLengthLine; n++ {
		line, err := c.reader.Peek(n)
		if err != nil {
			return nil, early(err)
		}
		if line[n-1] == '\n' {
			c.reader.Discard(n)
			return bytes.TrimSuffix(line[:n-1], []byte("\r")), nil
		}
	}
	line, _ := c.reader.Peek(maxLengthLine)
	return nil, malformed("%s instead of the length of a chunk", printable(string(line)))
}

// early returns io.ErrUnexpectedEOF for io.EOF, which is unexpected in the
// middle of a message.
func early(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
