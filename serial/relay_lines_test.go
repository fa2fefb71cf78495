package serial

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// newModemEnd returns the signals of one side, with the outputs set.
func newModemEnd() *fakeModem { return &fakeModem{signals: DTR | RTS} }

// setInputs is the other end's part.
func setInputs(m *fakeModem, inputs Signals) {
	m.SetSignals(inputs, (DSR|CTS|RI|CD)&^inputs)
}

func outputsOf(m *fakeModem) Signals {
	signals, _ := m.Signals()
	return signals & outputSignals
}

// A stubbornModem has signals that cannot be set.
type stubbornModem struct {
	*fakeLine
	err error
}

func (m stubbornModem) Signals() (Signals, error)     { return 0, nil }
func (m stubbornModem) SetSignals(_, _ Signals) error { return m.err }

// A modemLine is a port with modem signals, a modemConn a connection with them.
type modemLine struct {
	*fakeLine
	*fakeModem
}

type modemConn struct {
	net.Conn
	*fakeModem
}

func TestRelayLinesFollowBothSides(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		line, instrument := newLine()
		port, link := newModemEnd(), newModemEnd()
		conn, peer := net.Pipe()
		ready := make(chan struct{})
		dial := func(context.Context) (net.Conn, error) { <-ready; return modemConn{conn, link}, nil }
		r := &Relay{Open: opens(modemLine{line, port}), Connect: dial, Lines: true}
		ended, _ := start(t, r)
		synctest.Wait()
		if got := outputsOf(port); got != 0 {
			t.Errorf("without a peer, the port has %v set", got)
		}
		setInputs(link, DSR|CTS|CD)
		close(ready)
		for _, c := range []struct{ port, link, wantPort, wantLink Signals }{
			{0, DSR | CTS | CD, DTR | RTS, 0},
			{DSR | CTS | RI | CD, DSR | CD, DTR, DTR | RTS},
			{CTS | CD, CTS | CD, RTS, RTS},
			{DSR, CD | RI, 0, DTR},
		} {
			setInputs(port, c.port)
			setInputs(link, c.link)
			time.Sleep(defaultPoll)
			synctest.Wait()
			if p, l := outputsOf(port), outputsOf(link); p != c.wantPort || l != c.wantLink {
				t.Errorf("with %v at the port and %v from the peer, the port has %v set and the peer gets %v, want %v and %v",
					c.port, c.link, p, l, c.wantPort, c.wantLink)
			}
		}
		setInputs(link, DSR|CTS|CD)
		time.Sleep(defaultPoll)
		synctest.Wait()
		line.drain = func() error {
			if outputsOf(port) != DTR|RTS {
				t.Error("the signals fell before the port had sent its data")
			}
			return nil
		}
		send(t, peer, "x")
		peer.Close()
		wantText(t, instrument, "x")
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if got := outputsOf(port); got != 0 {
			t.Errorf("after the end, the port has %v set", got)
		}
	})
}

// The device at the port must see DTR before the first byte.
func TestRelayLinesPrecedeData(t *testing.T) {
	line, instrument := newLine()
	port, link := newModemEnd(), newModemEnd()
	setInputs(link, DSR|CTS)
	conn, peer := net.Pipe()
	r := &Relay{Open: opens(modemLine{line, port}), Connect: connects(modemConn{conn, link}), Lines: true}
	ended, _ := start(t, r)
	go peer.Write([]byte("xy"))
	wantText(t, instrument, "x")
	if got := outputsOf(port); got != DTR|RTS {
		t.Errorf("with the first byte, the port has %v set", got)
	}
	wantText(t, instrument, "y")
	peer.Close()
	<-ended
}

func TestRelayLinesNeedSignals(t *testing.T) {
	line, instrument := newLine()
	conn, peer := net.Pipe()
	r := &Relay{Open: opens(modemLine{line, newModemEnd()}), Connect: connects(conn), Lines: true, Keep: true}
	err := r.Run(t.Context())
	if !errors.Is(err, errors.ErrUnsupported) || !strings.Contains(err.Error(), "NewPort") {
		t.Errorf("a plain connection: %v, want an error that names NewPort", err)
	}
	for _, end := range []net.Conn{instrument, peer} {
		if _, err := end.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("one side is still open: %v", err)
		}
	}
	line, _ = newLine()
	r = &Relay{Open: opens(line), Connect: connects(), Lines: true}
	if err := r.Run(t.Context()); !errors.Is(err, errors.ErrUnsupported) || !strings.Contains(err.Error(), "fakeLine") {
		t.Errorf("a port without signals: %v", err)
	}
	r = &Relay{Open: opens(stubbornModem{line, syscall.ENOTTY}), Connect: connects(), Lines: true, Keep: true}
	if err := r.Run(t.Context()); err != syscall.ENOTTY {
		t.Errorf("a port that refuses signals: %v", err)
	}
}

// A port that was usable once is opened again, even if it refuses signals.
func TestRelayLinesKeepAfterFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		line, unplugged := newLine()
		half, _ := newLine()
		again, instrument := newLine()
		link := newModemEnd()
		conn, peer := net.Pipe()
		ready := make(chan struct{})
		dial := func(ctx context.Context) (net.Conn, error) {
			select {
			case <-ready:
				return modemConn{conn, link}, nil
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}
		r := &Relay{
			Open: opens(modemLine{line, newModemEnd()}, stubbornModem{half, syscall.EIO},
				modemLine{again, newModemEnd()}),
			Connect: dial,
			Lines:   true, Keep: true,
		}
		ended, cancel := start(t, r)
		unplugged.Close()
		time.Sleep(time.Minute)
		close(ready)
		send(t, peer, "x")
		wantText(t, instrument, "x")
		cancel()
		<-ended
	})
}
