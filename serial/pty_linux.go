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
	p := &pty{slave: -1}
	if err := p.prepare(fd, mode); err != nil {
		unix.Close(fd)
		if p.slave >= 0 {
			unix.Close(p.slave)
		}
		return nil, fmt.Errorf("making a pseudo terminal: %w", err)
	}
	p.master = os.NewFile(uintptr(fd), "/dev/ptmx")
	p.raw, _ = p.master.SyscallConn() // fails only for a nil file
	p.exclude = watchExclusion(p.name, func() { endExclusiveUse(p.slave) })
	return p, nil
}

// prepare unlocks the slave, opens it, and sets its raw mode and permissions.
func (p *pty) prepare(fd int, mode fs.FileMode) error {
	number, err := unix.IoctlGetUint32(fd, unix.TIOCGPTN)
	if err != nil {
		return os.NewSyscallError("ioctl TIOCGPTN", err)
	}
	p.name = fmt.Sprintf("/dev/pts/%d", number)
	// The mode of a terminal applies to the slave. It is set before programs can
	// open the slave.
	if err := setRaw(fd); err != nil {
		return err
	}
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		return os.NewSyscallError("ioctl TIOCSPTLCK", err)
	}
	p.slave, err = unix.Open(p.name, unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return &fs.PathError{Op: "open", Path: p.name, Err: err}
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

// setRaw sets the raw mode of cfmakeraw(3): neither echo nor signals nor any
// change of the data.
func setRaw(fd int) error {
	t, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return os.NewSyscallError("ioctl TCGETS", err)
	}
	t.Iflag &^= unix.IGNBRK | unix.BRKINT | unix.PARMRK | unix.ISTRIP | unix.INLCR | unix.IGNCR | unix.ICRNL | unix.IXON
	t.Oflag &^= unix.OPOST
	t.Lflag &^= unix.ECHO | unix.ECHONL | unix.ICANON | unix.ISIG | unix.IEXTEN
	t.Cflag = t.Cflag&^(unix.CSIZE|unix.PARENB) | unix.CS8
	t.Cc[unix.VMIN], t.Cc[unix.VTIME] = 1, 0
	return os.NewSyscallError("ioctl TCSETS", unix.IoctlSetTermios(fd, unix.TCSETS, t))
}

// Read reads data that programs have written. It waits for it until
// stopReading is called.
func (p *pty) Read(b []byte) (int, error) { return readTerminal(p.raw, b) }

// Write writes data for programs, and waits while they do not read.
func (p *pty) Write(b []byte) (int, error) { return writeTerminal(p.raw, b) }

func (p *pty) SetWriteDeadline(t time.Time) error { return p.master.SetWriteDeadline(t) }

// stopReading makes Read return an error, also a Read that waits.
func (p *pty) stopReading() { p.master.SetReadDeadline(time.Unix(1, 0)) }

// readQueued reads data that programs have written, without waiting. It returns
// 0 if there is none.
func (p *pty) readQueued(b []byte) int {
	p.master.SetReadDeadline(time.Time{})
	n := 0
	p.raw.Read(func(fd uintptr) bool {
		n, _ = btsocket.ReadNow(fd, b)
		return true
	})
	return n
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
