package rfcomm

import (
	"os"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm/internal/btsocket"
	"github.com/go-rfcomm/rfcomm/internal/neterr"
)

// fileConn is FileConn with an error that is not an OpError.
func fileConn(f *os.File) (*Conn, error) {
	fd, state, err := duplicateSocket(f)
	if err != nil {
		return nil, err
	}
	socket, err := connectedSocket(fd, state)
	if err != nil {
		return nil, err
	}
	return newConn(socket, state.name, state.peer), nil
}

// connectedSocket returns the Socket for a descriptor with the given state. It
// takes ownership of fd, even if it fails.
func connectedSocket(fd int, state socketState) (*btsocket.Socket, error) {
	if state.kind == listening || state.kind == unused {
		unix.Close(fd)
		return nil, neterr.WithHint("getpeername", unix.ENOTCONN, "the socket is not connected; FileListener takes one that listens")
	}
	if err := setNonblock(fd); err != nil {
		return nil, err
	}
	return btsocket.New(fd)
}

// fileListener is FileListener with an error that is not an OpError.
func fileListener(f *os.File) (*Listener, error) {
	fd, state, err := duplicateSocket(f)
	if err != nil {
		return nil, err
	}
	if state.kind != listening {
		unix.Close(fd)
		return nil, neterr.WithHint("accept4", unix.EINVAL, "the socket does not listen; FileConn takes one that is connected")
	}
	security, err := requestedSecurity(fd)
	if err != nil {
		unix.Close(fd)
		return nil, err
	}
	if err := setNonblock(fd); err != nil {
		return nil, err
	}
	socket, err := btsocket.NewListener(fd)
	if err != nil {
		return nil, err
	}
	socket.Share()
	return &Listener{listener: socket, addr: state.name, security: security}, nil
}

// setNonblock makes a socket non-blocking; if that fails, it closes the socket.
// All duplicates share the mode, so setNonblock must not be called for a socket
// that is rejected.
func setNonblock(fd int) error {
	err := unix.SetNonblock(fd, true)
	if err != nil {
		unix.Close(fd)
	}
	return os.NewSyscallError("fcntl", err)
}

// socketState describes the state of an RFCOMM socket.
type socketState struct {
	kind       socketKind
	name, peer Addr
}

// A socketKind is a kind of RFCOMM socket that FileConn and FileListener
// distinguish.
type socketKind int

const (
	unused    socketKind = iota // neither connected nor listening
	connected                   // or connecting; the two look the same
	ended                       // was connected before
	listening
)

// duplicateSocket returns a duplicate of the RFCOMM socket in f, and its state.
func duplicateSocket(f *os.File) (fd int, state socketState, err error) {
	raw, err := f.SyscallConn()
	if err != nil {
		return -1, state, err
	}
	fd = -1
	controlErr := raw.Control(func(original uintptr) {
		fd, state, err = duplicateRFCOMM(int(original))
	})
	if controlErr != nil {
		return -1, state, os.ErrClosed // the only reason for which Control fails
	}
	return fd, state, err
}

// duplicateRFCOMM returns a duplicate of an RFCOMM socket, and its state.
func duplicateRFCOMM(original int) (fd int, state socketState, err error) {
	if err := checkRFCOMM(original); err != nil {
		return -1, state, err
	}
	fd, err = btsocket.Duplicate(original)
	if err != nil {
		return -1, state, err
	}
	if state, err = stateOf(fd); err != nil {
		unix.Close(fd)
		return -1, state, err
	}
	return fd, state, nil
}

// checkRFCOMM returns an error if fd is not an RFCOMM stream socket.
func checkRFCOMM(fd int) error {
	for _, want := range []struct{ option, value int }{
		{unix.SO_DOMAIN, unix.AF_BLUETOOTH},
		{unix.SO_TYPE, unix.SOCK_STREAM},
		{unix.SO_PROTOCOL, unix.BTPROTO_RFCOMM},
	} {
		value, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, want.option)
		if err != nil {
			return os.NewSyscallError("getsockopt", err)
		}
		if value != want.value {
			return neterr.WithHint("getsockopt", unix.EPROTOTYPE, "the descriptor is not an RFCOMM socket")
		}
	}
	return nil
}

// stateOf returns the state of a socket. SO_ACCEPTCONN is always 0 for RFCOMM,
// so the result depends on poll(2): an unused socket is writable, an ended one
// has hung up, and a listening one is neither (bt_sock_poll).
func stateOf(fd int) (socketState, error) {
	name, err := unix.Getsockname(fd)
	if err != nil {
		return socketState{}, os.NewSyscallError("getsockname", err)
	}
	state := socketState{name: addrOf(name)}
	peer, err := unix.Getpeername(fd)
	if err == nil {
		state.kind, state.peer = connected, addrOf(peer)
		return state, nil
	}
	if err != unix.ENOTCONN {
		return socketState{}, os.NewSyscallError("getpeername", err)
	}
	switch events := btsocket.PollEvents(uintptr(fd), unix.POLLOUT); {
	case events&unix.POLLHUP != 0:
		state.kind = ended
	case events&unix.POLLOUT == 0:
		state.kind = listening
	}
	return state, nil
}
