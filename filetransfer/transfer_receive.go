package filetransfer

import (
	"bytes"
	"fmt"
	"io"
)

// receiveContent receives content, writes it to to, and verifies its checksum.
// When resuming, t.sum must already contain the bytes before the offset. If size
// is not negative, content that exceeds it is an error and is not stored. After
// a *contentError, the rest of the content has not been read.
//
// While a Write is slow, the peer gets wait blocks.
func (t *transfer) receiveContent(to io.Writer, size int64) error {
	sink := &watchedSink{Writer: to}
	stop := t.keepSender(sink)
	defer stop()
	t.conn.stream()
	for received := int64(0); ; {
		data, err := t.codec.readChunk()
		if err != nil {
			return t.conn.fail(err)
		}
		if len(data) == 0 {
			t.meter.whole()
			return t.readContentEnd(received, size)
		}
		if received += int64(len(data)); size >= 0 && received > size {
			return &contentError{malformed("content has more than the stated %d bytes", size)}
		}
		t.sum.Write(data)
		if _, err := sink.Write(data); err != nil {
			return &contentError{err}
		}
		t.meter.add(len(data))
	}
}

// readContentEnd reads the block that follows the content and compares length
// and checksum.
func (t *transfer) readContentEnd(received, size int64) error {
	end, err := readBlock(t.codec.reader)
	if err != nil {
		return t.conn.fail(early(err))
	}
	if err := t.codec.errorOf(end, endWord); err != nil {
		return err
	}
	want, err := end.sum()
	if err != nil {
		return t.conn.fail(err)
	}
	if size >= 0 && received != size {
		return t.conn.fail(malformed("content of %d bytes instead of %d", received, size))
	}
	if got := t.sum.Sum(nil); !bytes.Equal(got, want) {
		return fmt.Errorf("the SHA-256 of the content is %x, not %x: %w", got, want, ErrCorrupt)
	}
	return nil
}
