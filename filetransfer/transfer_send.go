package filetransfer

import (
	"bufio"
	"errors"
	"io"
	"io/fs"
)

// errStopped means that the peer answered before the end of the content.
var errStopped = errors.New("stopped by the peer")

// sendContent sends content, followed by its checksum or by the error that
// ended it early.
func (t *transfer) sendContent(s source) error {
	err := t.readSource(s.reader, s.size, s.short, func(data []byte) error {
		if s.stopped != nil && s.stopped() {
			return &contentError{errStopped}
		}
		t.sum.Write(data)
		if err := t.codec.writeChunk(len(data)); err != nil {
			return err
		}
		t.meter.add(len(data))
		return nil
	})
	var failed *contentError
	if errors.As(err, &failed) {
		return t.abandonContent(failed.err)
	}
	if err != nil {
		return err
	}
	if s.exact && s.size >= 0 {
		_, err := bufio.NewReaderSize(s.reader, 1).ReadByte()
		if err == nil {
			err = publicErrorf(fs.ErrInvalid, "content has more than the stated %d bytes", s.size)
		}
		if err != io.EOF {
			return t.abandonContent(err)
		}
	}
	if s.check != nil {
		if err := s.check(t.meter.progress.Done); err != nil {
			return t.abandonContent(err)
		}
	}
	t.meter.whole()
	end := block{word: endWord}.withSum(t.sum.Sum(nil))
	_, err = t.conn.Write(end.append([]byte(lastChunk)))
	return err
}

// abandonContent ends the content with err, and returns err as a *contentError.
func (t *transfer) abandonContent(err error) error {
	if _, err := t.conn.Write(errorBlock(err).append([]byte(lastChunk))); err != nil {
		return err
	}
	return &contentError{err}
}
