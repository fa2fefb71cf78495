package serial

import (
	"net"
	"sync"
)

// A deviceOutlet takes the data that programs write: it sends the data to the
// connection, or holds or discards it while there is none.
type deviceOutlet struct {
	limit      int // of held
	counters   *counters
	discarding func(total int64) // called at the first loss between two connections

	// mu is held while data is sent, to keep its order. A send ends early when
	// the connection is closed or its write deadline passes.
	mu        sync.Mutex
	conn      net.Conn // nil if there is none
	failed    func(error)
	held      []byte
	discarded int64 // since the last connection
}

// attach makes conn the connection, and returns the number of bytes discarded
// since the connection before. The held data is sent in the background. If a
// send fails, failed is called once.
func (o *deviceOutlet) attach(conn net.Conn, failed func(error)) (discarded int64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.conn, o.failed = conn, failed
	discarded, o.discarded = o.discarded, 0
	if len(o.held) > 0 {
		go o.write(nil)
	}
	return discarded
}

// detach makes later data wait for the next connection. The caller ends a send
// in progress before.
func (o *deviceOutlet) detach() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.conn = nil
}

// write takes data.
func (o *deviceOutlet) write(p []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.conn != nil && len(o.held) > 0 {
		held := o.held
		o.held = nil
		o.send(held)
	}
	o.send(p)
}

// send sends data, or keeps the part that the connection has not accepted.
func (o *deviceOutlet) send(p []byte) {
	if o.conn != nil && len(p) > 0 {
		n, err := o.conn.Write(p)
		o.counters.sent.Add(int64(n))
		p = p[n:]
		if err != nil {
			o.conn = nil
			o.failed(err)
		}
	}
	o.keep(p)
}

// keep holds data up to the limit, and discards the rest.
func (o *deviceOutlet) keep(p []byte) {
	n := min(len(p), o.limit-len(o.held))
	o.held = append(o.held, p[:n]...)
	if p = p[n:]; len(p) == 0 {
		return
	}
	first := o.discarded == 0
	o.discarded += int64(len(p))
	o.counters.discarded.Add(int64(len(p)))
	if first {
		o.discarding(o.discarded)
	}
}

// takeRest discards the held data, and returns the number of bytes discarded
// since the last connection.
func (o *deviceOutlet) takeRest() int64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.limit = 0
	o.counters.discarded.Add(int64(len(o.held)))
	o.discarded += int64(len(o.held))
	o.held = nil
	return o.discarded
}
