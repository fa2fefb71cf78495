package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"
)

// A closer is a connection with a Shutdown, as rfcomm.Conn has.
type closer struct {
	net.Conn
	shutdown  func() // or nil
	shutdowns int
	err       error // of Shutdown
}

func (c *closer) Shutdown(context.Context) error {
	c.shutdowns++
	if c.shutdown != nil {
		c.shutdown()
	}
	c.Conn.Close()
	return c.err
}

// startCopier returns a copier between a stream and a peer, and its output.
func startCopier(in io.Reader, wait time.Duration) (c *copier, conn *closer, peer net.Conn, out *bytes.Buffer) {
	near, peer := net.Pipe()
	conn, out = &closer{Conn: near}, new(bytes.Buffer)
	return &copier{conn: conn, in: in, out: out, wait: wait}, conn, peer, out
}

// ends checks how long a copier runs, and the result.
func (c *copier) ends(t *testing.T, want error, after time.Duration) {
	t.Helper()
	began := time.Now()
	if err := c.run(t.Context()); !errors.Is(err, want) {
		t.Errorf("run returned %v, want %v", err, want)
	}
	if took := time.Since(began); took != after {
		t.Errorf("it took %v, want %v", took, after)
	}
}

func TestCopierWaitsForSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, conn, peer, out := startCopier(strings.NewReader("question"), 5*time.Second)
		go func() {
			question := make([]byte, len("question"))
			io.ReadFull(peer, question)
			for range 3 {
				time.Sleep(4 * time.Second)
				io.WriteString(peer, "answer ")
			}
		}()
		c.ends(t, nil, 17*time.Second)
		if conn.shutdowns != 1 || !c.confirmed || out.String() != "answer answer answer " {
			t.Errorf("%d shutdowns, output %q", conn.shutdowns, out)
		}
	})
}

// A slow device receives for longer than the time of silence, and then answers.
func TestCopierWaitsWhileKernelSends(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _, peer, out := startCopier(strings.NewReader("question"), 5*time.Second)
		began := time.Now()
		c.unsent = func() int { return max(0, 30-int(time.Since(began).Seconds())) }
		go func() {
			io.ReadFull(peer, make([]byte, len("question")))
			time.Sleep(34 * time.Second)
			io.WriteString(peer, "answer")
		}()
		c.ends(t, nil, 39*time.Second)
		if out.String() != "answer" {
			t.Errorf("output %q", out)
		}
	})
}

// A peer that does not read delays the end by no more than the time of silence.
func TestCopierEndsWhenPeerStalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, conn, peer, _ := startCopier(strings.NewReader("question"), 5*time.Second)
		c.unsent = func() int { return 30 }
		go io.Copy(io.Discard, peer)
		c.ends(t, nil, 5*time.Second)
		if conn.shutdowns != 1 {
			t.Errorf("%d shutdowns", conn.shutdowns)
		}
	})
}

// A program that waits for its turn shortens the silence, unless the device is to
// close the connection.
func TestCopierHurriesForNextProgram(t *testing.T) {
	for wait, want := range map[time.Duration]time.Duration{
		5 * time.Second:        3*time.Second + turnTime,
		500 * time.Millisecond: 500 * time.Millisecond,
		-1:                     time.Hour,
	} {
		synctest.Test(t, func(t *testing.T) {
			c, _, peer, _ := startCopier(strings.NewReader("question"), wait)
			began := time.Now()
			c.waiting = func() bool { return time.Since(began) >= 3*time.Second }
			go io.Copy(io.Discard, peer)
			time.AfterFunc(time.Hour, func() { peer.Close() })
			c.ends(t, nil, want)
		})
	}
}

func TestCopierWaitsForOpenInput(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in, user := io.Pipe()
		c, conn, peer, _ := startCopier(in, time.Second)
		go io.Copy(io.Discard, peer)
		go func() {
			time.Sleep(time.Hour)
			io.WriteString(user, "x")
			time.Sleep(time.Hour)
			user.Close()
		}()
		c.ends(t, nil, 2*time.Hour+time.Second)
		if conn.shutdowns != 1 || c.sent.Load() != 1 {
			t.Errorf("%d shutdowns, %d bytes sent", conn.shutdowns, c.sent.Load())
		}
	})
}

func TestCopierEndsWhenPeerCloses(t *testing.T) {
	for name, tt := range map[string]struct {
		open  bool // the input
		wait  time.Duration
		after time.Duration // the close
	}{
		"open input":    {true, time.Second, idleTime},
		"ended input":   {false, 2 * time.Hour, 0},
		"negative wait": {false, -1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				in, user := io.Pipe()
				if !tt.open {
					user.Close()
				}
				defer user.Close()
				c, conn, peer, out := startCopier(in, tt.wait)
				go func() {
					io.WriteString(peer, "data")
					time.Sleep(time.Hour)
					peer.Close()
				}()
				c.ends(t, nil, time.Hour+tt.after)
				if conn.shutdowns != 0 || out.String() != "data" {
					t.Errorf("%d shutdowns, output %q", conn.shutdowns, out)
				}
			})
		})
	}
}

