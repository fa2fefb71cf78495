package examples_test

import (
	"io"
	"net"
	"sync"
	"testing"
)

// A valve is a proxy between a client and a server that passes a number of
// bytes in each direction. After them, it keeps the transfer in progress for as
// long as the test needs.
type valve struct {
	address string
	opened  chan struct{}
	open    func() // lets all further bytes pass

	mu    sync.Mutex
	cut   bool
	ends  []io.Closer
	pumps sync.WaitGroup
}

// newValve returns a valve for a server.
func newValve(t *testing.T, server string, bytes int64) *valve {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	v := &valve{address: listener.Addr().String(), opened: make(chan struct{})}
	v.open = sync.OnceFunc(func() { close(v.opened) })
	v.add(listener)
	v.pumps.Go(func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			v.add(near)
			far, err := net.Dial("tcp", server)
			if err != nil {
				near.Close()
				continue
			}
			v.add(far)
			for _, end := range []net.Conn{near, far} { // so that the valve buffers only a few bytes
				end.(*net.TCPConn).SetReadBuffer(64 << 10)
				end.(*net.TCPConn).SetWriteBuffer(64 << 10)
			}
			v.pumps.Go(func() { v.pump(near, far, bytes) })
			v.pumps.Go(func() { v.pump(far, near, bytes) })
		}
	})
	t.Cleanup(v.close)
	return v
}

// add registers a connection or listener that close closes.
func (v *valve) add(end io.Closer) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.cut {
		end.Close()
	}
	v.ends = append(v.ends, end)
}

// pump passes bytes in one direction.
func (v *valve) pump(to, from net.Conn, bytes int64) {
	defer to.Close()
	if _, err := io.CopyN(to, from, bytes); err != nil {
		return
	}
	<-v.opened
	io.Copy(to, from)
}

// close cuts all connections and ends the valve.
func (v *valve) close() {
	v.mu.Lock()
	v.cut = true
	for _, end := range v.ends {
		end.Close()
	}
	v.mu.Unlock()
	v.open()
	v.pumps.Wait()
}
