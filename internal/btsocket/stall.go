package btsocket

import "time"

// stallLimit is the time that Shutdown waits for a send queue that does not
// shrink, except in tests.
//
// It must be longer than the pauses of a slow peer that is still reading. When
// its receive buffer is full, a Linux peer grants no credits until it has read
// three quarters of the buffer (rfcomm_sk_data_ready, rfcomm_sock_recvmsg).
// Earlier credits let this end send up to 70 kB. At 500 bytes per second, the
// queue then stands still for almost two minutes.
const stallLimit = 5 * time.Minute

// A stall measures how long a send queue has not shrunk. Except for the limit,
// its zero value is ready for use.
type stall struct {
	limit time.Duration

	queued int       // at the last call of over
	since  time.Time // the time of the first call, or of the last call that saw the queue shrink
}

// over reports whether the queue has not shrunk for the limit. queued is the
// number of bytes that it holds now.
func (s *stall) over(queued int, now time.Time) bool {
	if s.since.IsZero() || queued < s.queued {
		s.since = now
	}
	s.queued = queued
	return now.Sub(s.since) >= s.limit
}
