package filetransfer

import "hash"

// A transfer sends or receives the content of one file.
type transfer struct {
	conn  *connection
	codec *codec
	sum   hash.Hash // checksum of the whole file; contains the bytes before the offset
	meter *meter    // counts the bytes
}

// newTransfer returns a transfer. When resuming, sum must already contain the
// bytes before the offset.
func newTransfer(c *codec, sum hash.Hash, m *meter) *transfer {
	return &transfer{conn: c.conn, codec: c, sum: sum, meter: m}
}
