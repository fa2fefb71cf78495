package serial

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// openUART opens a port and sets it up.
func openUART(name string, o LineOptions) (*uart, error) {
	// A blocking open would wait for CD.
	file, err := os.OpenFile(name, os.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, explainOpen(name, err)
	}
	u := &uart{file: file, flow: o.Flow, outputs: newOutputs(), closed: make(chan struct{})}
	if u.raw, err = file.SyscallConn(); err == nil {
		err = u.setUp(o)
	}
	if err != nil {
		file.Close()
		return nil, explainOpen(name, err)
	}
	return u, nil
}

// setUp makes the access exclusive and configures the port.
func (u *uart) setUp(o LineOptions) error {
	return u.control(func(fd int) error {
		settings, err := unix.IoctlGetTermios(fd, getSettings)
		if err != nil {
			return err
		}
		if err := claimPort(fd); err != nil {
			return err
		}
		err = configure(fd, settings, o)
		if err == nil {
			// Fails if the file is not in the poller, without which no call
			// could be ended.
			err = u.file.SetDeadline(time.Time{})
		}
		if err == nil {
			err = unix.IoctlSetInt(fd, unix.TCFLSH, unix.TCIFLUSH)
		}
		if err != nil {
			unix.IoctlSetInt(fd, unix.TIOCNXCL, 0)
		}
		return err
	})
}

// claimPort makes the access exclusive. TIOCEXCL has no effect on root, so the
// port is locked as well.
func claimPort(fd int) error {
	if exclusive, err := unix.IoctlGetInt(fd, unix.TIOCGEXCL); err == nil && exclusive != 0 {
		return unix.EBUSY
	}
	switch err := unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB); err {
	case nil:
	case unix.EWOULDBLOCK:
		return unix.EBUSY
	default:
		return err
	}
	return unix.IoctlSetInt(fd, unix.TIOCEXCL, 0)
}

// explainOpen returns the error of an open without the name, and with its cause.
func explainOpen(name string, err error) error {
	if path := (*os.PathError)(nil); errors.As(err, &path) {
		err = path.Err
	}
	switch {
	case errors.Is(err, unix.EACCES):
		return withReason(unix.EACCES, whoMayOpen(name))
	case errors.Is(err, unix.EBUSY):
		return withReason(unix.EBUSY, "another program uses the port")
	case errors.Is(err, unix.ENOTTY):
		return withReason(unix.ENOTTY, "not a serial port")
	case errors.Is(err, unix.EIO):
		return withReason(unix.EIO, "the name has no hardware")
	}
	return withoutTimeout(err)
}

// withoutTimeout replaces an errno for which net.Error's Timeout is true: only a
// deadline is a timeout. A USB adapter that does not answer a request causes
// ETIMEDOUT.
func withoutTimeout(err error) error {
	if errno, ok := errors.AsType[unix.Errno](err); ok && errno.Timeout() {
		return withReason(errno, "the hardware has not answered")
	}
	return err
}

// whoMayOpen describes the permissions of a port that this user cannot open.
func whoMayOpen(name string) string {
	var stat unix.Stat_t
	if err := unix.Stat(name, &stat); err != nil {
		return "not even its permissions can be read"
	}
	if stat.Mode&0o060 != 0o060 {
		return "only " + userName(stat.Uid) + " may open the port; udev usually gives serial ports to group dialout"
	}
	return "the port belongs to group " + groupName(stat.Gid) + ": add the user to it, then log in again"
}

// userName returns the name of a user, or the number.
func userName(id uint32) string {
	number := strconv.FormatUint(uint64(id), 10)
	if user, err := user.LookupId(number); err == nil {
		return user.Username
	}
	return number
}

// withReason returns an error that matches errno, with its cause.
func withReason(errno unix.Errno, reason string) error {
	return fmt.Errorf("%w (%s)", errno, reason)
}
