package rfcomm

import (
	"net"
	"os"
	"syscall"
)

// FileConn returns a connection, always a *[Conn], for the connected RFCOMM
// socket in f, such as BlueZ hands to a profile over D-Bus. It works on a
// duplicate of the descriptor: closing f does not affect the connection, nor
// Close of the connection f. The socket lives as long as either, is set to
// non-blocking for both, and ends for both in Shutdown.
//
// FileConn refuses a descriptor that is not a connected RFCOMM socket. If the
// peer has already hung up, the connection can be read to its end, and RemoteAddr
// is the zero Addr.
//
// A connection whose listener has BT_DEFER_SETUP set, which FileListener takes
// too, is completed by its first Read. Until then the peer's dial is pending, and
// Write fails with ENOTCONN. Set the option with care: Linux 6.1 crashes if the
// peer hangs up while that Read begins. Read rules out only a peer that has hung
// up before.
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
// RFCOMM socket in f, on a duplicate of its descriptor, like [FileConn]. It
// refuses a descriptor that is not a listening RFCOMM socket.
//
// The listener keeps to the security level that the socket has (BT_SECURITY),
// like one of a [ListenConfig]. Closing it leaves the pending connections to
// the other users of the socket, such as f; see [Listener.Close].
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

// fileAddr is the name of a file in the place of an address.
type fileAddr string

func (fileAddr) Network() string  { return network }
func (a fileAddr) String() string { return string(a) }
