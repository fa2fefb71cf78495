package main

import (
	"context"
	"io"
	"sync"
)

// A sharedInput is standard input for one connection after the other. A pending
// read of standard input outlives the connection for which it was made; its data
// is for the next one.
type sharedInput struct {
	chunks <-chan chunk

	mu   sync.Mutex // held by the turn that reads
	rest chunk
}

// A chunk is the result of a read. The error follows the data.
type chunk struct {
	data []byte
	err  error
}

// share begins to read a stream, until its end or that of the context. One chunk
// is read before it is needed.
func share(ctx context.Context, in io.Reader) *sharedInput {
	chunks := make(chan chunk)
	go func() {
		for err := error(nil); err == nil && ctx.Err() == nil; {
			buffer, n := make([]byte, 32<<10), 0
			n, err = in.Read(buffer)
			select {
			case chunks <- chunk{buffer[:n], err}:
			case <-ctx.Done():
			}
		}
	}()
	return &sharedInput{chunks: chunks}
}

// turn returns a reader for one connection.
func (s *sharedInput) turn() *inputTurn {
	return &inputTurn{input: s, ended: make(chan struct{})}
}

// An inputTurn reads a sharedInput until end is called.
type inputTurn struct {
	input *sharedInput
	ended chan struct{}
}

// end makes Read return io.EOF.
func (t *inputTurn) end() { close(t.ended) }

// Read implements [io.Reader].
func (t *inputTurn) Read(p []byte) (int, error) {
	t.input.mu.Lock()
	defer t.input.mu.Unlock()
	rest := &t.input.rest
	for len(rest.data) == 0 && rest.err == nil {
		select {
		case *rest = <-t.input.chunks:
		case <-t.ended:
			return 0, io.EOF
		}
	}
	select {
	case <-t.ended:
		return 0, io.EOF
	default:
	}
	if len(rest.data) == 0 {
		return 0, rest.err
	}
	n := copy(p, rest.data)
	rest.data = rest.data[n:]
	return n, nil
}
