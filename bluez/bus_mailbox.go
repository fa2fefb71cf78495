package bluez

import (
	"context"
	"sync"
)

// A mailbox is a queue without a limit.
type mailbox[T any] struct {
	mu     sync.Mutex
	items  []T
	closed bool
	filled chan struct{} // capacity 1
}

func newMailbox[T any]() *mailbox[T] {
	return &mailbox[T]{filled: make(chan struct{}, 1)}
}

// put adds an item. It reports false if the mailbox is closed.
func (b *mailbox[T]) put(item T) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return false
	}
	b.items = append(b.items, item)
	select {
	case b.filled <- struct{}{}:
	default:
	}
	return true
}

// next removes the oldest item, for which it waits. One goroutine at a time may
// call it.
func (b *mailbox[T]) next(ctx context.Context) (item T, err error) {
	for {
		if err := ctx.Err(); err != nil {
			return item, err
		}
		b.mu.Lock()
		if len(b.items) > 0 {
			item, b.items = b.items[0], b.items[1:]
			b.mu.Unlock()
			return item, nil
		}
		b.mu.Unlock()
		select {
		case <-b.filled:
		case <-ctx.Done():
		}
	}
}

// close makes put fail, and returns the items that are left.
func (b *mailbox[T]) close() []T {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	items := b.items
	b.items = nil
	return items
}
