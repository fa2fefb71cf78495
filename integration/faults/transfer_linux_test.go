package faults

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/filetransfer"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

const (
	// fileSize is the size of the transferred file. It exceeds the buffers of
	// both kernels, so that every fault strikes during the transfer.
	fileSize = 256 << 10

	// strikeAfter is the number of bytes that have been transferred when the
	// fault strikes, enough for the receiver to have stored a part.
	strikeAfter = 96 << 10

	// The idle timeouts of client and server: idleTimeout in cells in which one
	// of them never answers, and patience in the others.
	idleTimeout = 1500 * time.Millisecond
	patience    = 30 * time.Second

	fileName = "file"
)

var quiet = slog.New(slog.DiscardHandler)

// A transfer is one way to move a file between the two devices.
type transfer struct {
	// from and to return the directories that the file is copied from and to.
	from, to func(*exchange) string
	// move makes one attempt.
	move func(ctx context.Context, c net.Conn, e *exchange) error
	// resumes means that the next attempt resumes from the stored part.
	resumes bool
}

// An exchange is a file server at one device and a client at the other.
type exchange struct {
	*scenario
	offered, local string        // the directories of the server and of the client
	content        []byte        // of the file
	idle           time.Duration // the idle timeout of the next attempt

	listener *rfcomm.Listener
	served   chan error // the results of ServeConn
}

var (
	framedGet = &transfer{
		from: (*exchange).server, to: (*exchange).client, resumes: true,
		move: func(ctx context.Context, c net.Conn, e *exchange) error {
			client := filetransfer.NewClient(c)
			client.IdleTimeout = e.idle
			defer client.Close()
			_, err := client.Download(ctx, fileName, filepath.Join(e.local, fileName))
			return err
		},
	}
	framedPut = &transfer{
		from: (*exchange).client, to: (*exchange).server, resumes: true,
		move: func(ctx context.Context, c net.Conn, e *exchange) error {
			client := filetransfer.NewClient(c)
			client.IdleTimeout = e.idle
			defer client.Close()
			_, err := client.Upload(ctx, filepath.Join(e.local, fileName), fileName)
			return err
		},
	}
	plainGet = &transfer{
		from: (*exchange).server, to: (*exchange).client,
		move: func(ctx context.Context, c net.Conn, e *exchange) error {
			defer c.Close()
			client := filetransfer.NewClient(c)
			client.Plain = true
			client.IdleTimeout = e.idle
			var got bytes.Buffer
			_, err := client.Get(ctx, fileName, &got)
			if err != nil {
				return err
			}
			return os.WriteFile(filepath.Join(e.local, fileName), got.Bytes(), 0o600)
		},
	}
)

func (e *exchange) server() string { return e.offered }
func (e *exchange) client() string { return e.local }

// newExchange returns an exchange with its directories and the file to
// transfer.
func (s *scenario) newExchange(m *transfer) *exchange {
	s.Helper()
	e := &exchange{scenario: s, offered: s.TempDir(), local: s.TempDir(), content: make([]byte, fileSize), served: make(chan error, 100)}
	rand.Read(e.content)
	e.idle = patience
	if s.fault == stallForEver || s.fault == neverReads {
		e.idle = idleTimeout
	}
	s.must(os.WriteFile(filepath.Join(m.from(e), fileName), e.content, 0o600))
	return e
}

// listen listens on an address for the server. It does not serve yet.
func (e *exchange) listen(address rfcomm.Addr) {
	e.Helper()
	l, err := new(rfcomm.ListenConfig).ListenRFCOMM(e.Context(), address)
	e.must(err)
	e.listener = l
	e.atEnd(func() { l.Close() })
}

// serve serves until the end of the scenario. If wrap is not nil, serve wraps
// the first connection with it.
func (e *exchange) serve(wrap func(*rfcomm.Conn) net.Conn) {
	e.Helper()
	root, err := os.OpenRoot(e.offered)
	e.must(err)
	e.atEnd(func() { root.Close() })
	server := &filetransfer.Server{FS: root.FS(), Uploads: filetransfer.NewDir(root), Replace: true, Logger: quiet, IdleTimeout: e.idle}
	ctx, cancel := context.WithCancel(context.Background())
	e.running.Go(func() {
		for {
			c, err := e.listener.AcceptRFCOMM()
			if err != nil {
				return
			}
			keepLittle(e, c)
			if wrap == nil {
				e.served <- server.ServeConn(ctx, c)
				continue
			}
			e.served <- server.ServeConn(ctx, wrap(c))
			wrap = nil
		}
	})
	e.atEnd(cancel)
}

// dialServer connects the client.
func (e *exchange) dialServer(address rfcomm.Addr) *watchedConn {
	e.Helper()
	ctx, cancel := context.WithTimeout(e.Context(), anewWithin)
	defer cancel()
	c, err := dial(ctx, e.near, address)
	e.must(err)
	keepLittle(e, c)
	return &watchedConn{Conn: e.closing(c)}
}

