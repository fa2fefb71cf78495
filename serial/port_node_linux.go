package serial

import (
	"context"
	"fmt"
	"os"
	"os/user"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm/internal/neterr"
)

// openNode opens the node of an RFCOMM tty and puts it into raw mode. It waits
// until the node exists and can be opened, and gives up if ready returns an error.
//
// The open does not block: a blocking one waits for a carrier, and does not
// return if the connection has ended.
func openNode(ctx context.Context, name string, ready func() error) (fd int, err error) {
	wait, cancel := context.WithTimeout(ctx, nodeWait)
	defer cancel()
	for {
		if err := ready(); err != nil {
			return -1, err
		}
		fd, err := unix.Open(name, unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
		switch err {
		case nil:
			if err := makeRaw(fd); err != nil {
				unix.Close(fd)
				return -1, err
			}
			return fd, nil
		case unix.EINTR, unix.ENOENT, unix.EACCES:
		default:
			return -1, os.NewSyscallError("open", err)
		}
		select {
		case <-time.After(nodePause):
		case <-wait.Done():
			if err := ctx.Err(); err != nil {
				return -1, neterr.Context(err)
			}
			return -1, explainNode(name, err.(unix.Errno))
		}
	}
}

// explainNode returns the error of an open that has failed for nodeWait.
func explainNode(name string, errno unix.Errno) error {
	if errno != unix.EACCES {
		return neterr.WithHint("open", errno, name+" has not appeared: /dev is not the kernel's, as in most containers; a pseudo terminal works there")
	}
	owner := "a group"
	var stat unix.Stat_t
	if unix.Stat(name, &stat) == nil {
		owner = fmt.Sprintf("group %s (mode %04o)", groupName(stat.Gid), stat.Mode&0o7777)
	}
	return neterr.WithHint("open", errno, fmt.Sprintf("%s belongs to %s, and this user is not a member: "+
		"add the user to group dialout, to which udev gives serial ports, or use a pseudo terminal", name, owner))
}

func groupName(id uint32) string {
	number := strconv.FormatUint(uint64(id), 10)
	if group, err := user.LookupGroupId(number); err == nil {
		return group.Name
	}
	return number
}

// makeRaw sets raw mode. CLOCAL keeps the tty open when the peer clears its DV
// signal. A read of an open tty then also returns data that arrived before the
// open: the kernel queues such data without starting the work that delivers it
// (rfcomm_dev_data_ready), until TIOCSETD restarts that work (tty_set_ldisc).
func makeRaw(fd int) error {
	t, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return os.NewSyscallError("ioctl", err)
	}
	setRawMode(t)
	t.Cflag |= unix.CLOCAL
	if err := unix.IoctlSetTermios(fd, unix.TCSETS, t); err != nil {
		return os.NewSyscallError("ioctl", err)
	}
	return os.NewSyscallError("ioctl", unix.IoctlSetPointerInt(fd, unix.TIOCSETD, nTTY))
}

// nTTY is N_TTY, the line discipline of a terminal.
const nTTY = 0
