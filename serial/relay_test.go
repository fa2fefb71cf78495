package serial

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

var (
	errNoMore   = errors.New("there is no other port")
	errCanceled = errors.New("the test has ended")
)

// start runs a relay in the background. The cancel function ends it with
// errCanceled.
func start(t *testing.T, r *Relay) (ended <-chan error, cancel func()) {
	t.Helper()
	ctx, cancelCause := context.WithCancelCause(t.Context())
	return hosttest.InBackground(func() error { return r.Run(ctx) }), func() { cancelCause(errCanceled) }
}

// connect is like start, and waits until the relay is connected. The port discards
// earlier data.
func connect(t *testing.T, r *Relay) (ended <-chan error, cancel func()) {
	t.Helper()
	connected := make(chan struct{})
	report := r.Report
	r.Report = func(e Event) {
		if report != nil {
			report(e)
		}
		if e.State == StateConnected {
			close(connected)
		}
	}
	ended, cancel = start(t, r)
	<-connected
	return ended, cancel
}

// serve is like start for Serve.
func serve(t *testing.T, r *Relay, l net.Listener) (ended <-chan error, cancel func()) {
	t.Helper()
	ctx, cancelCause := context.WithCancelCause(t.Context())
	return hosttest.InBackground(func() error { return r.Serve(ctx, l) }), func() { cancelCause(errCanceled) }
}

func TestRelayRunCopiesBothWays(t *testing.T) {
	const size = 4 << 20
	line, instrument := newLine()
	conn, peer := net.Pipe()
	r := &Relay{Open: opens(line), Connect: connects(conn)}
	hosttest.LeavesNothingBehind(t, func() {
		ended, _ := connect(t, r)
		toPeer, toPort := make([]byte, size), make([]byte, size)
		rand.Read(toPeer)
		rand.Read(toPort)
		go instrument.Write(toPeer)
		go peer.Write(toPort)
		received := hosttest.InBackground(func() []byte {
			data := make([]byte, size)
			io.ReadFull(instrument, data)
			return data
		})
		data := make([]byte, size)
		io.ReadFull(peer, data)
		if !bytes.Equal(data, toPeer) || !bytes.Equal(<-received, toPort) {
			t.Error("the data has changed")
		}
		peer.Close()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	if got := r.Stats(); got != (Stats{Connections: 1, Sent: size, Received: size}) {
		t.Errorf("the statistics are %+v", got)
	}
}

func TestRelayRunDrainsPortAtEnd(t *testing.T) {
	line, instrument := newLine()
	conn, peer := net.Pipe()
	var order []string
	line.drain = func() error { order = append(order, "drain"); return nil }
	log := &eventLog{}
	r := &Relay{Open: opens(line), Connect: connects(conn), Report: log.report}
	ended, _ := start(t, r)
	send(t, peer, "last words")
	peer.Close()
	wantText(t, instrument, "last words")
	if _, err := instrument.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("the port ends with %v", err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if len(order) != 1 {
		t.Errorf("the port was drained %d times", len(order))
	}
	log.wantStates(t, StateOpen, StateConnected, StateDisconnected, StateClosed)
	if e := log.of(StateDisconnected)[0]; e.Err != io.EOF || e.Name != "/dev/ttyFAKE" {
		t.Errorf("the end is reported as %+v", e)
	}
}

func TestRelayRunReturnsLostLink(t *testing.T) {
	line, _ := newLine()
	conn, peer := net.Pipe()
	r := &Relay{
		Open:    opens(line),
		Connect: connects(&endConn{Conn: conn, err: os.NewSyscallError("read", syscall.ETIMEDOUT)}),
	}
	ended, _ := start(t, r)
	peer.Close()
	hosttest.WantErrno(t, <-ended, syscall.ETIMEDOUT)
}

func TestRelayRunReturnsFirstFailures(t *testing.T) {
	errOpen, errDial := errors.New("no port"), errors.New("no peer")
	r := &Relay{
		Open:    func(context.Context) (Line, error) { return nil, errOpen },
		Connect: func(context.Context) (net.Conn, error) { t.Error("dialed without a port"); return nil, errDial },
		Keep:    true,
	}
	if err := r.Run(t.Context()); err != errOpen {
		t.Errorf("without a port: %v", err)
	}
	line, instrument := newLine()
	r = &Relay{
		Open:    opens(line),
		Connect: func(context.Context) (net.Conn, error) { return nil, errDial },
	}
	if err := r.Run(t.Context()); err != errDial {
		t.Errorf("without a peer: %v", err)
	}
	if _, err := instrument.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("the port is still open: %v", err)
	}
}

func TestRelayRunRefusesBadFields(t *testing.T) {
	dial, open := connects(), opens()
	for _, c := range []struct {
		relay *Relay
		want  string
	}{
		{&Relay{Connect: dial}, "without Open"},
		{&Relay{Open: open}, "without Connect"},
		{&Relay{Open: open, Connect: dial, Drain: -time.Second}, "invalid Drain -1s"},
	} {
		if err := c.relay.Run(t.Context()); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("the error is %v, want one with %q", err, c.want)
		}
	}
}

// A stuck instrument and a peer that reads nothing must not hold up the end.
func TestRelayRunEndsWithContext(t *testing.T) {
	line, instrument := newLine()
	conn, peer := net.Pipe()
	r := &Relay{Open: opens(line), Connect: connects(conn), Keep: true}
	hosttest.LeavesNothingBehind(t, func() {
		ended, cancel := connect(t, r)
		send(t, peer, "x")
		send(t, instrument, "y")
		cancel()
		if err := <-ended; err != errCanceled {
			t.Errorf("the error is %v", err)
		}
	})
}

func TestRelayRunBoundsBuffers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		line, instrument := newLine()
		conn, peer := net.Pipe()
		r := &Relay{Open: opens(line), Connect: connects(conn)}
		ended, cancel := connect(t, r)
		for _, end := range []net.Conn{instrument, peer} {
			end.SetWriteDeadline(time.Now().Add(time.Minute))
			if n, err := end.Write(make([]byte, 1<<20)); n > 16<<10 || !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("wrote %d bytes, %v, although nobody reads", n, err)
			}
		}
		cancel()
		<-ended
	})
}

