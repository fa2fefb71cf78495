package bluez

import (
	"slices"
	"sync"

	"github.com/godbus/dbus/v5"

	"github.com/go-rfcomm/rfcomm"
)

// A connQueue holds the connections that wait for Accept.
type connQueue struct {
	limit int

	mu      sync.Mutex
	changed sync.Cond
	conns   []queuedConn
	err     error // after close
}

type queuedConn struct {
	device dbus.ObjectPath
	conn   *rfcomm.Conn
}

func newConnQueue(limit int) *connQueue {
	q := &connQueue{limit: limit}
	q.changed.L = &q.mu
	return q
}

// put appends a connection. It reports false if the queue is full or closed.
func (q *connQueue) put(device dbus.ObjectPath, conn *rfcomm.Conn) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.err != nil || len(q.conns) >= q.limit {
		return false
	}
	q.conns = append(q.conns, queuedConn{device, conn})
	q.changed.Signal()
	return true
}

// take removes the oldest connection, for which it waits until the queue is
// closed.
func (q *connQueue) take() (*rfcomm.Conn, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for q.err == nil && len(q.conns) == 0 {
		q.changed.Wait()
	}
	if q.err != nil {
		return nil, q.err
	}
	conn := q.conns[0].conn
	q.conns = slices.Delete(q.conns, 0, 1)
	return conn, nil
}

// drop removes and returns the connections of a device.
func (q *connQueue) drop(device dbus.ObjectPath) (dropped []*rfcomm.Conn) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.conns = slices.DeleteFunc(q.conns, func(c queuedConn) bool {
		if c.device == device {
			dropped = append(dropped, c.conn)
		}
		return c.device == device
	})
	return dropped
}

// close makes put and take fail, and returns the connections that are left.
func (q *connQueue) close(err error) (left []*rfcomm.Conn) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.err == nil {
		q.err = err
		q.changed.Broadcast()
	}
	for _, c := range q.conns {
		left = append(left, c.conn)
	}
	q.conns = nil
	return left
}
