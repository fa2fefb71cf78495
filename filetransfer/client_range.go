package filetransfer

import (
	"context"
	"crypto/sha256"
	"errors"
)

// getRange requests the bytes of a file at an offset, at most len(p). It returns
// the number of bytes that the file has there, and the Info of the whole file.
func (c *Client) getRange(ctx context.Context, name string, p []byte, offset int64) (int, Info, error) {
	// If ctx ends, the exchange may still be running, so it must not use p.
	content := &span{limit: len(p)}
	info, err := call(ctx, c, getMethod, name, func(_ context.Context, name string) (Info, error) {
		return c.receiveRange(name, offset, content)
	})
	if err != nil {
		return 0, Info{}, err
	}
	return copy(p, content.data), info, nil
}

// receiveRange requests and receives a range of a file.
func (c *Client) receiveRange(name string, offset int64, to *span) (Info, error) {
	answer, err := c.ask(block{word: getMethod}.withName(name).withSpan(offset, int64(to.limit)), okWord)
	if err != nil {
		return Info{}, err
	}
	info, err := answer.info(name)
	if err != nil {
		return Info{}, c.conn.fail(err)
	}
	m := newMeter(nil, name, offset, -1)
	err = newTransfer(c.codec, sha256.New(), m).receiveContent(to, info.spanSize(offset, int64(to.limit)))
	var full *contentError
	if errors.As(err, &full) {
		return Info{}, c.conn.fail(full.err)
	}
	var reported *peerError
	if errors.As(err, &reported) || err != nil && c.conn.failure() != nil {
		return Info{}, err
	}
	return info, c.confirm(err)
}

// A span receives a limited number of bytes.
type span struct {
	data  []byte
	limit int
}

func (s *span) Write(p []byte) (int, error) {
	if len(p) > s.limit-len(s.data) {
		return 0, malformed("content has more than the requested %d bytes", s.limit)
	}
	if s.data == nil {
		s.data = make([]byte, 0, s.limit)
	}
	s.data = append(s.data, p...)
	return len(p), nil
}
