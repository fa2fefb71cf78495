package soak

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/filetransfer"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
	"github.com/go-rfcomm/rfcomm/rfcommtest"
)

// fileIdle is the file server's timeout for a silent client. It is short
// because the server serves one client at a time.
const fileIdle = 2 * time.Second

// The maximum sizes of a stream and of a file.
const (
	maxStream = 200_000
	maxFile   = 60_000
)

// A client is one device, which sends streams and transfers files concurrently.
type client struct {
	t          *testing.T
	number     int
	controller *rfcommtest.Controller
	server     *server

	// Counts of the streams.
	connections uint32
	whole, cut  int
	bytes       int64
	// Counts of the files.
	transferred, interrupted int
	// The most attempts that a connection and a transfer have taken.
	mostDials     atomic.Int64
	mostTransfers int
}

// The attempts after which a client gives up, because it has met a bug. There is
// no time limit, because a slow machine needs more time for each attempt. In ten
// minutes, connections took up to 11 attempts and transfers up to 17.
const (
	dialAttempts     = 100
	transferAttempts = 200
)

// A pause between two dials doubles, up to longestPause, which exceeds the
// duration of a fault: a dial from an unplugged adapter fails at once.
const (
	firstPause   = 20 * time.Millisecond
	longestPause = time.Second
)

func newClient(t *testing.T, number int, c *rfcommtest.Controller, s *server) *client {
	return &client{t: t, number: number, controller: c, server: s}
}

func (c *client) report() {
	c.t.Logf("client %d: %d streams whole, %d cut, %d bytes checked; %d files whole, %d attempts cut; at most %d attempts for a connection, %d for a transfer",
		c.number, c.whole, c.cut, c.bytes, c.transferred, c.interrupted, c.mostDials.Load(), c.mostTransfers)
}

// dial retries until it has a connection or has made all attempts.
func (c *client) dial(channel int) *rfcomm.Conn {
	d := rfcomm.Dialer{LocalAddr: rfcomm.Addr{Device: c.controller.Addr()}, Timeout: 10 * time.Second}
	var last error
	pause := firstPause
	for attempt := range dialAttempts {
		raise(&c.mostDials, attempt+1)
		conn, err := d.DialRFCOMM(c.t.Context(), c.server.address(channel))
		if err == nil {
			return conn
		}
		if c.t.Context().Err() != nil {
			break
		}
		last = err
		time.Sleep(pause)
		pause = min(2*pause, longestPause)
	}
	c.t.Errorf("client %d: no connection to channel %d in %d attempts: %v", c.number, channel, dialAttempts, last)
	return nil
}

// raise raises a maximum to n.
func raise(most *atomic.Int64, n int) {
	for old := most.Load(); int64(n) > old && !most.CompareAndSwap(old, int64(n)); old = most.Load() {
	}
}

// stream sends streams, one after the other, until the faults end, and then one
// more, which must be whole.
func (c *client) stream(faulty context.Context) {
	random := rand.New(rand.NewPCG(*seed, uint64(c.number)))
	for last := false; !last; {
		last = faulty.Err() != nil
		if err := c.oneStream(1+random.IntN(maxStream), last); err != nil && last {
			c.t.Errorf("client %d: after the faults: %v", c.number, err)
		}
	}
}

