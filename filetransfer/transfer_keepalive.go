package filetransfer

import (
	"io"
	"sync/atomic"
)

// keepReceiver sends keepalives to the receiver while the source is slow, until
// stop is called. Few bytes also count as slow, because the receiver expects
// minProgress.
func (t *transfer) keepReceiver() (stop func()) {
	return t.codec.beat([]byte(keepAliveLine), func() bool { return t.sent.Swap(0) < minProgress })
}

// keepSender sends wait blocks to the sender during a slow Write of the sink,
// until stop is called.
func (t *transfer) keepSender(to *watchedSink) (stop func()) {
	last := int64(0)
	return t.codec.beat(block{word: waitWord}.append(nil), func() bool {
		now := to.steps.Load()
		slow := now == last && now%2 == 1
		last = now
		return slow
	})
}

// A watchedSink knows whether a Write is running.
type watchedSink struct {
	io.Writer
	steps atomic.Int64 // beginnings and ends of Writes; odd during a Write
}

func (s *watchedSink) Write(p []byte) (int, error) {
	s.steps.Add(1)
	defer s.steps.Add(1)
	return s.Writer.Write(p)
}
