package filetransfer

import (
	"cmp"
	"context"
	"hash"
	"io"
)

// hashPart writes the next n bytes of r to sum, with the buffer for a chunk. If r
// has fewer, the error is io.ErrUnexpectedEOF. It stops when ctx ends or when the
// connection fails, for example because a keepalive could not be sent.
func (c *codec) hashPart(ctx context.Context, sum hash.Hash, r io.Reader, n int64) error {
	buffer := c.chunk[:maxChunk]
	for n > 0 {
		if err := cmp.Or(ctx.Err(), c.conn.failure()); err != nil {
			return err
		}
		got, err := io.ReadFull(r, buffer[:min(n, int64(len(buffer)))])
		sum.Write(buffer[:got])
		if n -= int64(got); err != nil {
			return early(err)
		}
	}
	return nil
}
