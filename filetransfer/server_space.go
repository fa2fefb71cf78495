package filetransfer

import (
	"context"
	"errors"
	"math"
	"syscall"
	"time"
)

const (
	// defaultReserve is used if Reserve is 0.
	defaultReserve = 64 << 20

	// maxRoom is the maximum number of bytes that an upload writes between two
	// checks of the free space, which other programs may use as well.
	maxRoom = 1 << 20

	// defaultKeepParts is used if KeepParts is 0.
	defaultKeepParts = 7 * 24 * time.Hour

	// partsInterval is the minimum time between two searches for old parts.
	partsInterval = time.Hour
)

// reserve returns the number of bytes that must stay free.
func (s *Server) reserve() int64 {
	if s.Reserve == 0 {
		return defaultReserve
	}
	return max(s.Reserve, 0)
}

// room returns the number of bytes that uploads may write. It is negative if
// less than the reserve is free.
func (s *session) room() (int64, error) {
	free, err := s.uploads.Free()
	if errors.Is(err, errors.ErrUnsupported) {
		return math.MaxInt64, nil
	}
	return free - s.reserve(), err
}

// checkRoom returns an error if an upload of a size, or of an unknown size,
// does not fit into the free space. An earlier upload left the first bytes in
// held, which are free again if the upload does not resume there.
func (s *session) checkRoom(size, held int64) error {
	room, err := s.room()
	switch missing := size - held; {
	case err != nil:
		return reason(err)
	case size < 0 && room <= 0:
		return publicErrorf(syscall.ENOSPC, "no space is left for uploads")
	case size >= 0 && missing > max(room, 0):
		return publicErrorf(syscall.ENOSPC, "no space is left for %d bytes, only for %d", missing, max(room, 0))
	}
	return nil
}

// A spaceGuard counts the bytes that an upload may write until the next check of
// the free space.
type spaceGuard struct{ room int64 }

// use returns an error unless n more bytes may be written.
func (g *spaceGuard) use(s *session, n int) error {
	if int64(n) > g.room {
		room, err := s.room()
		if err != nil {
			return reason(err)
		}
		g.room = min(room, maxRoom)
	}
	if int64(n) > g.room {
		return publicErrorf(syscall.ENOSPC, "no space is left for uploads")
	}
	g.room -= int64(n)
	return nil
}

// removeOldParts removes the parts of old uploads, at most once per
// partsInterval. Meanwhile, the client waits for at most half the idle timeout.
// Failures are only logged.
func (s *session) removeOldParts(ctx context.Context) {
	keep := s.KeepParts
	if keep == 0 {
		keep = defaultKeepParts
	}
	if keep < 0 || !s.oldPartsDue() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, s.conn.idle/2)
	defer cancel()
	var names []string
	err := s.codec.keepAlive("", func() (err error) {
		names, err = onWorker(s.worker, func() ([]string, error) {
			return s.Uploads.RemoveParts(ctx, time.Now().Add(-keep))
		}, nil)
		return err
	})
	for _, name := range names {
		s.log.Info("part of an old upload removed", "name", name)
	}
	if err != nil {
		s.log.Warn("removing old parts failed", "error", err)
	}
}

// oldPartsDue reports whether the next search for old parts is due, and then
// expects the caller to begin it.
func (s *Server) oldPartsDue() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if !s.partsChecked.IsZero() && now.Sub(s.partsChecked) < partsInterval {
		return false
	}
	s.partsChecked = now
	return true
}
