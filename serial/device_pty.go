package serial

import (
	"context"
	"errors"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// drainTime is how long programs have to read data after the end of the
	// connection, since the last byte that they have read.
	drainTime = 2 * time.Second

	// drainCheck is the time between two looks at the unread data.
	drainCheck = 10 * time.Millisecond

	// stallCheck is the time after which a write to programs that do not read
	// looks whether the connection has ended.
	stallCheck = 500 * time.Millisecond

	// flushTime is how long Close waits for the peer to accept data.
	flushTime = time.Second

	// lastRead is how long a connection that does not accept data has to report
	// its end to Read, which knows the cause.
	lastRead = time.Second

	deviceBuffer = 16 << 10
)

// A ptyNode is the node of a Device that joins a pty to a connection.
type ptyNode struct {
	device *Device
	pty    *pty

	stop   sync.Once
	pumped chan struct{} // closed when pump has ended, nil before start

	conn     net.Conn
	writeErr atomic.Pointer[error] // of conn
}

func (d *Device) newPTYNode() (*ptyNode, error) {
	p, err := openPTY(d.options.Mode)
	if err != nil {
		return nil, err
	}
	return &ptyNode{device: d, pty: p}, nil
}

func (n *ptyNode) name() string { return n.pty.name }
func (n *ptyNode) kind() Kind   { return PTY }

// attach joins a connection, and returns the number of bytes discarded before.
func (n *ptyNode) attach(conn net.Conn) (discarded int64) {
	n.conn = conn
	return n.device.outlet.attach(conn, n.failed)
}

// failed records that the connection has not accepted data. Read then has a
// second to report the cause.
func (n *ptyNode) failed(err error) {
	n.writeErr.Store(&err)
	if n.device.ctx.Err() == nil && n.conn.SetReadDeadline(time.Now().Add(lastRead)) != nil {
		n.conn.Close() // it has no deadlines
	}
	if n.device.ctx.Err() != nil { // closed meanwhile
		n.conn.SetReadDeadline(longAgo)
	}
}

// start begins to take data from programs.
func (n *ptyNode) start() {
	n.pumped = make(chan struct{})
	go func() {
		defer close(n.pumped)
		buffer := make([]byte, deviceBuffer)
		for {
			size, err := n.pty.Read(buffer)
			if size > 0 {
				n.device.outlet.write(buffer[:size])
			}
			if err != nil {
				return
			}
		}
	}()
}

// stopPump takes the data that programs have written so far, and no more.
func (n *ptyNode) stopPump() {
	n.stop.Do(func() {
		if n.pumped != nil {
			n.pty.stopReading()
			<-n.pumped
		}
		buffer := make([]byte, deviceBuffer)
		for size := n.pty.readQueued(buffer); size > 0; size = n.pty.readQueued(buffer) {
			n.device.outlet.write(buffer[:size])
		}
	})
}

// close also closes the connection if serve has not been called.
func (n *ptyNode) close() {
	if n.conn != nil {
		n.conn.Close()
	}
	n.stopPump()
	n.pty.Close()
}

func (n *ptyNode) serve() error {
	d, conn := n.device, n.conn
	stop := context.AfterFunc(d.ctx, func() {
		if errors.Join(conn.SetWriteDeadline(time.Now().Add(flushTime)), conn.SetReadDeadline(longAgo)) != nil {
			conn.Close() // it has no deadlines, as one through SSH
		}
		n.pty.SetWriteDeadline(longAgo)
	})
	defer stop()
	cause, read := n.deliver()
	if d.ctx.Err() != nil {
		cause = nil
		n.stopPump()
	}
	conn.Close()
	d.outlet.detach()
	d.disconnected(conn.RemoteAddr(), cause)
	if read {
		n.drain()
	}
	return cause
}

// deliver writes received data to the pty until the connection has ended. It
// returns the cause, and whether programs have kept reading.
func (n *ptyNode) deliver() (cause error, read bool) {
	buffer := make([]byte, deviceBuffer)
	for read = true; ; {
		size, err := n.conn.Read(buffer)
		if read && size > 0 {
			read = n.give(buffer[:size])
		}
		if err == nil {
			continue
		}
		if written := n.writeErr.Load(); written != nil && errors.Is(err, os.ErrDeadlineExceeded) {
			err = *written
		}
		return err, read
	}
}

// give writes received data to the pty. It returns false if the Device is
// closed, or if the connection has ended and programs do not read.
func (n *ptyNode) give(p []byte) bool {
	ctx := n.device.ctx
	for idle := time.Duration(0); len(p) > 0; {
		n.pty.SetWriteDeadline(time.Now().Add(stallCheck))
		if ctx.Err() != nil { // serve may have set the deadline before
			return false
		}
		size, err := n.pty.Write(p)
		n.device.received.Add(int64(size))
		p = p[size:]
		switch {
		case size > 0:
			idle = 0
		case err != nil && !errors.Is(err, os.ErrDeadlineExceeded):
			n.failed(err)
			return false
		case n.ended():
			if idle += stallCheck; idle >= drainTime {
				return false
			}
		}
	}
	return true
}

// ended reports whether the connection has ended, although data may still be
// read from it.
func (n *ptyNode) ended() bool {
	return n.writeErr.Load() != nil || connEnded(n.conn)
}

// drain waits until programs have read the data in the pty. Data moves through
// two buffers of the kernel, of which only one is visible; that one is empty for
// a moment in between.
func (n *ptyNode) drain() {
	last, empty := 0, 0
	for end := time.Now().Add(drainTime); empty < 3 && time.Now().Before(end); {
		unread := n.pty.unread()
		if unread == 0 {
			empty++
		} else {
			empty = 0
		}
		if unread != last {
			last, end = unread, time.Now().Add(drainTime)
		}
		if sleep(n.device.ctx, drainCheck) != nil {
			return
		}
	}
}
