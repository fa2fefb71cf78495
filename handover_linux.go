package rfcomm

import (
	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm/internal/btsocket"
	"github.com/go-rfcomm/rfcomm/internal/handover"
)

// connHandedOver returns the Conn of a socket of which another process has a
// duplicate. It takes ownership of the descriptor.
func connHandedOver(s handover.Socket) (*Conn, error) {
	socket, state, err := takeOver(s)
	if err != nil {
		return nil, err
	}
	held := &heldConn{local: state.name, remote: state.peer, dialed: s.Dialed}
	if state.peer.Device.IsZero() { // the connection has ended
		held.remote = Addr{Device: s.Device, Channel: state.name.Channel}
	}
	return newHeldConn(socket, held), nil
}

// takeOver returns a Socket whose Close ends the connection for all duplicates,
// and its state. It takes ownership of the descriptor. If it fails, it ends the
// connection for the other process as well, which would otherwise keep it.
func takeOver(s handover.Socket) (*btsocket.Socket, socketState, error) {
	// A duplicate, because the descriptor may have the number of a standard
	// stream that was closed.
	fd, state, err := duplicateHandedOver(s)
	if err != nil {
		end(s.FD)
		return nil, state, err
	}
	socket, err := connectedSocket(fd, state)
	if err != nil {
		end(s.FD)
		return nil, state, err
	}
	socket.EndForAll()
	unix.Close(s.FD)
	return socket, state, nil
}

func duplicateHandedOver(s handover.Socket) (fd int, state socketState, err error) {
	if s.Any {
		fd, err = btsocket.Duplicate(s.FD)
		return fd, socketState{kind: connected}, err
	}
	return duplicateRFCOMM(s.FD)
}

// end ends the connection of a socket and closes the descriptor, on a goroutine
// because both calls can be stuck.
func end(fd int) {
	go func() {
		unix.Shutdown(fd, unix.SHUT_RDWR)
		unix.Close(fd)
	}()
}
