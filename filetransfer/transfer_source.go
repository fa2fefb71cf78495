package filetransfer

import (
	"bufio"
	"cmp"
	"io"
	"io/fs"
)

// A source is content to send.
type source struct {
	reader  io.Reader
	size    int64                  // bytes to send; if negative, all bytes of reader
	short   error                  // error to report if reader has fewer bytes
	exact   bool                   // whether more bytes are an error
	check   func(done int64) error // called after the last byte; its error ends the content; may be nil
	whole   func()                 // called if check succeeds; may be nil
	stopped func() bool            // reports whether the peer has refused the rest; may be nil
}

// checkEnd returns an error if the reader has more bytes than it may have, or if
// check fails. The number of bytes of the whole file is done.
func (s source) checkEnd(done int64) error {
	if s.exact && s.size >= 0 {
		_, err := bufio.NewReaderSize(s.reader, 1).ReadByte()
		if err == nil {
			return publicErrorf(fs.ErrInvalid, "content has more than the stated %d bytes", s.size)
		}
		if err != io.EOF {
			return err
		}
	}
	if s.check != nil {
		return s.check(done)
	}
	return nil
}

// maxEmptyReads is the maximum number of successive reads that return neither
// bytes nor an error.
const maxEmptyReads = 100

// readSource reads size bytes of r, or all bytes if size is negative, and calls
// send for each piece. The piece is in the chunk buffer of the codec. If r
// fails, readSource returns a *contentError. If r ends early, that error matches short.
func (t *transfer) readSource(r io.Reader, size int64, short error, send func(data []byte) error) error {
	for left, empty := size, 0; left != 0; {
		data := t.codec.chunk[maxLengthLine : maxLengthLine+maxChunk]
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
			return &contentError{publicErrorf(short, "content ended %d bytes early", left)}
		case err == io.EOF:
			return nil
		case err != nil && left != 0:
			return &contentError{err}
		}
	}
	return nil
}
