package serial

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm/internal/btsocket"
)

// A pty is a pseudo terminal whose slave other programs open.
type pty struct {
	name   string          // "/dev/pts/3"
	master *os.File        // this program's end, in the poller
	raw    syscall.RawConn // of master

	// slave keeps the slave open, so that the master can be read while no
	// program has opened it; otherwise read(2) returns EIO.
	slave   int
	exclude *exclusion
}

// openPTY returns a new pseudo terminal in raw mode.
func openPTY(mode fs.FileMode) (*pty, error) {
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: "/dev/ptmx", Err: err}
	}
	p := &pty{slave: -1, master: os.NewFile(uintptr(fd), "/dev/ptmx")}
	if err := p.prepare(fd, mode); err != nil {
		p.master.Close()
		if p.slave >= 0 {
			unix.Close(p.slave)
		}
		return nil, fmt.Errorf("making a pseudo terminal: %w", err)
	}
	p.raw, _ = p.master.SyscallConn() // fails only for a nil file
	p.exclude = watchExclusion(p.name, func() { endExclusiveUse(p.slave) })
	return p, nil
}

// prepare unlocks the slave, opens it, and sets its raw mode and permissions.
func (p *pty) prepare(fd int, mode fs.FileMode) error {
	// If the poller refuses the descriptor, os.NewFile silently falls back to
	// blocking calls.
	if err := p.master.SetDeadline(time.Time{}); err != nil {
		return err
	}
	number, err := unix.IoctlGetUint32(fd, unix.TIOCGPTN)
	if err != nil {
		return os.NewSyscallError("ioctl TIOCGPTN", err)
	}
	p.name = fmt.Sprintf("/dev/pts/%d", number)
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		return os.NewSyscallError("ioctl TIOCSPTLCK", err)
	}
	p.slave, err = unix.Open(p.name, unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return &fs.PathError{Op: "open", Path: p.name, Err: err}
	}
	if err := makeRaw(p.slave); err != nil {
		return err
	}
	return setPermissions(p.slave, mode)
}

// setPermissions sets the mode. If the group has permissions, the group becomes
// that of the process; devpts sets another one.
func setPermissions(fd int, mode fs.FileMode) error {
	if mode&0o070 != 0 {
		if err := unix.Fchown(fd, -1, unix.Getegid()); err != nil {
			return os.NewSyscallError("fchown", err)
		}
	}
	return os.NewSyscallError("fchmod", unix.Fchmod(fd, uint32(mode.Perm())))
}

// checkPlatform returns an error unless the platform has the devices.
func checkPlatform() error { return nil }

// Read reads data that programs have written. It waits for data until
// stopReading is called. If the terminal's buffer was full, Read looks for more,
// since few large writes to the connection make fuller frames than many small
// ones.
func (p *pty) Read(b []byte) (n int, err error) {
	n, err = readTerminal(p.raw, b)
	for last := n; err == nil && last >= fullRead && n < len(b); n += last {
		last = p.readNow(b[n:])
	}
	return n, err
}

// fullRead is about the size of the buffer of a terminal (N_TTY_BUF_SIZE).
const fullRead = 4000

// readNow reads data without waiting. It returns 0 if none is queued, and after
// stopReading.
func (p *pty) readNow(b []byte) (n int) {
	p.raw.Read(func(fd uintptr) bool {
		n, _ = btsocket.ReadNow(fd, b)
		return true
	})
	return n
}

// Write writes data for programs, and waits while they do not read.
func (p *pty) Write(b []byte) (int, error) { return writeTerminal(p.raw, b) }

func (p *pty) SetWriteDeadline(t time.Time) error { return p.master.SetWriteDeadline(t) }

// stopReading makes Read return an error, also a Read that waits.
func (p *pty) stopReading() { p.master.SetReadDeadline(longAgo) }

// readQueued reads data that programs have written before stopReading, until it
// returns 0.
func (p *pty) readQueued(b []byte) int {
	p.master.SetReadDeadline(time.Time{})
	return p.readNow(b)
}

// unread returns the number of bytes that programs can read now.
func (p *pty) unread() int {
	n, err := unix.IoctlGetInt(p.slave, unix.TIOCINQ)
	if err != nil {
		return 0
	}
	return n
}

// Close hangs up the programs that have the slave open, and removes the node.
// Unread data is lost.
func (p *pty) Close() error {
	p.exclude.stop()
	return errors.Join(p.master.Close(), unix.Close(p.slave))
}
