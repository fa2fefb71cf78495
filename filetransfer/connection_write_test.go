package filetransfer_test

import (
	"bytes"
	"errors"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-rfcomm/rfcomm/filetransfer"
)

// A bufferedConn is a connection to a peer that reads nothing. Its kernel
// buffer accepts some bytes of each new Write, a few times.
type bufferedConn struct {
	net.Conn
	room     int // number of Writes with room in the buffer
	deadline time.Time
}

func (c *bufferedConn) SetWriteDeadline(t time.Time) error {
	c.deadline = t
	return c.Conn.SetWriteDeadline(t)
}

func (c *bufferedConn) Write(p []byte) (int, error) {
	if len(p) < 2<<10 { // requests pass
		return c.Conn.Write(p)
	}
	n := 0
	if c.room > 0 {
		c.room--
		n = 1 << 10
	}
	time.Sleep(time.Until(c.deadline))
	return n, os.ErrDeadlineExceeded
}

func TestWriteTimesOutDespiteBufferingKernel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := net.Pipe()
		p := newRawPeer(t, server)
		p.Go(func() {
			p.send(filetransfer.Prompt)
			p.readWord("put")
			p.send(message("ready"))
			p.readWord("from")
			p.readRest()
		})
		c := filetransfer.NewClient(&bufferedConn{Conn: client, room: 2})
		defer c.Close()
		began := time.Now()
		err := doPut(t.Context(), c, "new", bytes.NewReader(make([]byte, 1<<20)), filetransfer.Info{Size: 1 << 20})
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		if took := time.Since(began); took > 50*time.Second {
			t.Errorf("it took %v with an IdleTimeout of 30 s", took)
		}
	})
}