func TestRelayRunShutsDownAfterPort(t *testing.T) {
	lost := errors.New("unconfirmed")
	for _, c := range []struct {
		text string
		err  error
		want error
	}{
		{"", lost, nil}, // nothing to confirm
		{"reading", nil, nil},
		{"reading", lost, lost},
	} {
		line, instrument := newLine()
		conn, peer := net.Pipe()
		r := &Relay{
			Open:    opens(line),
			Connect: connects(&endConn{Conn: conn, shutdown: func(context.Context) error { return c.err }}),
		}
		ended, _ := connect(t, r)
		go func() { instrument.Write([]byte(c.text)); instrument.Close() }()
		wantText(t, peer, c.text)
		if err := <-ended; err != c.want {
			t.Errorf("after %q and %v: %v, want %v", c.text, c.err, err, c.want)
		}
	}
}

func TestRelayRunBoundsShutdown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		line, instrument := newLine()
		conn, peer := net.Pipe()
		hang := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
		r := &Relay{Open: opens(line), Connect: connects(&endConn{Conn: conn, shutdown: hang})}
		ended, _ := connect(t, r)
		go instrument.Write([]byte("x"))
		wantText(t, peer, "x")
		began := time.Now()
		instrument.Close()
		if err := <-ended; !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != defaultDrain {
			t.Errorf("the error is %v after %v", err, time.Since(began))
		}
	})
}

// close(2) of a port can wait for data that the hardware cannot send.
func TestRelayRunBoundsClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		line, _ := newLine()
		hang := make(chan struct{})
		conn, _ := net.Pipe()
		r := &Relay{Open: opens(&hangingLine{line, hang}), Connect: connects(conn)}
		ended, cancel := connect(t, r)
		began := time.Now()
		cancel()
		if err := <-ended; err != errCanceled || time.Since(began) != defaultDrain {
			t.Errorf("the error is %v after %v", err, time.Since(began))
		}
		close(hang)
	})
}

// The kernel holds data that the peer sent before it closed the connection. A slow
// port gets all of it, although a Write to the connection has failed.
func TestRelayRunAwaitsSlowPort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		line, instrument := newLine()
		data := make([]byte, 64<<10)
		rand.Read(data)
		conn := &closedConn{received: bytes.NewReader(data)}
		r := &Relay{Open: opens(line), Connect: connects(conn)}
		ended, _ := connect(t, r)
		send(t, instrument, "y")
		got := make([]byte, len(data))
		for i := 0; i < len(got); i += 4 << 10 {
			time.Sleep(defaultDrain - time.Second)
			io.ReadFull(instrument, got[i:i+4<<10])
		}
		if err := <-ended; err != nil || !bytes.Equal(got, data) {
			t.Errorf("the relay ended with %v", err)
		}
	})
}

// A Port has no Shutdown, but drains until its write deadline.
func TestRelayRunDrainsPortConn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		line, instrument := newLine()
		conn, peer := net.Pipe()
		tty := &drainConn{Conn: conn, expired: make(chan struct{})}
		tty.drain = func() error { <-tty.expired; return os.ErrDeadlineExceeded }
		r := &Relay{Open: opens(line), Connect: connects(tty), Drain: time.Minute}
		ended, _ := connect(t, r)
		go instrument.Write([]byte("x"))
		wantText(t, peer, "x")
		began := time.Now()
		instrument.Close()
		if _, err := peer.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("the peer reads %v, want io.EOF", err)
		}
		if err := <-ended; err != os.ErrDeadlineExceeded || time.Since(began) != time.Minute {
			t.Errorf("the error is %v after %v", err, time.Since(began))
		}
	})
}

func TestRelayRunBoundsDrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		line, _ := newLine()
		hang := make(chan struct{})
		line.drain = func() error { <-hang; return nil }
		conn, peer := net.Pipe()
		r := &Relay{Open: opens(line), Connect: connects(conn), Drain: time.Minute}
		ended, _ := start(t, r)
		began := time.Now()
		peer.Close()
		if err := <-ended; err != errStuck || time.Since(began) != time.Minute {
			t.Errorf("the error is %v after %v", err, time.Since(began))
		}
		close(hang)
	})
}

// The peer has closed the connection, but only a Write to it can notice, since
// the port accepts no data.
func TestRelayRunBoundsLastWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		line, instrument := newLine()
		conn, peer := net.Pipe()
		r := &Relay{Open: opens(line), Connect: connects(conn)}
		ended, _ := start(t, r)
		send(t, peer, "x")
		synctest.Wait()
		peer.Close()
		began := time.Now()
		send(t, instrument, "y")
		if err := <-ended; err != errStuck || time.Since(began) != defaultDrain {
			t.Errorf("the error is %v after %v", err, time.Since(began))
		}
	})
}
