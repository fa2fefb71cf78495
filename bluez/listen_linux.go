package bluez

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/btsocket"
)

// Programs that look for a free channel bind to it for a moment, as package rfcomm
// does. reserve therefore makes reserveAttempts attempts, with random pauses of up
// to reservePause.
const (
	reserveAttempts = 10
	reservePause    = 5 * time.Millisecond
)

// reserve returns a socket that is bound to an address and does not listen.
func reserve(a rfcomm.Addr) (io.Closer, error) {
	for attempt := 1; ; attempt++ {
		socket, err := bound(a)
		if !errors.Is(err, unix.EADDRINUSE) || attempt == reserveAttempts {
			return socket, err
		}
		time.Sleep(rand.N(reservePause))
	}
}

// A boundSocket is the descriptor of a socket.
type boundSocket int

func (s boundSocket) Close() error { return unix.Close(int(s)) }

func bound(a rfcomm.Addr) (io.Closer, error) {
	fd, err := btsocket.NewSocket(unix.SOCK_STREAM, unix.BTPROTO_RFCOMM)
	if err != nil {
		return nil, err
	}
	address := &unix.SockaddrRFCOMM{Addr: [6]uint8(a.Device), Channel: uint8(a.Channel)}
	slices.Reverse(address.Addr[:]) // the kernel has the least significant byte first
	if err := unix.Bind(fd, address); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("bluez: reserving %v: %w", a, os.NewSyscallError("bind", err))
	}
	return boundSocket(fd), nil
}
