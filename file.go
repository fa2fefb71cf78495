package rfcomm

import (
	"net"
	"os"
	"syscall"
)

// FileConn returns a connection, always a *[Conn], for the connected RFCOMM
// socket in f, such as the one that BlueZ passes to a profile over D-Bus.
// FileConn duplicates the descriptor: closing f does not affect the connection,
// and closing the connection does not affect f. The socket stays open until
// both are closed. It is set to non-blocking for both, and Shutdown ends it for
// both.
//
// FileConn returns an error if f is not a connected RFCOMM socket. If the peer
// has already disconnected, the connection can be read to its end, and
// RemoteAddr is the zero Addr.
//
// If the listener of the connection has BT_DEFER_SETUP set, which
// [FileListener] also accepts, the first Read completes the connection. Until
// then the peer's dial is pending, and Write fails with ENOTCONN. Set the
// option with care: Linux 6.1 crashes if the peer disconnects while that Read
// begins. Read prevents the crash only if the peer disconnected before it.
func FileConn(f *os.File) (net.Conn, error) {
	if f == nil {
		return nil, opError(opFile, nil, nil, syscall.EINVAL)
	}
	c, err := fileConn(f)
	if err != nil {
		return nil, opError(opFile, nil, fileAddr(f.Name()), err)
	}
	return c, nil
}

// FileListener returns a listener, always a *[Listener], for the listening
// RFCOMM socket in f. Like [FileConn], it duplicates the descriptor. It returns
// an error if f is not a listening RFCOMM socket.
//
// The listener applies the socket's security level (BT_SECURITY), as if a
// [ListenConfig] specified it. Closing the listener leaves the pending
// connections to the other users of the socket, such as f; see
// [Listener.Close].
func FileListener(f *os.File) (net.Listener, error) {
	if f == nil {
		return nil, opError(opFile, nil, nil, syscall.EINVAL)
	}
	l, err := fileListener(f)
	if err != nil {
		return nil, opError(opFile, nil, fileAddr(f.Name()), err)
	}
	return l, nil
}

// A fileAddr is the name of a file, as the Addr of an error.
type fileAddr string

func (fileAddr) Network() string  { return network }
func (a fileAddr) String() string { return string(a) }
