package serial

import (
	"errors"
	"io"
	"os"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/btsocket"
)

// A linkWatch finds out why a link has ended, since the tty does not report it.
//
// It is a connectionless L2CAP socket on the link, which sends nothing. The
// kernel gives it the errno when it takes the link down (l2cap_conn_del), before
// those of the channels that were opened earlier, such as RFCOMM's. If only the
// RFCOMM connection ends, the socket stays connected. It keeps the link open
// until it is closed.
type linkWatch struct {
	mu    sync.Mutex
	fd    int // -1 if there is none
	errno unix.Errno
}

// psm3DSP is the only PSM for which a connectionless socket does not request
// authentication (l2cap_chan_check_security).
const psm3DSP = 0x0021

// watchLink returns the watch of an existing link. Without a socket it reports
// no errno.
func watchLink(local, remote rfcomm.BDAddr) *linkWatch {
	w := &linkWatch{fd: -1}
	fd, err := btsocket.NewSocket(unix.SOCK_DGRAM, unix.BTPROTO_L2CAP)
	if err != nil {
		return w
	}
	err = unix.Bind(fd, &unix.SockaddrL2{Addr: local})
	if err == nil {
		err = unix.Connect(fd, &unix.SockaddrL2{Addr: remote, PSM: psm3DSP})
	}
	if err != nil && err != unix.EINPROGRESS {
		unix.Close(fd)
		return w
	}
	w.fd = fd
	return w
}

// lost returns the errno of a link that has been lost, or 0.
func (w *linkWatch) lost() unix.Errno {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.fd >= 0 && w.errno == 0 {
		if errno, err := unix.GetsockoptInt(w.fd, unix.SOL_SOCKET, unix.SO_ERROR); err == nil {
			w.errno = unix.Errno(errno)
		}
	}
	if w.errno == unix.ECONNRESET { // the peer has ended the link
		return 0
	}
	return w.errno
}

// end returns the end of a connection as Read reports it.
func (w *linkWatch) end() error {
	if errno := w.lost(); errno != 0 {
		return os.NewSyscallError("read", errno)
	}
	return io.EOF
}

// endOfWrite returns the end of a connection as Write reports it.
func (w *linkWatch) endOfWrite() error {
	errno := w.lost()
	if errno == 0 {
		errno = unix.ECONNRESET
	}
	return os.NewSyscallError("write", errno)
}

// explain replaces the error of a connection that has ended if the link was
// lost.
func (w *linkWatch) explain(err error) error {
	if errno := w.lost(); errno != 0 && errors.Is(err, unix.ECONNRESET) {
		return os.NewSyscallError("read", errno)
	}
	return err
}

func (w *linkWatch) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.fd >= 0 {
		unix.Close(w.fd)
		w.fd = -1
	}
}
