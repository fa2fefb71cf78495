package filetransfer

import (
	"context"
	"hash"
	"io"
)

// hashPart writes the next n bytes of r to sum. If r has fewer, the error is
// io.ErrUnexpectedEOF.
func hashPart(ctx context.Context, sum hash.Hash, r io.Reader, n int64, buffer []byte) error {
	for n > 0 {
		if err := ctx.Err(); err != nil {
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
