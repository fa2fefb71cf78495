package fakebus

import (
	"bufio"
	"bytes"
	"net"
	"sync"

	"github.com/godbus/dbus/v5"
)

// A peer is a client of the bus, or bluetoothd, which has no connection.
type peer struct {
	number int
	name   string // unique; "" before Hello
	rules  []rule
	conn   *net.UnixConn

	mu      sync.Mutex
	ready   sync.Cond
	queue   []*Message
	stopped bool
}

func newPeer(conn *net.UnixConn) *peer {
	p := &peer{conn: conn}
	p.ready.L = &p.mu
	return p
}

// put queues a message for the peer.
func (p *peer) put(m *Message) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopped {
		m.closeFiles()
		return
	}
	p.queue = append(p.queue, m)
	p.ready.Signal()
}

// next returns the next message, or nil once the peer has stopped.
func (p *peer) next() *Message {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.queue) == 0 && !p.stopped {
		p.ready.Wait()
	}
	if p.stopped {
		return nil
	}
	m := p.queue[0]
	p.queue = p.queue[1:]
	return m
}

func (p *peer) stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stopped = true
	for _, m := range p.queue {
		m.closeFiles()
	}
	p.queue = nil
	p.ready.Broadcast()
	if p.conn != nil {
		p.conn.Close()
	}
}

// serve serves one client.
func (b *Bus) serve(c *net.UnixConn) {
	p := newPeer(c)
	b.mu.Lock()
	b.clients[p] = true
	if b.closed {
		p.stop()
	}
	b.mu.Unlock()
	defer b.leave(p)
	r := &reader{conn: c}
	defer r.close()
	in := bufio.NewReader(r)
	if !authenticate(in, c, b.id) {
		return
	}
	b.working.Go(func() { b.write(p) })
	for {
		m, err := r.message(in)
		if err != nil {
			return
		}
		b.mu.Lock()
		b.receive(p, m)
		b.mu.Unlock()
	}
}

func (b *Bus) leave(p *peer) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.clients, p)
	b.disconnect(p)
}

// receive handles a message of a client. Before Hello, a client has no name, and
// may call nothing else.
func (b *Bus) receive(p *peer, m *Message) {
	switch hello := m.Member() == "Hello" && m.Destination() == busName; {
	case b.closed:
		m.closeFiles()
	case p.name == "" && hello:
		b.hello(p, m)
	case p.name == "":
		m.closeFiles()
		p.stop()
	default:
		b.route(p, m)
	}
}

// write sends the queued messages of a client.
func (b *Bus) write(p *peer) {
	for m := p.next(); m != nil; m = p.next() {
		data, files, err := m.encode()
		if err == nil {
			err = writeFiles(p.conn, data, files)
		}
		m.closeFiles()
		if err != nil {
			p.conn.Close()
			return
		}
	}
}

// A reader reads from a client and collects the descriptors that arrive.
type reader struct {
	conn  *net.UnixConn
	files []int
}

func (r *reader) close() {
	for _, fd := range r.files {
		closeFile(fd)
	}
}

func (r *reader) Read(b []byte) (int, error) {
	n, files, err := readFiles(r.conn, b)
	r.files = append(r.files, files...)
	return n, err
}

// message reads a message. The message owns its descriptors.
func (r *reader) message(in *bufio.Reader) (*Message, error) {
	data, err := readFrame(in)
	if err != nil {
		return nil, err
	}
	d, err := dbus.DecodeMessageWithFDs(bytes.NewReader(data), r.files)
	if err != nil {
		return nil, err
	}
	n, _ := d.Headers[dbus.FieldUnixFDs].Value().(uint32)
	n = min(n, uint32(len(r.files)))
	m := &Message{Message: d, serial: d.Serial(), files: r.files[:n:n]}
	r.files = r.files[n:]
	return m, nil
}
