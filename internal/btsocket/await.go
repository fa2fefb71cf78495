package btsocket

import "context"

// Await returns the result of f, or ctx.Err() as soon as ctx is done. f may be
// stuck in the kernel, so Await runs it on a goroutine, and leaves that behind
// if ctx is done first.
func Await[T any](ctx context.Context, f func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		value, err := f()
		done <- result{value, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}
