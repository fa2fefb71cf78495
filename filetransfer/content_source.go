package filetransfer

import (
	"cmp"
	"io"
)

// A sourceError is a failure to read what was to be sent.
type sourceError struct{ err error }

func (e *sourceError) Error() string { return e.err.Error() }
func (e *sourceError) Unwrap() error { return e.err }

// maxEmptyReads is how often a reader may have nothing to read, and not say why.
const maxEmptyReads = 100

// readSource reads size bytes of r, or all that it has if size is negative, and
// calls send for each part of it, which is in the link's chunk. It returns a
// *sourceError if r fails, or ends early, which is the error short.
func (w *wire) readSource(r io.Reader, size int64, short error, send func(data []byte) error) error {
	for left, empty := size, 0; left != 0; {
		data := w.chunk[maxLengthLine : maxLengthLine+maxChunk]
		if left > 0 && left < maxChunk {
			data = data[:left]
		}
		n, err := r.Read(data)
		if n > 0 {
			empty = 0
			if err := send(data[:n]); err != nil {
				return err
			}
		} else if empty++; empty == maxEmptyReads {
			err = cmp.Or(err, io.ErrNoProgress)
		}
		if left > 0 {
			left -= int64(n)
		}
		switch {
		case err == io.EOF && left > 0:
			return &sourceError{publicErrorf(short, "content ended %d bytes early", left)}
		case err == io.EOF:
			return nil
		case err != nil && left != 0:
			return &sourceError{err}
		}
	}
	return nil
}
