package soak

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"sync"
	"testing"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/filetransfer"
	"github.com/go-rfcomm/rfcomm/rfcommtest"
)

const (
	streamChannel = 1
	filesChannel  = 20
)

// A server accepts streams on one channel and serves files on another.
type server struct {
	t          *testing.T
	controller *rfcommtest.Controller
	streams    *rfcomm.Listener
	files      *filetransfer.Server
	dir        string
	background sync.WaitGroup

	mu       sync.Mutex
	received map[streamID]received
}

// A streamID identifies a connection of a client.
type streamID struct{ client, connection uint32 }

// received describes the part of a stream that the server has received.
type received struct {
	bytes int64
	end   error // of the last Read or Write
}

func newServer(t *testing.T, c *rfcommtest.Controller) *server {
	t.Helper()
	s := &server{t: t, controller: c, dir: t.TempDir(), received: make(map[streamID]received)}
	s.streams = s.listen(streamChannel)
	s.background.Go(s.accept)
	root, err := os.OpenRoot(s.dir)
	if err != nil {
		t.Fatal(err)
	}
	s.files = &filetransfer.Server{FS: root.FS(), Uploads: filetransfer.NewDir(root), Replace: true, IdleTimeout: fileIdle, Logger: slog.New(slog.DiscardHandler)}
	listener := s.listen(filesChannel)
	s.background.Go(func() {
		defer root.Close()
		if err := s.files.Serve(listener); !errors.Is(err, filetransfer.ErrServerClosed) {
			t.Errorf("the file server ended: %v", err)
		}
	})
	return s
}

func (s *server) listen(channel int) *rfcomm.Listener {
	l, err := new(rfcomm.ListenConfig).ListenRFCOMM(s.t.Context(), rfcomm.Addr{Device: s.controller.Addr(), Channel: channel})
	if err != nil {
		s.t.Fatal(err)
	}
	return l
}

func (s *server) address(channel int) rfcomm.Addr {
	return rfcomm.Addr{Device: s.controller.Addr(), Channel: channel}
}

func (s *server) close() {
	s.streams.Close()
	if err := s.files.Shutdown(context.Background()); err != nil {
		s.t.Errorf("the file server: %v", err)
	}
	s.background.Wait()
}

func (s *server) accept() {
	for {
		c, err := s.streams.Accept()
		if err != nil {
			if !errors.Is(err, net.ErrClosed) {
				s.t.Errorf("accepting: %v", err)
			}
			return
		}
		s.background.Go(func() {
			defer c.Close()
			s.serve(c)
		})
	}
}

// serve checks the bytes of a stream, and sends as many bytes of another
// pattern back.
func (s *server) serve(c io.ReadWriter) {
	var head [8]byte
	if _, err := io.ReadFull(c, head[:]); err != nil {
		return
	}
	id := streamID{binary.BigEndian.Uint32(head[:]), binary.BigEndian.Uint32(head[4:])}
	up, down := newPattern(id, toServer), newPattern(id, toClient)
	var total int64
	buffer, answer := make([]byte, 4096), make([]byte, 4096)
	var end error
	for end == nil {
		var n int
		n, end = c.Read(buffer)
		if err := up.check(buffer[:n]); err != nil {
			s.t.Errorf("client %d, connection %d, at byte %d: %v", id.client, id.connection, total, err)
		}
		total += int64(n)
		if end == nil {
			_, end = c.Write(down.fill(answer[:n]))
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.received[id] = received{total, end}
}

// of returns the received part of a stream, and whether the stream has ended.
func (s *server) of(id streamID) (received, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.received[id]
	return r, ok
}

// The directions of a stream.
const (
	toServer = iota
	toClient
)

// A pattern is a sequence of bytes that differs from all other patterns.
type pattern struct{ state uint64 }

func newPattern(id streamID, direction int) *pattern {
	return &pattern{uint64(id.client)<<33 ^ uint64(id.connection)<<1 ^ uint64(direction) ^ 0x9e3779b97f4a7c15}
}

// fill fills b with the next bytes of the pattern, and returns b.
func (p *pattern) fill(b []byte) []byte {
	for i := range b {
		p.state = p.state*6364136223846793005 + 1442695040888963407
		b[i] = byte(p.state >> 56)
	}
	return b
}

// after returns head followed by the next n bytes of the pattern.
func (p *pattern) after(head []byte, n int) []byte {
	return append(head, p.fill(make([]byte, n))...)
}

// check compares b with the next bytes of the pattern.
func (p *pattern) check(b []byte) error {
	want := p.fill(make([]byte, len(b)))
	if bytes.Equal(b, want) {
		return nil
	}
	for i := range b {
		if b[i] != want[i] {
			return fmt.Errorf("byte %d of %d is %#x instead of %#x", i, len(b), b[i], want[i])
		}
	}
	return nil
}
