package serial

import (
	"errors"
	"net"
	"os"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/btsocket"
	"github.com/go-rfcomm/rfcomm/internal/framing"
	"github.com/go-rfcomm/rfcomm/internal/hci"
)

const (
	// maxChunk is the length at which the kernel cuts a write(2) to a tty
	// (iterate_tty_write). The driver makes frames of each part.
	maxChunk = 2048

	// burst is the number of chunks that are written each time the driver
	// reports room, which it does when it has passed all earlier frames on.
	burst = 4
)

// chunks divides the data of writes so that the frames that the driver makes of
// each write(2) fill the packets of the adapter.
type chunks struct {
	mtu  int // of the connection; 0 if not known yet
	plan *framing.Chunker
}

func newChunks(adapter rfcomm.BDAddr) chunks {
	return chunks{plan: framing.NewChunker(func() framing.Air { return airOf(adapter) })}
}

// airOf returns the packets of an adapter, or the zero Air if they are not known.
func airOf(adapter rfcomm.BDAddr) framing.Air {
	a, err := hci.FindAddress(adapter)
	if err != nil {
		return framing.Air{}
	}
	return framing.Air{ACLLength: a.ACLLength, Packets: a.Packets}
}

// next returns the length of the next write(2).
func (c *chunks) next(rest int, first bool) int {
	n := c.plan.Next(rest, first)
	if n > maxChunk && c.mtu > 0 {
		return maxChunk / c.mtu * c.mtu
	}
	return min(n, maxChunk)
}

// wrote learns the MTU after a write(2): while the driver's queue is not empty,
// its reported length is the MTU (rfcomm_tty_chars_in_buffer).
func (c *chunks) wrote(fd int) {
	if c.mtu > 0 {
		return
	}
	if mtu, err := unix.IoctlGetInt(fd, unix.TIOCOUTQ); err == nil && 0 < mtu && mtu <= maxChunk {
		c.mtu = mtu
		c.plan.SetMTU(mtu)
	}
}

func (t *tty) write(b []byte) (n int, err error) {
	t.writeMu.Lock()
	defer t.writeMu.Unlock()
	if t.closed.Load() {
		return 0, net.ErrClosed
	}
	for n < len(b) && err == nil {
		var written int
		written, err = t.writeBurst(b[n:], n == 0)
		n += written
	}
	if errors.Is(err, unix.EIO) {
		return n, t.ended(t.link.endOfWrite)
	}
	return n, t.pollError(err)
}

// writeBurst waits until the driver has room, and then writes a few chunks. In
// raw mode the driver itself limits no write, but poll(2) reports whether it has
// room. As long as it has none, poll reports no edge either, so the wait does not
// depend on one that is past.
func (t *tty) writeBurst(b []byte, first bool) (n int, err error) {
	waitErr := t.raw.Write(func(fd uintptr) (done bool) {
		events := btsocket.PollEvents(fd, unix.POLLOUT)
		if events&unix.POLLHUP != 0 {
			err = unix.EIO
			return true
		}
		if events&unix.POLLOUT == 0 || t.closed.Load() {
			return false
		}
		n, err = t.writeChunks(int(fd), b, first)
		return n > 0 || err != unix.EAGAIN && err != unix.EINTR
	})
	if waitErr != nil {
		return n, waitErr
	}
	if n > 0 { // the next burst meets the error again
		return n, nil
	}
	return 0, os.NewSyscallError("write", err)
}

func (t *tty) writeChunks(fd int, b []byte, first bool) (n int, err error) {
	for i := 0; i < burst && n < len(b); i++ {
		written, err := btsocket.WriteNow(uintptr(fd), b[n:n+t.chunks.next(len(b)-n, first && n == 0)])
		if err != nil {
			return n, err
		}
		n += written
		t.chunks.wrote(fd)
	}
	return n, nil
}
