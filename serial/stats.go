package serial

import "sync/atomic"

// Stats counts the work of a [Device] or a [Relay] since its start, over all
// connections.
type Stats struct {
	// Connections is the number of connections so far.
	Connections int64

	// Sent is the number of bytes written to the connections, and Received the
	// number of bytes from the connections that the program or the port has
	// accepted.
	Sent, Received int64

	// Discarded is the number of bytes from the program or the port that no
	// connection accepted.
	Discarded int64
}

// counters are Stats that several goroutines change.
type counters struct {
	connections, sent, received, discarded atomic.Int64
}

// stats returns the current values. They need not be of the same moment.
func (c *counters) stats() Stats {
	return Stats{
		Connections: c.connections.Load(),
		Sent:        c.sent.Load(),
		Received:    c.received.Load(),
		Discarded:   c.discarded.Load(),
	}
}
