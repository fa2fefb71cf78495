package btsocket

import (
	"errors"
	"os"
	"testing"
	"time"

	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

// counter is a Chunker that counts how often the send buffer was full.
type counter struct{ fulls int }

func (*counter) Next(rest int, _ bool) int { return rest }
func (*counter) Partial(int)               {}
func (c *counter) Full()                   { c.fulls++ }

func TestWriteCountsFullBufferOnce(t *testing.T) {
	fill := func(s *Socket) <-chan error {
		done := make(chan error, 1)
		go func() {
			_, err := s.Write(make([]byte, 4<<20))
			done <- err
		}()
		hosttest.AwaitPolling(t, "(*Socket).Write")
		return done
	}
	near, _ := unixPair(t)
	var chunks counter
	near.SetChunker(&chunks)
	write := fill(near)
	near.SetWriteDeadline(aLongTimeAgo)
	if err := hosttest.Receive(t, write); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatal(err)
	}
	near.SetWriteDeadline(time.Time{})
	write = fill(near) // the same buffer, still full
	near.Close()
	hosttest.Receive(t, write)
	if chunks.fulls != 1 {
		t.Errorf("the full buffer is counted %d times, want 1", chunks.fulls)
	}
}
