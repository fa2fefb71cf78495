package btsocket

import "context"

// Await returns the result of f, or ctx.Err() as soon as ctx is done. It runs f,
// which can be stuck in the kernel, on a goroutine that it then leaves behind.
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