// A slowWriter returns from Write when the connection is closed at this end.
type slowWriter struct {
	*closer
	closed chan struct{}
}

func (w *slowWriter) Write(p []byte) (int, error) {
	n, err := w.closer.Write(p)
	<-w.closed
	return n, err
}

func (w *slowWriter) Close() error {
	err := w.closer.Close()
	select {
	case <-w.closed:
	default:
		close(w.closed)
	}
	return err
}

// The peer closes the connection in answer to bytes whose Write has not returned
// yet. The input stays open and idle.
func TestCopierEndsWhenPeerAnswersFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in, user := io.Pipe()
		defer user.Close()
		c, conn, peer, out := startCopier(in, time.Second)
		c.conn = &slowWriter{conn, make(chan struct{})}
		go io.WriteString(user, "question")
		go func() {
			io.ReadFull(peer, make([]byte, len("question")))
			io.WriteString(peer, "answer")
			peer.Close()
		}()
		c.ends(t, nil, idleTime)
		if c.sent.Load() != int64(len("question")) || out.String() != "answer" {
			t.Errorf("%d bytes sent, output %q", c.sent.Load(), out)
		}
	})
}

func TestCopierReportsEarlyClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _, peer, _ := startCopier(strings.NewReader("question"), time.Minute)
		go func() {
			synctest.Wait() // the copier is in a Write
			peer.Close()
		}()
		c.ends(t, errClosedEarly, 0)
	})
}

func TestCopierReportsUnreadFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file, disk := io.Pipe()
		c, _, peer, _ := startCopier(file, time.Minute)
		c.finite = true
		go func() {
			peer.Close()
			synctest.Wait() // the copier has noticed it
			io.WriteString(disk, "more")
			disk.Close()
		}()
		c.ends(t, errClosedEarly, 0)
	})
}

func TestCopierReportsUnconfirmedData(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		unconfirmed := errors.New("unconfirmed")
		for text, want := range map[string]error{"": nil, "data": unconfirmed} {
			c, conn, peer, _ := startCopier(strings.NewReader(text), 0)
			conn.err = unconfirmed
			go io.Copy(io.Discard, peer)
			c.ends(t, want, 0)
			if conn.shutdowns != 1 || c.confirmed {
				t.Errorf("%d shutdowns, confirmed: %v", conn.shutdowns, c.confirmed)
			}
		}
	})
}

func TestCopierEndsWithContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in, user := io.Pipe()
		defer user.Close()
		c, conn, peer, _ := startCopier(in, time.Minute)
		reason := errors.New("reason")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Hour, func() { cancel(reason) })
		if err := c.run(ctx); err != reason {
			t.Errorf("run returned %v", err)
		}
		if n, err := peer.Read(make([]byte, 1)); err != io.EOF || conn.shutdowns != 0 {
			t.Errorf("the peer reads %d, %v; %d shutdowns", n, err, conn.shutdowns)
		}
	})
}

func TestCopierEndsWhenReaderIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in, user := io.Pipe()
		defer user.Close()
		c, _, _, _ := startCopier(in, time.Minute)
		gone := make(chan struct{})
		c.outGone = gone
		time.AfterFunc(time.Hour, func() { close(gone) })
		c.ends(t, errReaderGone, time.Hour)
	})
}

func TestCopierReportsStreamErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("broken")
		c, _, _, _ := startCopier(iotest.ErrReader(broken), time.Minute)
		c.ends(t, broken, 0)

		in, user := io.Pipe()
		defer user.Close()
		c, _, peer, _ := startCopier(in, time.Minute)
		c.out = writerFunc(func([]byte) (int, error) { return 0, broken })
		go io.WriteString(peer, "data")
		c.ends(t, broken, 0)
	})
}

func TestCopierReportsLostOutput(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("broken")
		in, user := io.Pipe()
		c, conn, peer, _ := startCopier(in, 0)
		writing := make(chan struct{})
		c.out = writerFunc(func([]byte) (int, error) {
			user.Close() // during the Write
			<-writing
			return 0, broken
		})
		conn.shutdown = func() { close(writing) }
		go io.WriteString(peer, "data")
		c.ends(t, broken, 0)
	})
}

// A writerFunc is the Write of a stream.
type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// A write error alone does not show why the connection ended, and received data
// may still be unread.
func TestCopierReadsAfterWriteError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, conn, peer, out := startCopier(strings.NewReader("question"), time.Minute)
		c.conn = &writeFails{closer: conn}
		go func() {
			synctest.Wait() // the Write has failed
			io.WriteString(peer, "answer")
			peer.Close()
		}()
		c.ends(t, errClosedEarly, 0)
		if out.String() != "answer" {
			t.Errorf("output %q", out)
		}
	})
}

// A writeFails is a connection whose Write fails.
type writeFails struct{ *closer }

func (*writeFails) Write([]byte) (int, error) { return 0, errors.New("connection reset") }
