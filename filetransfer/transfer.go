package filetransfer

import (
	"hash"
	"sync/atomic"
)

// A contentError is a failure on this side to read the content to send or to
// store the received content. The connection remains usable.
type contentError struct{ err error }

func (e *contentError) Error() string { return e.err.Error() }
func (e *contentError) Unwrap() error { return e.err }

// A transfer sends or receives the content of one file.
type transfer struct {
	conn  *connection
	codec *codec
	sum   hash.Hash    // checksum of the whole file; contains the bytes before the offset
	meter *meter       // counts the bytes
	sent  atomic.Int64 // bytes since the last keepalive was due
}

// newTransfer returns a transfer. When resuming, sum must already contain the
// bytes before the offset.
func newTransfer(c *codec, sum hash.Hash, m *meter) *transfer {
	return &transfer{conn: c.conn, codec: c, sum: sum, meter: m}
}
