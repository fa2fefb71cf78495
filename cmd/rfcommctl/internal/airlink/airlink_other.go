//go:build !linux

package airlink

import (
	"errors"
	"time"
)

// LongestPacket fails: only Linux has HCI sockets.
func LongestPacket([6]byte) (int, error) { return 0, errors.ErrUnsupported }

// A Monitor reads the signal of a link.
type Monitor struct{}

// Open fails: only Linux has HCI sockets.
func Open(_, _ [6]byte) (*Monitor, error) { return nil, errors.ErrUnsupported }

// Read fails: only Linux has HCI sockets.
func (*Monitor) Read(time.Time) (Signal, error) { return Signal{}, errors.ErrUnsupported }

// Close does nothing.
func (*Monitor) Close() error { return nil }
