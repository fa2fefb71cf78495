package fakebus

import (
	"errors"
	"testing"

	"github.com/godbus/dbus/v5"
	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

// A client is a program on the bus. It answers calls with answer and keeps signals.
type client struct {
	*dbus.Conn
	signals chan *dbus.Signal
}

// connect returns a client of the system bus of the test that receives all signals of
// bluetoothd and of the bus.
func connect(t testing.TB) *client {
	t.Helper()
	conn, err := dbus.ConnectSystemBus(dbus.WithSignalHandler(dbus.NewSequentialSignalHandler()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	c := &client{conn, make(chan *dbus.Signal, 1000)}
	c.Signal(c.signals)
	if err := c.AddMatchSignal(); err != nil {
		t.Fatal(err)
	}
	return c
}

// call calls a method of bluetoothd and returns the reply, or the name and text of
// the error.
func (c *client) call(path dbus.ObjectPath, method string, body ...any) ([]any, string) {
	call := c.Object(bluezName, path).Call(method, 0, body...)
	return call.Body, describe(call.Err)
}

// describe returns the name and the text of a D-Bus error, or the text of another
// error.
func describe(err error) string {
	var e dbus.Error
	switch {
	case err == nil:
		return ""
	case errors.As(err, &e) && len(e.Body) > 0:
		text, _ := e.Body[0].(string)
		return e.Name + ": " + text
	case errors.As(err, &e):
		return e.Name
	}
	return err.Error()
}

// next returns the next signal with a name.
func (c *client) next(t testing.TB, name string) *dbus.Signal {
	t.Helper()
	for {
		if s := hosttest.Receive(t, c.signals); s.Name == name {
			return s
		}
	}
}

// want fails the test if an error is not the expected one.
func want(t testing.TB, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s: error %q, want %q", what, got, want)
	}
}

// pair returns two connected sockets. The test closes the second one.
func pair(t testing.TB) (passed, peer int) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fds[1]) })
	return fds[0], fds[1]
}

// atEnd reports whether the other side has ended a connection.
func atEnd(fd int) bool {
	n, _, err := unix.Recvfrom(fd, make([]byte, 1), unix.MSG_DONTWAIT)
	return n == 0 && err == nil
}