// oneStream sends bytes, checks the bytes that the server sends back, and
// checks that the server has received all.
func (c *client) oneStream(size int, last bool) error {
	conn := c.dial(streamChannel)
	if conn == nil {
		return errors.New("no connection")
	}
	defer conn.Close()
	c.connections++
	id := streamID{uint32(c.number), c.connections}
	head := binary.BigEndian.AppendUint32(nil, id.client)
	head = binary.BigEndian.AppendUint32(head, id.connection)
	if !last {
		// A fault may leave one end with a link that the other end
		// no longer has.
		conn.SetDeadline(time.Now().Add(20 * time.Second))
	}
	wrote := hosttest.InBackground(func() error {
		_, err := conn.Write(newPattern(id, toServer).after(head, size))
		return err
	})
	err := c.readBack(conn, id, size)
	if err != nil {
		conn.Close()
	}
	if wErr := hosttest.Receive(c.t, wrote); err == nil {
		err = wErr
	}
	if err != nil {
		c.cut++
		return err
	}
	if err := conn.Shutdown(c.t.Context()); err != nil {
		c.cut++
		return fmt.Errorf("shutdown: %w", err)
	}
	c.whole++
	hosttest.Eventually(c.t, "the server has seen the end of a stream", func() bool { _, ended := c.server.of(id); return ended })
	if got, _ := c.server.of(id); got.bytes != int64(size) {
		c.t.Errorf("client %d, connection %d: the server received %d bytes of %d (%v), but Shutdown confirmed all", id.client, id.connection, got.bytes, size, got.end)
	}
	return nil
}

// readBack checks the bytes that the server sends.
func (c *client) readBack(conn io.Reader, id streamID, size int) error {
	down := newPattern(id, toClient)
	buffer := make([]byte, 4096)
	for got := 0; got < size; {
		n, err := conn.Read(buffer[:min(len(buffer), size-got)])
		if wrong := down.check(buffer[:n]); wrong != nil {
			c.t.Errorf("client %d, connection %d, read at byte %d: %v", id.client, id.connection, got, wrong)
		}
		got += n
		c.bytes += int64(n)
		if err != nil {
			return fmt.Errorf("reading at byte %d of %d: %w", got, size, err)
		}
	}
	return nil
}

// files uploads a file and downloads it again, repeatedly, until the faults
// end, and then once more.
func (c *client) files(faulty context.Context) {
	random := rand.New(rand.NewPCG(*seed, uint64(100+c.number)))
	dir := c.t.TempDir()
	for round, last := 0, false; !last; round++ {
		last = faulty.Err() != nil
		name := fmt.Sprintf("client-%d-%d", c.number, round)
		content := newPattern(streamID{uint32(c.number), uint32(round)}, 2).fill(make([]byte, random.IntN(maxFile)))
		sent, got := filepath.Join(dir, name), filepath.Join(dir, name+".back")
		if err := os.WriteFile(sent, content, 0o600); err != nil {
			c.t.Error(err)
			return
		}
		stored := func(path string) bool {
			held, err := os.ReadFile(path)
			if err != nil || string(held) != string(content) {
				c.t.Errorf("client %d: %s should be whole but has %d bytes of %d, %v", c.number, path, len(held), len(content), err)
				return false
			}
			return true
		}
		done := c.untilWhole("upload of "+name, func(ctx context.Context, fc *filetransfer.Client) error {
			_, err := fc.Upload(ctx, sent, name)
			return err
		}) && stored(filepath.Join(c.server.dir, name)) &&
			c.untilWhole("download of "+name, func(ctx context.Context, fc *filetransfer.Client) error {
				_, err := fc.Download(ctx, name, got)
				return err
			}) && stored(got)
		if !done {
			return
		}
		c.transferred += 2
		for _, path := range []string{sent, got, filepath.Join(c.server.dir, name)} {
			os.Remove(path)
		}
	}
}

// untilWhole retries a transfer until it succeeds or has made all attempts.
func (c *client) untilWhole(what string, transfer func(ctx context.Context, fc *filetransfer.Client) error) bool {
	var last error
	for attempt := range transferAttempts {
		c.mostTransfers = max(c.mostTransfers, attempt+1)
		conn := c.dial(filesChannel)
		if conn == nil {
			return false
		}
		fc := filetransfer.NewClient(conn)
		fc.Busy = func() {} // the server may serve others first
		ctx, cancel := context.WithTimeout(c.t.Context(), time.Minute)
		last = transfer(ctx, fc)
		cancel()
		fc.Close()
		if last == nil {
			return true
		}
		c.interrupted++
	}
	c.t.Errorf("client %d: %s not done in %d attempts: %v", c.number, what, transferAttempts, last)
	return false
}