// held returns the number of stored bytes of the file.
func (e *exchange) held(m *transfer) int64 {
	for _, name := range []string{fileName, fileName + ".part"} {
		if stat, err := os.Stat(filepath.Join(m.to(e), name)); err == nil {
			return stat.Size()
		}
	}
	return 0
}

// whole reports whether the file is complete, and checks its content.
func (e *exchange) whole(m *transfer) bool {
	e.Helper()
	got, err := os.ReadFile(filepath.Join(m.to(e), fileName))
	if errors.Is(err, os.ErrNotExist) {
		return false
	}
	e.must(err)
	if sha256.Sum256(got) != sha256.Sum256(e.content) {
		e.Errorf("the file has %d bytes that differ from the %d that were sent", len(got), len(e.content))
	}
	return true
}

// protocolSize exceeds the bytes of a transfer besides the file's content.
const protocolSize = 24 << 10

// again makes the next attempt, which must complete the file. If a part of the
// file is stored, the attempt must resume from it. The parameter stored means
// that the last attempt must have stored a part.
func (e *exchange) again(m *transfer, address rfcomm.Addr, stored bool) {
	e.Helper()
	held := e.held(m)
	if stored && m.resumes && held == 0 {
		e.Error("no received data was stored")
	}
	e.idle = patience
	c := e.dialServer(address)
	ctx, cancel := context.WithTimeout(e.Context(), 2*time.Minute)
	defer cancel()
	if err := m.move(ctx, c, e); err != nil {
		e.Errorf("the next attempt: %v", err)
		return
	}
	if !e.whole(m) {
		e.Error("the next attempt succeeded without a file")
	}
	if m.resumes {
		e.Logf("%d of %d bytes were stored, and %d were transferred", held, fileSize, c.carried())
		if c.carried() > fileSize-held+protocolSize {
			e.Errorf("%d bytes were transferred although %d of %d were stored", c.carried(), held, fileSize)
		}
	}
}

// runTransfer runs a cell of a client whose server is at the peer's device.
func runTransfer(s *scenario, m *transfer) {
	e := s.newExchange(m)
	address := e.childAddress(e.far)
	gate := make(chan struct{})
	openGate := sync.OnceFunc(func() { close(gate) })
	s.atEnd(openGate)
	switch s.fault {
	case killed:
		s.startChild("serve", address.String(), e.offered)
	case rubbish:
		e.listen(address)
		e.running.Go(func() { e.serveRubbish() })
	case neverReads:
		e.listen(address)
		after := 0 // do not even read the request
		if m == framedPut {
			after = strikeAfter
		}
		e.serve(func(c *rfcomm.Conn) net.Conn { return &gatedConn{c, after, gate} })
	default:
		e.listen(address)
		e.serve(nil)
	}
	c := e.dialServer(address)
	started := make(chan struct{})
	switch s.fault {
	case neverReads, rubbish:
		s.strike()
		close(started)
	case wrongFrames:
		p := s.rawPeer()
		p.session()
		c.after, c.reached = strikeAfter, func() {
			s.strike()
			p.sendAllMalformed(2)
			close(started)
		}
	default:
		c.after, c.reached = strikeAfter, func() { s.strike(); close(started) }
	}
	moved := hosttest.InBackground(func() error { return m.move(s.Context(), c, e) })
	s.await(s.begun(started, moved))
	openGate()
	if whole := e.whole(m); whole && s.err != nil && m.to(e) == e.local || !whole && s.err == nil {
		s.Errorf("the result is %v, but the file is complete: %v", s.err, whole)
	}
	s.revert(s.T)
	switch {
	case s.err == nil:
		return
	case s.fault == rubbish:
		e.listener.Close()
	case s.fault != killed:
		s.Logf("the server: %v", hosttest.Receive(s, e.served))
	}
	if s.fault == killed || s.fault == rubbish {
		address = s.childAddress(s.far)
		e.listen(address)
		e.serve(nil)
	}
	stored := s.fault != rubbish && (s.fault != neverReads || m == framedPut)
	if e.whole(m) { // only its confirmation was lost
		s.must(os.Remove(filepath.Join(m.to(e), fileName)))
		stored = false
	}
	e.again(m, address, stored)
}

// begun waits until the fault has struck a transfer. The returned channel
// receives the transfer's result, which may have arrived at the same time.
func (s *scenario) begun(struck <-chan struct{}, ended <-chan error) <-chan error {
	s.Helper()
	select {
	case <-struck:
		return ended
	case err := <-ended:
		if !s.striking.Load() {
			s.Fatalf("it ended before the fault: %v", err)
		}
		<-struck
		return returned(err)
	}
}

// serveRubbish sends meaningless data to one client.
func (e *exchange) serveRubbish() {
	c, err := e.listener.AcceptRFCOMM()
	if err != nil {
		return
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(anewWithin))
	c.Write(bytes.Repeat([]byte("rubbish\r\n"), 1000))
	io.Copy(io.Discard, c) // until the client closes
}
