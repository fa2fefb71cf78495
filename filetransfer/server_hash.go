package filetransfer

import (
	"context"
	"fmt"
	"io"
	"time"
)

// A session may make the server compute checksums for maxHashTime, and after
// that for maxHashRatio times the bytes that it has transferred.
const (
	maxHashTime  = 60 * time.Second
	maxHashRatio = 4
)

// A hashBudget limits the work that a client causes without a transfer.
type hashBudget struct {
	spent         time.Duration
	hashed, moved int64 // bytes
}

func (b *hashBudget) isSpent() bool {
	return b.spent >= maxHashTime && b.hashed >= maxHashRatio*b.moved
}

// hashBeginning makes sum contain the first n bytes of a file. The function from
// returns a reader that begins at an offset. Meanwhile, the client gets wait
// blocks. If it disconnects, hashBeginning returns an error. If the budget of
// the session is spent, the error matches ErrBusy and the session ends; a later
// one can continue where this one stopped.
func (s *session) hashBeginning(ctx context.Context, sum *sharedSum, n int64, from func(offset int64) (io.Reader, error)) error {
	r, err := from(sum.at)
	if err != nil { // some files can only be read from the beginning
		sum.Reset()
		r, err = from(0)
	}
	if err != nil || sum.at == n {
		return err
	}
	defer sum.remember()
	ahead := s.codec.lookAhead()
	buffer := s.codec.chunk[:maxChunk]
	return s.codec.keepAlive("", func() error {
		for sum.at < n {
			if err := s.mayHash(ctx, ahead); err != nil {
				return err
			}
			began := time.Now()
			got, err := io.ReadFull(r, buffer[:min(maxChunk, n-sum.at)])
			sum.Write(buffer[:got])
			s.budget.spent += time.Since(began)
			s.budget.hashed += int64(got)
			if err != nil {
				return early(err)
			}
		}
		return nil
	})
}

// mayHash returns an error if the session must not go on computing checksums.
func (s *session) mayHash(ctx context.Context, ahead *lookahead) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if isClosed(ahead.done) && ahead.err != nil {
		return s.conn.fail(fmt.Errorf("the client disconnected: %w", early(ahead.err)))
	}
	if err := s.conn.failure(); err != nil {
		return err // a wait block could not be sent
	}
	if s.budget.isSpent() {
		s.over = publicErrorf(ErrBusy, "server is busy; try again later: to compare the file takes too long")
		return s.over
	}
	return nil
}

// newSum returns a hash for the content of a file.
func (s *session) newSum(f original, kind contentKind, name string, n int64) *sharedSum {
	key, ok := keyOf(kind, name, f.before, f.opened)
	return newSharedSum(&s.sums, key, n, ok)
}

// endTransfer counts the bytes of a transfer.
func (s *session) endTransfer(m *meter) {
	m.end()
	s.budget.moved += m.progress.Done - m.before
}
