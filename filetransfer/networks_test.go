package filetransfer_test

import (
	"crypto/tls"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

// networks are the kinds of connections in these tests.
var networks = map[string]func(t testing.TB) (client, server net.Conn){
	"pipe": func(testing.TB) (client, server net.Conn) { return net.Pipe() },
	"tcp":  func(t testing.TB) (client, server net.Conn) { return connect(t, "tcp", "127.0.0.1:0") },
	"unix": func(t testing.TB) (client, server net.Conn) {
		return connect(t, "unix", filepath.Join(t.TempDir(), "socket"))
	},
	"sticky": func(t testing.TB) (client, server net.Conn) {
		client, server = connect(t, "tcp", "127.0.0.1:0")
		return &stickyConn{Conn: client}, &stickyConn{Conn: server}
	},
	"tls": func(t testing.TB) (client, server net.Conn) {
		return secure(t, func() (client, server net.Conn) { return connect(t, "tcp", "127.0.0.1:0") })
	},
}

// sockets are the networks with buffers.
var sockets = []string{"tcp", "unix", "sticky", "tls"}

// connect returns both ends of a connection.
func connect(t testing.TB, network, address string) (client, server net.Conn) {
	t.Helper()
	l, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	accepted := make(chan net.Conn, 1)
	go func() {
		c, err := l.Accept()
		if err != nil {
			t.Error(err)
		}
		accepted <- c
	}()
	client, err = net.Dial(network, l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return client, hosttest.Receive(t, accepted)
}

// listen returns a listener of a network and a function that connects to it.
func listen(t testing.TB, network string) (net.Listener, func() net.Conn) {
	t.Helper()
	if strings.HasSuffix(network, "pipe") {
		l := newPipeListener()
		if network == "sticky pipe" {
			return stickyListener{l}, func() net.Conn { return &stickyConn{Conn: l.dial()} }
		}
		return l, l.dial
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	dial := func() net.Conn {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	switch network {
	case "sticky":
		return stickyListener{l}, func() net.Conn { return &stickyConn{Conn: dial()} }
	case "tls":
		serverConfig, clientConfig := hosttest.TLSConfigs(t)
		return tls.NewListener(l, serverConfig), func() net.Conn { return tls.Client(dial(), clientConfig) }
	}
	return l, dial
}

// A stickyListener accepts connections on which a timeout is final.
type stickyListener struct{ net.Listener }

func (l stickyListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &stickyConn{Conn: c}, nil
}

// A stickyConn is a connection on which a timeout is final, as the timeout of a
// Write is in crypto/tls: all later calls in that direction fail.
type stickyConn struct {
	net.Conn
	mu                  sync.Mutex
	readError, writeErr error
	failedWrites        int // Writes after a timeout
}

// CloseWrite closes the sending direction, as a *net.TCPConn does.
func (c *stickyConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}

func (c *stickyConn) Read(p []byte) (int, error) {
	if err := c.stuck(&c.readError, nil); err != nil {
		return 0, err
	}
	n, err := c.Conn.Read(p)
	c.stuck(&c.readError, err)
	return n, err
}

func (c *stickyConn) Write(p []byte) (int, error) {
	if err := c.stuck(&c.writeErr, nil); err != nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.failedWrites++
		return 0, err
	}
	n, err := c.Conn.Write(p)
	c.stuck(&c.writeErr, err)
	return n, err
}

// stuck records err if it is a timeout, and returns the recorded error.
func (c *stickyConn) stuck(first *error, err error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if *first == nil && errors.Is(err, os.ErrDeadlineExceeded) {
		*first = err
	}
	return *first
}

// secure returns both ends of a TLS connection over another connection.
func secure(t testing.TB, connection func() (client, server net.Conn)) (client, server net.Conn) {
	t.Helper()
	serverConfig, clientConfig := hosttest.TLSConfigs(t)
	// A ticket would be sent after the handshake, when nobody reads yet.
	serverConfig.SessionTicketsDisabled = true
	near, far := connection()
	c, s := tls.Client(near, clientConfig), tls.Server(far, serverConfig)
	accepted := hosttest.InBackground(s.Handshake)
	if err := c.Handshake(); err != nil {
		t.Fatal(err)
	}
	if err := hosttest.Receive(t, accepted); err != nil {
		t.Fatal(err)
	}
	return c, s
}
