package serial

import (
	"testing"
	"time"

	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

// The end of a connection must be noticed although neither side of the port moves:
// the peer's data waits for the port, and the instrument sends nothing.
func TestRelayRunNoticesEndWhileStalled(t *testing.T) {
	for _, drain := range []time.Duration{10 * time.Millisecond, 24 * time.Hour} {
		line, instrument := newLine()
		c := newCable(t)
		r := &Relay{Open: opens(line), Connect: c.connect, Drain: drain}
		ended := hosttest.InBackground(func() error { return r.Run(t.Context()) })
		peer := c.peer(t)
		send(t, peer, "last words")
		wantText(t, instrument, "last ")
		peer.Close()
		want := errStuck
		if drain > time.Hour { // the port recovers
			hosttest.AwaitSelecting(t, "(*session).lastReceived")
			wantText(t, instrument, "words")
			want = nil
		}
		if err := hosttest.Receive(t, ended); err != want {
			t.Errorf("with Drain %v: %v, want %v", drain, err, want)
		}
	}
}
