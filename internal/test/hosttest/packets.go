package hosttest

import (
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// packetQueue is the number of packets that one direction of a PacketPipe holds
// before Write waits.
const packetQueue = 16

// PacketPipe returns the two ends of a connection in memory that transfers
// packets as a connected L2CAP socket does: Write sends one packet, and Read
// returns one. A packet may have at most as many bytes as the MTU of its
// direction. Unlike net.Pipe, Write does not wait for Read until 16 packets are
// queued.
//
// The ends may be used inside of a bubble of package synctest in which
// PacketPipe was called.
func PacketPipe(mtuToB, mtuToA int) (a, b *PacketConn) {
	toA, toB := newPacketHalf(mtuToA), newPacketHalf(mtuToB)
	a = &PacketConn{in: toA, out: toB, local: "a", remote: "b"}
	b = &PacketConn{in: toB, out: toA, local: "b", remote: "a"}
	return a, b
}

// A PacketAddr is the address of one end of a PacketPipe, or of a PacketListener.
type PacketAddr string

func (PacketAddr) Network() string  { return "packets" }
func (a PacketAddr) String() string { return string(a) }

// A PacketConn is one end of a PacketPipe.
type PacketConn struct {
	in, out       *packetHalf
	local, remote PacketAddr
}

var _ net.Conn = (*PacketConn)(nil)

// opError returns err as package net does.
func (c *PacketConn) opError(op string, err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	return &net.OpError{Op: op, Net: "packets", Source: c.local, Addr: c.remote, Err: err}
}

// Read returns one packet. If p is shorter, the rest of the packet is lost and
// the error matches EMSGSIZE.
func (c *PacketConn) Read(p []byte) (int, error) {
	n, err := c.in.read(p)
	return n, c.opError("read", err)
}

// Write sends one packet. If it exceeds the MTU, the error matches EMSGSIZE. If
// the peer has closed the connection, the error matches ECONNRESET.
func (c *PacketConn) Write(p []byte) (int, error) {
	if err := c.out.write(p); err != nil {
		return 0, c.opError("write", err)
	}
	return len(p), nil
}

// Close closes the connection. The peer reads the packets sent so far, then
// io.EOF.
func (c *PacketConn) Close() error {
	c.in.closeReader()
	return c.opError("close", c.out.closeWriter())
}

// MTUs returns the maximum lengths of packets, as l2cap.Conn does.
func (c *PacketConn) MTUs() (outgoing, incoming int) { return c.out.mtu, c.in.mtu }

func (c *PacketConn) LocalAddr() net.Addr  { return c.local }
func (c *PacketConn) RemoteAddr() net.Addr { return c.remote }

func (c *PacketConn) SetDeadline(t time.Time) error {
	c.in.reading.set(c.in, t)
	c.out.writing.set(c.out, t)
	return nil
}

func (c *PacketConn) SetReadDeadline(t time.Time) error {
	c.in.reading.set(c.in, t)
	return nil
}

func (c *PacketConn) SetWriteDeadline(t time.Time) error {
	c.out.writing.set(c.out, t)
	return nil
}

// A packetHalf is one direction of a PacketPipe.
type packetHalf struct {
	mtu int

	mu      sync.Mutex
	changed sync.Cond // a field below has changed

	packets      [][]byte
	readerClosed bool
	writerClosed bool
	reading      packetDeadline
	writing      packetDeadline
}

func newPacketHalf(mtu int) *packetHalf {
	h := &packetHalf{mtu: mtu}
	h.changed.L = &h.mu
	return h
}

func (h *packetHalf) read(p []byte) (n int, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for {
		switch {
		case h.readerClosed:
			return 0, net.ErrClosed
		case h.reading.passed:
			return 0, os.ErrDeadlineExceeded
		case len(h.packets) > 0:
			packet := h.packets[0]
			h.packets = h.packets[1:]
			h.changed.Broadcast()
			if n = copy(p, packet); n < len(packet) {
				err = syscall.EMSGSIZE
			}
			return n, err
		case h.writerClosed:
			return 0, io.EOF
		}
		h.changed.Wait()
	}
}

func (h *packetHalf) write(p []byte) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	for {
		switch {
		case h.writerClosed:
			return net.ErrClosed
		case h.writing.passed:
			return os.ErrDeadlineExceeded
		case h.readerClosed:
			return os.NewSyscallError("write", syscall.ECONNRESET)
		case len(p) > h.mtu:
			return syscall.EMSGSIZE
		case len(h.packets) < packetQueue:
			h.packets = append(h.packets, append([]byte(nil), p...))
			h.changed.Broadcast()
			return nil
		}
		h.changed.Wait()
	}
}

func (h *packetHalf) closeReader() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.readerClosed = true
	h.reading.stop()
	h.changed.Broadcast()
}

// closeWriter returns net.ErrClosed if it has been called before.
func (h *packetHalf) closeWriter() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.writerClosed {
		return net.ErrClosed
	}
	h.writerClosed = true
	h.writing.stop()
	h.changed.Broadcast()
	return nil
}

// A packetDeadline is the deadline of one end's calls in a packetHalf, whose
// mutex protects it.
type packetDeadline struct {
	passed bool
	timer  *time.Timer
}

// set changes the deadline of the calls in h.
func (d *packetDeadline) set(h *packetHalf, t time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	d.stop()
	d.passed = !t.IsZero() && !t.After(time.Now())
	if !t.IsZero() && !d.passed {
		var timer *time.Timer
		timer = time.AfterFunc(time.Until(t), func() {
			h.mu.Lock()
			defer h.mu.Unlock()
			if d.timer == timer { // not replaced since
				d.passed = true
				h.changed.Broadcast()
			}
		})
		d.timer = timer
	}
	h.changed.Broadcast()
}

func (d *packetDeadline) stop() {
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
}

// A PacketListener is a net.Listener for PacketPipes.
type PacketListener struct {
	mtuToServer, mtuToClient int

	accepted chan net.Conn
	closed   chan struct{}
	close    sync.Once
}

var _ net.Listener = (*PacketListener)(nil)

// ListenPackets returns a listener whose connections have the given MTUs.
func ListenPackets(mtuToServer, mtuToClient int) *PacketListener {
	return &PacketListener{
		mtuToServer: mtuToServer, mtuToClient: mtuToClient,
		accepted: make(chan net.Conn), closed: make(chan struct{}),
	}
}

// Dial returns a new connection, once it is accepted. It returns net.ErrClosed
// if the listener is closed.
func (l *PacketListener) Dial() (*PacketConn, error) {
	client, server := PacketPipe(l.mtuToServer, l.mtuToClient)
	select {
	case l.accepted <- server:
		return client, nil
	case <-l.closed:
		return nil, l.opError("dial")
	}
}

func (l *PacketListener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.accepted:
		return conn, nil
	case <-l.closed:
		return nil, l.opError("accept")
	}
}

// Close wakes Accept. It does not close accepted connections.
func (l *PacketListener) Close() error {
	err := l.opError("close")
	l.close.Do(func() {
		close(l.closed)
		err = nil
	})
	return err
}

func (l *PacketListener) Addr() net.Addr { return PacketAddr("listener") }

func (l *PacketListener) opError(op string) error {
	return &net.OpError{Op: op, Net: "packets", Addr: l.Addr(), Err: net.ErrClosed}
}
