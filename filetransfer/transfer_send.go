package filetransfer

import (
	"errors"
)

// errStopped means that the peer refused the rest of the content.
var errStopped = errors.New("stopped by the peer")

// sendContent sends content, followed by its checksum or by the error that
// ended it early.
func (t *transfer) sendContent(s source) error {
	err := t.sendChunks(s)
	var failed *contentError
	if errors.As(err, &failed) {
		return t.abandonContent(failed.err)
	}
	if err != nil {
		return err
	}
	t.meter.whole()
	end := block{word: endWord}.withSum(t.sum.Sum(nil))
	_, err = t.conn.Write(end.append([]byte(lastChunk)))
	return err
}

// sendChunks sends the chunks of content. While the source is slow, the peer gets
// keepalives. If the content cannot be sent, the error is a *contentError.
func (t *transfer) sendChunks(s source) error {
	stop := t.keepReceiver()
	defer stop()
	err := t.readSource(s.reader, s.size, s.short, func(data []byte) error {
		if s.stopped != nil && s.stopped() {
			return &contentError{errStopped}
		}
		t.sum.Write(data)
		if err := t.codec.writeChunk(len(data)); err != nil {
			return err
		}
		t.sent.Add(int64(len(data)))
		t.meter.add(len(data))
		return nil
	})
	if err != nil {
		return err
	}
	if err := s.checkEnd(t.meter.progress.Done); err != nil {
		return &contentError{err}
	}
	if s.whole != nil {
		s.whole()
	}
	return nil
}

// abandonContent ends the content with err, and returns err as a *contentError.
func (t *transfer) abandonContent(err error) error {
	if _, err := t.conn.Write(errorBlock(err).append([]byte(lastChunk))); err != nil {
		return err
	}
	return &contentError{err}
}
