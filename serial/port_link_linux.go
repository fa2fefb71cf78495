package serial

import (
	"context"
	"errors"
	"io"
	"os"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/btsocket"
	"github.com/go-rfcomm/rfcomm/internal/hci"
)

// A linkWatch finds out why a connection has ended, since the tty does not report
// it.
//
// It is a connectionless L2CAP socket on the link, which sends nothing. The
// kernel gives it the errno when it takes the link down (l2cap_conn_del). If only
// the RFCOMM connection ends, the socket stays connected. It keeps the link open
// until it is closed.
type linkWatch struct {
	local, remote rfcomm.BDAddr

	mu    sync.Mutex
	fd    int // -1 if there is none
	known bool
	errno unix.Errno // why the link has ended, if known; 0 if it has not
}

// psm3DSP is the only PSM for which a connectionless socket does not request
// authentication (l2cap_chan_check_security).
const psm3DSP = 0x0021

// watchLink returns the watch of an existing link. If the socket cannot be
// connected, the errno of a lost link is ECONNABORTED, as that of a Conn for
// which the kernel keeps none.
func watchLink(local, remote rfcomm.BDAddr) *linkWatch {
	w := &linkWatch{local: local, remote: remote, fd: -1}
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

// lost returns the errno of a link that was lost, or 0 if the peer has closed the
// connection or ended the link. It must not be called before the connection has
// ended.
func (w *linkWatch) lost() unix.Errno {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.known {
		w.errno, w.known = w.find(), true
	}
	if w.errno == unix.ECONNRESET {
		return 0
	}
	return w.errno
}

// find returns why the link has ended, or 0 if it has not.
func (w *linkWatch) find() unix.Errno {
	errno := w.pending()
	if errno != 0 {
		return errno
	}
	// The kernel may have ended the RFCOMM connection first, and be about to
	// report the end of the link to this socket.
	linked, err := w.linked()
	if errno := w.pending(); errno != 0 {
		return errno
	}
	if err == nil && !linked {
		return unix.ECONNABORTED
	}
	return 0
}

// pending returns the errno of the socket.
func (w *linkWatch) pending() unix.Errno {
	if w.fd < 0 {
		return 0
	}
	errno, err := unix.GetsockoptInt(w.fd, unix.SOL_SOCKET, unix.SO_ERROR)
	if err != nil {
		return 0
	}
	return unix.Errno(errno)
}

// linked reports whether the link exists. It waits until the kernel is done with
// the end of a link, which holds the lock of the adapter (hci_dev_lock).
func (w *linkWatch) linked() (bool, error) {
	ctx, cancel := context.WithTimeout(context.Background(), stuckWait)
	defer cancel()
	return btsocket.Await(ctx, func() (bool, error) {
		links, err := hci.LinksTo(w.remote)
		_, ok := links[w.local]
		return ok, err
	})
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
	if !errors.Is(err, unix.ECONNRESET) {
		return err
	}
	if errno := w.lost(); errno != 0 {
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
