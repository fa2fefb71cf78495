package serial

import (
	"fmt"
	"net"
	"time"
)

// A State is a step in the life of a [Device] or a relay.
type State int

const (
	// StateOpen: a Device has a new node, or the port of a relay is open.
	StateOpen State = iota + 1
	// StateConnected: the connection is established.
	StateConnected
	// StateDisconnected: the connection has ended.
	StateDisconnected
	// StateRetrying: an attempt to connect or to open a port has failed, or is
	// due after the end of a connection. The next one follows after a delay.
	StateRetrying
	// StateDiscarding: data that a program writes is discarded, because the
	// Device is not connected. It is reported once between two connections.
	StateDiscarding
	// StatePortLost: the port of a relay has failed, as when it is unplugged.
	StatePortLost
	// StateClosed: the Device or relay has ended. It is the last event.
	StateClosed
)

var stateNames = map[State]string{
	StateOpen:         "open",
	StateConnected:    "connected",
	StateDisconnected: "disconnected",
	StateRetrying:     "retrying",
	StateDiscarding:   "discarding",
	StatePortLost:     "port lost",
	StateClosed:       "closed",
}

// String returns the state in lower case, such as "connected".
func (s State) String() string {
	if name, ok := stateNames[s]; ok {
		return name
	}
	return fmt.Sprintf("State(%d)", int(s))
}

// An Event reports a change of a [Device] or a relay. Fields that do not apply
// to the State have their zero value.
type Event struct {
	State State

	// Name is the path of the port, or that by which programs open the device.
	Name string

	// Node is the path of the device's node, such as "/dev/pts/3". It differs
	// from Name if Name is a symbolic link.
	Node string

	// Kind is the kind of a Device.
	Kind Kind

	// Reason explains why a Device of Kind Auto is a pty. It is set in
	// StateOpen. The default is empty, if the device is a tty or the kind was
	// specified.
	Reason string

	// Remote is the peer of StateConnected and StateDisconnected.
	Remote net.Addr

	// Err is the cause of StateDisconnected, StateRetrying, StatePortLost and
	// StateClosed. It is io.EOF if the peer closed the connection, and nil if
	// Close was called.
	Err error

	// Delay is the time until the next attempt in StateRetrying.
	Delay time.Duration

	// Discarded is the number of bytes that were discarded since the connection
	// before ended: so far in StateDiscarding, in total in the StateConnected or
	// StateClosed that follows.
	Discarded int64
}
