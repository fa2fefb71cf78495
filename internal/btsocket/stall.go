package btsocket

import "time"

// stallLimit is how long Shutdown waits for a send queue that does not shrink,
// except in tests.
//
// It must be longer than the pauses of a slow peer that is still reading. A
// Linux peer grants no credits from the time its receive buffer is full until
// three quarters of it have been read (rfcomm_sk_data_ready,
// rfcomm_sock_recvmsg), while the credits granted before let this end send up
// to 70 kB: at 500 bytes per second the queue stands still for almost two
// minutes.
const stallLimit = 5 * time.Minute

// A stall measures how long a send queue has not shrunk. Its zero value, but
// for the limit, is ready for the first look.
type stall struct {
	limit time.Duration

	queued int       // at the last look
	since  time.Time // when the queue was first seen, or last shrank
}

// over reports whether the queue, which holds the given number of bytes now,
// has not shrunk for the limit.
func (s *stall) over(queued int, now time.Time) bool {
	if s.since.IsZero() || queued < s.queued {
		s.since = now
	}
	s.queued = queued
	return now.Sub(s.since) >= s.limit
}
