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
	// fileSize is that of the file that is transferred. It is more than what both
	// kernels hold of it, so that no fault comes too late.
	fileSize = 256 << 10

	// strikeAfter is how much of it has gone when the fault comes: enough for whoever
	// receives it to have kept some.
	strikeAfter = 96 << 10

	// How long a client and a server wait for each other here: where one of them is
	// silent for good, and else.
	idleTimeout = 1500 * time.Millisecond
	patience    = 10 * time.Second

	fileName = "file"
)

var quiet = slog.New(slog.DiscardHandler)

// A transfer is one way to move a file between the two devices.
type transfer struct {
	// from and to tell in which folder the file is, and where it comes to.
	from, to func(*exchange) string
	// move makes one attempt.
	move func(ctx context.Context, c net.Conn, e *exchange) error
	// resumes tells whether the next attempt goes on from what has come.
	resumes bool
}

// An exchange is a server of files at one device, and a client at the other.
type exchange struct {
	*scene
	offered, local string // the folders of the server and of the client
	content        []byte
	idle           time.Duration // of the attempt that meets the fault

	listener *rfcomm.Listener
	served   chan error // how ServeConn ended, for each client
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
			return client.Upload(ctx, filepath.Join(e.local, fileName), fileName)
		},
	}
	plainGet = &transfer{
		from: (*exchange).server, to: (*exchange).client,
		move: func(ctx context.Context, c net.Conn, e *exchange) error {
			defer c.Close()
			var got bytes.Buffer
			_, err := filetransfer.Fetch(ctx, c, fileName, &got)
			if err != nil {
				return err
			}
			return os.WriteFile(filepath.Join(e.local, fileName), got.Bytes(), 0o600)
		},
	}
)

func (e *exchange) server() string { return e.offered }
func (e *exchange) client() string { return e.local }

// newExchange makes the folders, and the file where it comes from.
func (s *scene) newExchange(m *transfer) *exchange {
	s.Helper()
	e := &exchange{scene: s, offered: s.TempDir(), local: s.TempDir(), content: make([]byte, fileSize), served: make(chan error, 100)}
	rand.Read(e.content)
	e.idle = patience
	if s.fault == stallForEver || s.fault == neverReads {
		e.idle = idleTimeout
	}
	s.must(os.WriteFile(filepath.Join(m.from(e), fileName), e.content, 0o600))
	return e
}

// listen has a server listen at a device; serving it is another matter.
func (e *exchange) listen(address rfcomm.Addr) {
	e.Helper()
	l, err := new(rfcomm.ListenConfig).ListenRFCOMM(e.Context(), address)
	e.must(err)
	e.listener = l
	e.atEnd(func() { l.Close() })
}

// serve serves until the end. Connections are changed by wrap, if it is not nil.
func (e *exchange) serve(wrap func(*rfcomm.Conn) net.Conn) {
	e.Helper()
	root, err := os.OpenRoot(e.offered)
	e.must(err)
	e.atEnd(func() { root.Close() })
	server := &filetransfer.Server{FS: root.FS(), Uploads: root, Logger: quiet, IdleTimeout: e.idle}
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

// held returns how much of the file is where it comes to.
func (e *exchange) held(m *transfer) int64 {
	for _, name := range []string{fileName, fileName + ".part"} {
		if stat, err := os.Stat(filepath.Join(m.to(e), name)); err == nil {
			return stat.Size()
		}
	}
	return 0
}

// whole reports whether the file is where it comes to, and checks it.
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

// protocolSize is more than what a transfer carries besides the file.
const protocolSize = 24 << 10

// again makes the next attempt, which must go on from what has come, if anything has,
// and make the file whole.
func (e *exchange) again(m *transfer, address rfcomm.Addr, came bool) {
	e.Helper()
	held := e.held(m)
	if came && m.resumes && held == 0 {
		e.Error("nothing was kept of what had come")
	}
	e.idle = patience
	c := e.dialServer(address)
	ctx, cancel := context.WithTimeout(e.Context(), time.Minute)
	defer cancel()
	if err := m.move(ctx, c, e); err != nil {
		e.Errorf("the next attempt: %v", err)
		return
	}
	if !e.whole(m) {
		e.Error("the next attempt has succeeded, and there is no file")
	}
	if m.resumes {
		e.Logf("of %d bytes %d were there, and %d were carried", fileSize, held, c.carried())
		if c.carried() > fileSize-held+protocolSize {
			e.Errorf("%d bytes were carried, although %d of %d were there", c.carried(), held, fileSize)
		}
	}
}

// playTransfer plays a cell of a client, whose server is at the peer's device.
func playTransfer(s *scene, m *transfer) {
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
		after := 0 // nothing is read, not even the request
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
		p := s.speaker(s.third, s.near)
		p.session()
		c.after, c.reached = strikeAfter, func() {
			s.strike()
			p.sayAllMalformed(2)
			close(started)
		}
	default:
		c.after, c.reached = strikeAfter, func() { s.strike(); close(started) }
	}
	moved := hosttest.InBackground(func() error { return m.move(s.Context(), c, e) })
	s.await(s.begun(started, moved))
	openGate()
	if whole := e.whole(m); whole && s.err != nil && m.to(e) == e.local || !whole && s.err == nil {
		s.Errorf("the result is %v; that the file is there is %v", s.err, whole)
	}
	s.mend(s.T)
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
	came := s.fault != rubbish && (s.fault != neverReads || m == framedPut)
	if e.whole(m) { // and it was only not confirmed
		s.must(os.Remove(filepath.Join(m.to(e), fileName)))
		came = false
	}
	e.again(m, address, came)
}

// begun waits until the fault has struck a transfer. The returned channel
// receives the transfer's result, which may have arrived at the same time.
func (s *scene) begun(struck <-chan struct{}, ended <-chan error) <-chan error {
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

// serveRubbish says nothing of sense to one client.
func (e *exchange) serveRubbish() {
	c, err := e.listener.AcceptRFCOMM()
	if err != nil {
		return
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(anewWithin))
	c.Write(bytes.Repeat([]byte("rubbish\r\n"), 1000))
	io.Copy(io.Discard, c) // the client hangs up
}
