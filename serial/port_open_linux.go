package serial

import (
	"context"
	"errors"
	"net"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/neterr"
)

// nodeWait is the time that udev and devtmpfs have to make a node that this
// process can open, and nodePause the time between two attempts to open it.
const (
	nodeWait  = 3 * time.Second
	nodePause = 2 * time.Millisecond
)

// stuckWait is the maximum time that a call waits for a system call that can be
// stuck behind the kernel's rfcomm_mutex.
const stuckWait = 100 * time.Millisecond

// handOver makes a tty of the connection c, opens it, and closes c. It returns
// when ctx is done, even if a system call is stuck: the rest then happens on a
// goroutine.
func handOver(ctx context.Context, c *rfcomm.Conn, local, remote rfcomm.Addr, o portOptions) (*tty, error) {
	type result struct {
		tty *tty
		err error
	}
	done := make(chan result, 1)
	go func() {
		h := handover{conn: c, local: local, remote: remote, options: o}
		tty, err := h.run(ctx)
		c.Close()
		done <- result{tty, err}
	}()
	select {
	case r := <-done:
		return r.tty, r.err
	case <-ctx.Done():
	}
	select {
	case r := <-done: // the usual case: run has seen ctx too
		return r.tty, r.err
	case <-time.After(stuckWait):
	}
	go func() {
		if r := <-done; r.err == nil {
			r.tty.close()
		}
	}()
	return nil, neterr.Context(ctx.Err())
}

// A handover turns a connection into a tty.
type handover struct {
	conn          *rfcomm.Conn
	local, remote rfcomm.Addr
	options       portOptions

	raw   syscall.RawConn // of conn
	early []byte          // data that arrived before
	id    int
}

// run makes and opens the tty. If it fails, it removes the tty.
func (h *handover) run(ctx context.Context) (*tty, error) {
	if err := ctx.Err(); err != nil {
		return nil, neterr.Context(err)
	}
	raw, err := h.conn.SyscallConn()
	if err != nil {
		return nil, err
	}
	h.raw = raw
	watch := watchLink(h.local.Device, h.remote.Device)
	tty, err := h.makeTTY(ctx, watch)
	if err != nil {
		watch.close()
		return nil, err
	}
	return tty, nil
}

func (h *handover) makeTTY(ctx context.Context, watch *linkWatch) (*tty, error) {
	if err := h.onSocket(h.create); err != nil {
		return nil, watch.explain(err)
	}
	name := nodeName(h.id)
	fd, err := openNode(ctx, name, h.connected)
	if err == nil {
		err = h.check(fd)
	}
	if err != nil {
		if ended := h.connected(); ended != nil {
			err = ended // the cause of EIO, for example
		}
		h.undo(fd)
		return nil, watch.explain(err)
	}
	return newTTY(fd, name, h.early, watch, h.local.Device)
}

// create drains the socket and makes the device. The two calls follow each
// other closely, since data that arrives in between is echoed by the tty: the
// open delivers it before raw mode is set (rfcomm_tty_copy_pending).
func (h *handover) create(fd int) error {
	releaseAbandoned(fd, h.local, h.remote)
	if !h.options.undrained {
		early, err := drainSocket(fd)
		if err != nil {
			return err
		}
		h.early = early
	}
	id, err := createDevice(fd, -1, unprivileged, h.local, h.remote)
	if errors.Is(err, unix.EBADFD) { // the socket is not connected any more
		return os.NewSyscallError("ioctl", unix.ECONNRESET)
	}
	h.id = id
	return err
}

// check returns an error unless the open device has its connection. If the
// connection had ended before the open, the open has dialed again
// (rfcomm_dev_activate).
func (h *handover) check(tty int) error {
	if err := h.connected(); err != nil || !h.options.exclusive {
		return err
	}
	return os.NewSyscallError("ioctl", unix.IoctlSetInt(tty, unix.TIOCEXCL, 0))
}

// connected returns an error unless the device has its connection. A device that
// is gone was removed because its connection ended.
func (h *handover) connected() error {
	return h.onSocket(func(fd int) error {
		info, err := deviceByID(fd, h.id)
		if err == nil && DeviceState(info.state) != DeviceConnected || errors.Is(err, unix.ENODEV) {
			err = os.NewSyscallError("open", unix.ECONNRESET)
		}
		return err
	})
}

// undo removes the device. fd is the opened tty, or -1.
func (h *handover) undo(fd int) {
	if fd >= 0 {
		unix.IoctlSetInt(fd, unix.TCFLSH, unix.TCIOFLUSH)
		unix.Close(fd)
		return
	}
	h.onSocket(func(fd int) error { return releaseDevice(fd, h.id) })
}

// onSocket calls f with the descriptor of the connection.
func (h *handover) onSocket(f func(fd int) error) error {
	var result error
	if err := h.raw.Control(func(fd uintptr) { result = f(int(fd)) }); err != nil {
		return net.ErrClosed // the only reason for which Control fails
	}
	return result
}

// drainSocket returns the received data of a socket.
func drainSocket(fd int) ([]byte, error) {
	var data []byte
	buffer := make([]byte, 4096)
	for {
		n, _, err := unix.Recvfrom(fd, buffer, unix.MSG_DONTWAIT)
		switch {
		case err == unix.EINTR:
		case err == unix.EAGAIN, err == nil && n == 0:
			return data, nil
		case err != nil:
			return nil, os.NewSyscallError("read", err)
		default:
			data = append(data, buffer[:n]...)
		}
	}
}

// releaseAbandoned releases the devices that a process has made for the same
// connection and left behind when it was killed: they were never opened, and
// their connection has ended.
func releaseAbandoned(fd int, local, remote rfcomm.Addr) {
	devices, _ := listDevices(fd)
	for _, d := range devices {
		if d.flags == unprivileged && DeviceState(d.state) == DeviceClosed &&
			d.src == kernelOrder(local.Device) && d.dst == kernelOrder(remote.Device) && int(d.channel) == remote.Channel {
			releaseDevice(fd, int(d.id))
		}
	}
}
