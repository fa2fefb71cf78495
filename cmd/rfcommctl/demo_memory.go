package main

import (
	"context"
	"net"
	"sync"
	"syscall"

	"github.com/go-rfcomm/rfcomm"
)

// useMemory replaces Bluetooth by connections within the program.
func (d *demo) useMemory() {
	d.a = rfcomm.Adapter{Name: "hci0", Addr: rfcomm.BDAddr{0x02, 0, 0, 0, 0, 0x0A}, Up: true, PageScan: true}
	d.b = rfcomm.Adapter{Name: "hci1", Addr: rfcomm.BDAddr{0x02, 0, 0, 0, 0, 0x0B}, Up: true, PageScan: true}
	m := &memory{from: d.a.Addr, to: d.b.Addr, listeners: make(map[int]*memoryListener)}
	d.adapters = func() ([]rfcomm.Adapter, error) { return []rfcomm.Adapter{d.a, d.b}, nil }
	d.dial, d.listen = m.dial, m.listen
	d.longestPacket = func(rfcomm.BDAddr) (int, error) { return 0, nil } // memory has no ceiling
}

// A memory connects the clients of one machine with the servers of another one.
type memory struct {
	from, to rfcomm.BDAddr

	mu        sync.Mutex
	listeners map[int]*memoryListener // by channel
}

// listen implements [listenFunc].
func (m *memory) listen(_ context.Context, s server) (net.Listener, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	channel := s.address.Channel
	for channel == 0 || s.address.Channel == 0 && m.listeners[channel] != nil {
		channel++
	}
	address := rfcomm.Addr{Device: m.to, Channel: channel}
	if m.listeners[channel] != nil {
		return nil, &net.OpError{Op: "listen", Net: address.Network(), Addr: address, Err: syscall.EADDRINUSE}
	}
	l := &memoryListener{memory: m, address: address, conns: make(chan net.Conn, 8), closed: make(chan struct{})}
	m.listeners[channel] = l
	return l, nil
}

// dial implements [dialFunc].
func (m *memory) dial(_ context.Context, _ *rfcomm.Dialer, device rfcomm.BDAddr, s service) (net.Conn, error) {
	address := rfcomm.Addr{Device: device, Channel: s.channel}
	m.mu.Lock()
	defer m.mu.Unlock()
	l := m.listeners[s.channel]
	if l == nil || device != m.to {
		return nil, &net.OpError{Op: "dial", Net: address.Network(), Addr: address, Err: syscall.ECONNREFUSED}
	}
	near, far := net.Pipe()
	client := rfcomm.Addr{Device: m.from, Channel: s.channel}
	select {
	case l.conns <- memoryConn{far, address, client}: // before Accept, as the kernel does
		return memoryConn{near, client, address}, nil
	default:
		return nil, &net.OpError{Op: "dial", Net: address.Network(), Addr: address, Err: syscall.EBUSY}
	}
}

// A memoryListener is a server of a memory.
type memoryListener struct {
	memory  *memory
	address rfcomm.Addr
	conns   chan net.Conn // that are not accepted yet
	closed  chan struct{}
}

// Accept implements [net.Listener].
func (l *memoryListener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.conns:
		return conn, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close implements [net.Listener].
func (l *memoryListener) Close() error {
	l.memory.mu.Lock()
	defer l.memory.mu.Unlock()
	if l.memory.listeners[l.address.Channel] != l {
		return nil
	}
	delete(l.memory.listeners, l.address.Channel)
	close(l.closed)
	for len(l.conns) > 0 {
		(<-l.conns).Close()
	}
	return nil
}

// Addr implements [net.Listener].
func (l *memoryListener) Addr() net.Addr { return l.address }

// A memoryConn is one end of a connection. Its Write returns when the other end has
// read everything.
type memoryConn struct {
	net.Conn
	local, remote rfcomm.Addr
}

// LocalAddr implements [net.Conn].
func (c memoryConn) LocalAddr() net.Addr { return c.local }

// RemoteAddr implements [net.Conn].
func (c memoryConn) RemoteAddr() net.Addr { return c.remote }

// Shutdown closes the connection, as [rfcomm.Conn.Shutdown] does.
func (c memoryConn) Shutdown(context.Context) error { return c.Close() }
