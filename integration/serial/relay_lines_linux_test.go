package serial_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-rfcomm/rfcomm/internal/test/conntest"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
	"github.com/go-rfcomm/rfcomm/serial"
)

// A modemPipe is a port in memory with modem signals.
type modemPipe struct {
	*pipe

	mu      sync.Mutex
	signals serial.Signals
}

func (p *modemPipe) Signals() (serial.Signals, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.signals, nil
}

func (p *modemPipe) SetSignals(set, clear serial.Signals) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.signals = p.signals&^clear | set
	return nil
}

// plug sets the signals that the instrument sends.
func (p *modemPipe) plug(inputs serial.Signals) {
	p.SetSignals(inputs, (serial.DSR|serial.CTS|serial.RI|serial.CD)&^inputs)
}

// awaitMasked waits until some signals of one side have a value.
func awaitMasked(t testing.TB, what string, m serial.ModemLines, of, want serial.Signals) {
	t.Helper()
	hosttest.Eventually(t, what, func() bool {
		signals, err := m.Signals()
		if err != nil {
			t.Fatal(err)
		}
		return signals&of == want
	})
}

// The kernel carries the signals of both sides over RFCOMM. It sends RI as 0 and
// CD as 1.
func TestRelayLinesOverPort(t *testing.T) {
	const outputs, inputs = serial.DTR | serial.RTS, serial.DSR | serial.CTS | serial.RI | serial.CD
	a := newAir(t)
	l := a.listen(t)
	line, instrument := newPipe()
	port := &modemPipe{pipe: line}
	ctx, cancel := context.WithCancel(t.Context())
	relay := &serial.Relay{Open: opens(port), Lines: true}
	ended := hosttest.InBackground(func() error { return relay.Serve(ctx, serial.PortListener(l)) })
	for range 2 {
		peer := newPort(t, a.dial(t, l))
		for _, step := range []struct{ peer, port, wantPort, wantPeer serial.Signals }{
			{outputs, 0, outputs, serial.CD},
			{outputs, serial.DSR | serial.CTS, outputs, serial.DSR | serial.CTS | serial.CD},
			{serial.DTR, serial.DSR | serial.RI | serial.CD, serial.DTR, serial.DSR | serial.CD},
			{serial.RTS, serial.CTS, serial.RTS, serial.CTS | serial.CD},
			{0, 0, 0, serial.CD},
			{outputs, inputs, outputs, serial.DSR | serial.CTS | serial.CD},
		} {
			port.plug(step.port)
			if err := peer.SetSignals(step.peer, outputs&^step.peer); err != nil {
				t.Fatal(err)
			}
			awaitMasked(t, "the port follows the peer", port, outputs, step.wantPort)
			awaitMasked(t, "the peer follows the port", peer, inputs, step.wantPeer)
		}
		conntest.Send(t, peer, "ping")
		conntest.Receive(t, instrument, "ping")
		conntest.Send(t, instrument, "pong")
		conntest.Receive(t, peer, "pong")
		peer.Close()
		awaitMasked(t, "the signals fall", port, outputs, 0)
	}
	cancel()
	if err := hosttest.Receive(t, ended); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// The peer closes while its data waits for the port: the relay serves the next one.
func TestRelayServeEndsWhileStalled(t *testing.T) {
	a := newAir(t)
	for name, listener := range map[string]func(net.Listener) net.Listener{
		"Conn": func(l net.Listener) net.Listener { return l },
		"Port": serial.PortListener,
	} {
		t.Run(name, func(t *testing.T) {
			l := a.listen(t)
			stalled, first := newPipe()
			line, instrument := newPipe()
			lines := []serial.Line{stalled, line}
			relay := &serial.Relay{Drain: 10 * time.Millisecond, Open: func(context.Context) (serial.Line, error) {
				line := lines[0]
				lines = lines[1:]
				return line, nil
			}}
			go relay.Serve(t.Context(), listener(l))
			peer := a.dial(t, l)
			conntest.Send(t, peer, "last words")
			conntest.Receive(t, first, "last ")
			peer.Close()
			peer = a.dial(t, l)
			conntest.Send(t, peer, "ping")
			conntest.Receive(t, instrument, "ping")
		})
	}
}

func TestRelayLinesRefusePlainConn(t *testing.T) {
	a := newAir(t)
	l := a.listen(t)
	line, _ := newPipe()
	relay := &serial.Relay{
		Open: opens(&modemPipe{pipe: line}),
		Connect: func(ctx context.Context) (net.Conn, error) {
			return conntest.DialContext(ctx, a.near.Addr(), l.Addr())
		},
		Lines: true,
	}
	err := relay.Run(t.Context())
	if !errors.Is(err, errors.ErrUnsupported) || !strings.Contains(err.Error(), "NewPort") {
		t.Errorf("the error is %v, want one that names NewPort", err)
	}
}
