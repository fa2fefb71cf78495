package serial

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
)

// outputSignals are the outputs of a port.
const outputSignals = DTR | RTS

// checkLine returns an error if Lines is set and the port has no modem signals.
func (r *Relay) checkLine(line Line) error {
	if !r.Lines {
		return nil
	}
	if _, ok := line.(ModemLines); !ok {
		return fmt.Errorf("serial: %T has no modem signals, which Relay.Lines requires: %w", line, errors.ErrUnsupported)
	}
	return nil
}

// checkConn returns an error if Lines is set and a connection has no modem
// signals.
func (r *Relay) checkConn(conn net.Conn) error {
	if !r.Lines {
		return nil
	}
	if _, ok := conn.(ModemLines); !ok {
		return fmt.Errorf("serial: %T carries no modem signals, which Relay.Lines requires; "+
			"make an RFCOMM connection a tty with NewPort: %w", conn, errors.ErrUnsupported)
	}
	return nil
}

// clearOutputs clears the outputs of a port without a peer, if Lines is set.
func (r *Relay) clearOutputs(line Line) error {
	if !r.Lines {
		return nil
	}
	return line.(ModemLines).SetSignals(0, outputSignals)
}

// joinLines relays modem signals if Lines is set, until stop is called. The first
// ones are relayed before it returns, so that they precede data of the peer.
func (s *session) joinLines(ctx context.Context) (stop func()) {
	if !s.Lines {
		return func() {}
	}
	conn, port := s.conn.(ModemLines), s.port.line.(ModemLines)
	ctx, cancel := context.WithCancel(ctx)
	var following, first sync.WaitGroup
	for _, side := range []struct{ from, to ModemLines }{{conn, port}, {port, conn}} {
		first.Add(1)
		following.Go(func() { follow(ctx, side.from, side.to, sync.OnceFunc(first.Done)) })
	}
	first.Wait()
	return func() {
		cancel()
		following.Wait()
		s.clearOutputs(s.port.line)
	}
}

// follow sets the outputs of one side as the inputs of the other change, until
// ctx is done or one side fails. It calls done after the first time, and when it
// ends. Failures need no report: a side that has failed ends its data as well.
func follow(ctx context.Context, from, to ModemLines, done func()) {
	defer done()
	for inputs, err := range Changes(ctx, from, 0) {
		if err != nil {
			return
		}
		outputs := relayed(inputs)
		if err := to.SetSignals(outputs, outputSignals&^outputs); err != nil {
			return
		}
		done()
	}
}
