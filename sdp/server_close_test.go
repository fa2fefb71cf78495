package sdp

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

// serveListener serves a listener and returns it with the result of Serve.
func serveListener(s *Server) (*hosttest.PacketListener, <-chan error) {
	l := hosttest.ListenPackets(672, 48)
	return l, hosttest.InBackground(func() error { return s.Serve(l) })
}

// dialed returns a connection to a listener.
func dialed(t *testing.T, l *hosttest.PacketListener) *hosttest.PacketConn {
	t.Helper()
	c, err := l.Dial()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// askPart sends a request and returns the part of an answer in the response.
func askPart(t *testing.T, c net.Conn, r request) part {
	t.Helper()
	response, err := ask(t, c, r)
	if err != nil {
		t.Fatal(err)
	}
	p, err := parsePart(response)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestServerShutdown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := new(Server)
		for _, r := range testRecords(3) {
			add(t, s, r)
		}
		l, served := serveListener(s)
		idle, busy := dialed(t, l), dialed(t, l)
		r := searchAll
		r.continuation = askPart(t, busy, r).continuation
		synctest.Wait()
		begin := time.Now()
		down := hosttest.InBackground(func() error { return s.Shutdown(t.Context()) })
		wantEnd(t, idle)
		if err := <-served; err != ErrServerClosed {
			t.Errorf("Serve returned the error %v, want ErrServerClosed", err)
		}
		if _, err := l.Dial(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("the listener is still open: %v", err)
		}
		if response, err := ask(t, busy, searchAll); err != nil || response.id != errorResponse {
			t.Errorf("a new request gets the response %v, %v; want an error response", response, err)
		}
		for len(r.continuation) > 0 {
			synctest.Wait()
			select {
			case err := <-down:
				t.Fatalf("Shutdown did not wait: %v", err)
			default:
			}
			r.continuation = askPart(t, busy, r).continuation
		}
		wantEnd(t, busy)
		if err := <-down; err != nil || time.Since(begin) != 0 {
			t.Errorf("Shutdown returned the error %v after %v", err, time.Since(begin))
		}
		wantClosed(t, s)
	})
}

// wantClosed checks that a server accepts nothing.
func wantClosed(t *testing.T, s *Server) {
	t.Helper()
	_, served := serveListener(s)
	c, servedConn := startConn(s, 672)
	wantEnd(t, c)
	for _, err := range []error{<-served, <-servedConn} {
		if err != ErrServerClosed {
			t.Errorf("got the error %v, want ErrServerClosed", err)
		}
	}
	if err := s.Shutdown(t.Context()); err != nil {
		t.Errorf("the second Shutdown returned the error %v", err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("the second Close returned the error %v", err)
	}
}

func TestServerShutdownEndsWithContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := new(Server)
		add(t, s, NewSerialPort(strings.Repeat("x", 50), 1))
		c, served := startConn(s, 48)
		if _, err := ask(t, c, searchAll); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := s.Shutdown(ctx); err != context.DeadlineExceeded {
			t.Errorf("Shutdown returned the error %v", err)
		}
		s.Close()
		wantEnd(t, c)
		if err := <-served; err != ErrServerClosed {
			t.Errorf("ServeConn returned the error %v, want ErrServerClosed", err)
		}
		wantClosed(t, s)
	})
}

// A client that never asks for the rest of its answer delays Shutdown for as
// long as IdleTimeout.
func TestServerShutdownEndsIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &Server{IdleTimeout: 5 * time.Second}
		add(t, s, NewSerialPort(strings.Repeat("x", 50), 1))
		c, served := startConn(s, 48)
		if _, err := ask(t, c, searchAll); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		begin := time.Now()
		if err := s.Shutdown(t.Context()); err != nil {
			t.Errorf("Shutdown returned the error %v", err)
		}
		if waited := time.Since(begin); waited != 5*time.Second {
			t.Errorf("Shutdown waited %v", waited)
		}
		if err := <-served; err != ErrServerClosed {
			t.Errorf("ServeConn returned the error %v, want ErrServerClosed", err)
		}
	})
}

func TestServerClose(t *testing.T) {
	hosttest.CheckLeaksAtEnd(t)
	s := new(Server)
	l, served := serveListener(s)
	c := dialed(t, l)
	if _, err := ask(t, c, searchAll); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("Close returned the error %v", err)
	}
	wantEnd(t, c)
	if err := hosttest.Receive(t, served); err != ErrServerClosed {
		t.Errorf("Serve returned the error %v, want ErrServerClosed", err)
	}
	wantClosed(t, s)
}
