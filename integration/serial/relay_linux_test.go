package serial_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/test/conntest"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
	"github.com/go-rfcomm/rfcomm/rfcommtest"
	"github.com/go-rfcomm/rfcomm/serial"
)

// A pipe is a port in memory. The other end is its instrument.
type pipe struct{ net.Conn }

func newPipe() (port *pipe, instrument net.Conn) {
	a, b := net.Pipe()
	return &pipe{a}, b
}

// Drain does nothing: Write waits until the instrument has read.
func (p *pipe) Drain() error { return nil }

// opens returns an Open for one port.
func opens(port serial.Line) func(context.Context) (serial.Line, error) {
	return func(context.Context) (serial.Line, error) { return port, nil }
}

// run runs a relay from near to a listener at far, and waits until it is
// connected.
func (a *air) run(t *testing.T, relay *serial.Relay) (peer *rfcomm.Conn, ended <-chan error) {
	t.Helper()
	l := a.listen(t)
	connected := make(chan struct{}, 1)
	relay.Connect = func(ctx context.Context) (net.Conn, error) {
		return conntest.DialContext(ctx, a.near.Addr(), l.Addr())
	}
	relay.Report = func(e serial.Event) {
		if e.State == serial.StateConnected {
			connected <- struct{}{}
		}
	}
	ended = hosttest.InBackground(func() error { return relay.Run(t.Context()) })
	peer = conntest.Accept(t, l)
	hosttest.Receive(t, connected)
	return peer, ended
}

func TestRelayRunCopiesBothWays(t *testing.T) {
	a := newAir(t)
	port, instrument := newPipe()
	peer, ended := a.run(t, &serial.Relay{Open: opens(port)})
	data := everyByte(megabyte)
	there := hosttest.InBackground(func() bool { transfer(t, peer, instrument, data); return true })
	transfer(t, instrument, peer, data)
	<-there
	peer.Close()
	if err := hosttest.Receive(t, ended); err != nil {
		t.Error(err)
	}
}

// The UARTs of the lab transfer a few kB/s. Two relays run side by side: the
// other one's port is in memory.
func TestRelayRunOverUART(t *testing.T) {
	a := newAir(t)
	port, other := newPipe()
	otherPeer, otherEnded := a.run(t, &serial.Relay{Open: opens(port)})
	options := &serial.LineOptions{Baud: 115200}
	instrument := openPort(t, secondPort, options)
	relay := &serial.Relay{Open: func(context.Context) (serial.Line, error) { return serial.OpenLine(firstPort, options) }}
	peer, ended := a.run(t, relay)
	data := everyByte(8 << 10)
	transfer(t, peer, instrument, data)
	transfer(t, instrument, peer, data)
	transfer(t, otherPeer, other, data)
	conntest.Send(t, peer, "last words")
	peer.Close()
	got := make([]byte, 10)
	if _, err := io.ReadFull(instrument, got); string(got) != "last words" {
		t.Errorf("the instrument received %q, %v", got, err)
	}
	if err := hosttest.Receive(t, ended); err != nil {
		t.Error(err)
	}
	n := int64(len(data))
	if got := relay.Stats(); got != (serial.Stats{Connections: 1, Sent: n, Received: n + 10}) {
		t.Errorf("the statistics are %+v", got)
	}
	conntest.Send(t, otherPeer, "x")
	otherPeer.Close()
	other.Read(make([]byte, 1))
	if err := hosttest.Receive(t, otherEnded); err != nil {
		t.Error(err)
	}
}

// The port fails after it has sent data: the peer receives all of it.
func TestRelayRunDeliversAfterPort(t *testing.T) {
	a := newAir(t)
	port, instrument := newPipe()
	peer, ended := a.run(t, &serial.Relay{Open: opens(port)})
	data := everyByte(20 << 10)
	sent := hosttest.InBackground(func() error {
		_, err := instrument.Write(data)
		instrument.Close()
		return err
	})
	if err := hosttest.Receive(t, sent); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(peer); err != nil || !bytes.Equal(got, data) {
		t.Errorf("the peer received %d bytes, %v, want %d", len(got), err, len(data))
	}
	if err := hosttest.Receive(t, ended); err != nil {
		t.Error(err)
	}
}

func TestRelayKeepRedialsLostLink(t *testing.T) {
	a := newAir(t)
	l := a.listen(t)
	port, instrument := newPipe()
	lost := make(chan error, 10)
	relay := &serial.Relay{
		Open: opens(port),
		Connect: func(ctx context.Context) (net.Conn, error) {
			return conntest.DialContext(ctx, a.near.Addr(), l.Addr())
		},
		Keep: true,
		Report: func(e serial.Event) {
			if e.State == serial.StateDisconnected {
				lost <- e.Err
			}
		},
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := hosttest.InBackground(func() error { return relay.Run(ctx) })
	for range 2 {
		peer := conntest.Accept(t, l)
		conntest.Send(t, peer, "ping")
		conntest.Receive(t, instrument, "ping")
		conntest.Send(t, instrument, "pong")
		conntest.Receive(t, peer, "pong")
		if !a.link().Disconnect(rfcommtest.ConnectionTimeout) {
			t.Fatal("there was no link to lose")
		}
		hosttest.WantErrno(t, hosttest.Receive(t, lost), unix.ETIMEDOUT)
	}
	cancel()
	if err := hosttest.Receive(t, ended); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// The second client comes from an adapter of its own, since two adapters can have
// only one connection to a channel.
func TestRelayServeSecondClientWaits(t *testing.T) {
	requireLab(t)
	leavesNoDevice(t)
	radio := rfcommtest.Require(t, rfcommtest.Config{Controllers: 3})
	server, first, second := radio.Controllers()[0], radio.Controllers()[1], radio.Controllers()[2]
	l := conntest.Listen(t, server.Addr())
	port, instrument := newPipe()
	ctx, cancel := context.WithCancel(t.Context())
	ended := hosttest.InBackground(func() error {
		return (&serial.Relay{Open: opens(port)}).Serve(ctx, l)
	})
	a := conntest.Dial(t, first.Addr(), l.Addr())
	conntest.Send(t, a, "first")
	conntest.Receive(t, instrument, "first")
	b := conntest.Dial(t, second.Addr(), l.Addr())
	conntest.Send(t, b, "second")
	conntest.Send(t, a, " again") // arrives before the data of the second client
	conntest.Receive(t, instrument, " again")
	a.Close()
	conntest.Receive(t, instrument, "second")
	conntest.Send(t, instrument, "reply")
	conntest.Receive(t, b, "reply")
	cancel()
	if err := hosttest.Receive(t, ended); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	conntest.ReceiveEOF(t, b)
}
