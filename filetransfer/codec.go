package filetransfer

import (
	"bufio"
	"io"
	"time"
)

// A codec reads and writes the messages of the framed dialect on a connection:
// blocks and chunks. Like a connection, it may be used by one goroutine that
// reads and one that writes.
type codec struct {
	conn   *connection
	reader *bufio.Reader // reads through connection.Read
	ahead  *lookahead    // pending, or nil
	chunk  []byte        // buffer for one chunk, see codec_chunk.go
}

// newCodec returns a codec on a connection.
func newCodec(conn *connection) *codec {
	return &codec{conn: conn, reader: bufio.NewReaderSize(conn, maxBlock), chunk: make([]byte, chunkSpace)}
}

// renewChunk replaces the buffer, because a call that was abandoned may still
// use it.
func (c *codec) renewChunk() { c.chunk = make([]byte, chunkSpace) }

// writeBlock sends a block.
func (c *codec) writeBlock(b block) error {
	_, err := c.conn.Write(b.append(nil))
	return err
}

// readAnswer reads the next block that is not a wait block. The idle timeout
// starts again after each wait block.
func (c *codec) readAnswer() (block, error) {
	for {
		c.conn.within(c.conn.idle)
		if err := c.settle(); err != nil {
			return block{}, c.conn.fail(early(err))
		}
		b, err := readBlock(c.reader)
		if err != nil {
			return b, c.conn.fail(early(err))
		}
		if b.word != waitWord {
			c.conn.progressed()
			return b, nil
		}
		if err := c.conn.keptAlive(); err != nil {
			return b, c.conn.fail(err)
		}
	}
}

// close closes the connection after the last message.
func (c *codec) close() { c.conn.close(c.settle) }

// lastWordTime is the maximum time for which lastWord waits for the peer.
const lastWordTime = time.Second

// lastWord sends the reason for which this side gives up, if the peer reads.
// The connection cannot be used afterwards.
func (c *codec) lastWord(b block) {
	c.conn.idle = min(c.conn.idle, lastWordTime)
	c.writeBlock(b)
	c.conn.linger(c.settle)
}

// farewell sends the last message. It reads and discards data meanwhile,
// because the peer may read nothing until its own data has been read.
func (c *codec) farewell(message []byte) {
	if c.conn.isMute() {
		return
	}
	c.conn.within(c.conn.idle)
	discarded := make(chan struct{})
	go func() {
		defer close(discarded)
		if c.settle() == nil {
			io.Copy(io.Discard, c.reader)
		}
	}()
	c.conn.Write(message)
	c.conn.within(0)
	<-discarded
}
