package serial

import (
	"errors"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/neterr"
)

// boundHints and releaseHints hold the likely cause of an errno of
// RFCOMMCREATEDEV for a bound tty, and of RFCOMMRELEASEDEV.
var (
	boundHints = map[error]string{
		unix.EPERM:      "a bound tty needs root, or the capability CAP_NET_ADMIN",
		unix.EADDRINUSE: "a tty with this id exists",
		unix.EBUSY:      "a connection to this channel exists",
	}
	releaseHints = map[error]string{
		unix.ENODEV:   "there is no such tty",
		unix.EALREADY: "the tty is released, and is gone when the programs that have it open close it",
		unix.EPERM:    "the tty is bound, or a program has it open: without root, or the capability CAP_NET_ADMIN, it ends when that program closes it",
	}
)

// withHint adds a hint to the error of an ioctl.
func withHint(err error, hints map[error]string) error {
	for errno, text := range hints {
		if errors.Is(err, errno) {
			return neterr.WithHint("ioctl", errno.(unix.Errno), text)
		}
	}
	return err
}

func bind(id int, local, remote rfcomm.Addr) (DeviceInfo, error) {
	var info deviceInfo
	err := onControlSocket(func(fd int) error {
		made, err := createDevice(fd, id, 0, local, remote)
		if err != nil {
			return withHint(err, boundHints)
		}
		info, err = deviceByID(fd, made)
		return err
	})
	if err != nil {
		return DeviceInfo{}, err
	}
	return info.public(), nil
}

func release(id int) error {
	return onControlSocket(func(fd int) error { return withHint(releaseDevice(fd, id), releaseHints) })
}

func devices() ([]DeviceInfo, error) {
	var all []DeviceInfo
	err := onControlSocket(func(fd int) error {
		list, err := listDevices(fd)
		for _, d := range list {
			all = append(all, d.public())
		}
		return err
	})
	return all, err
}

// public returns the description of a device for users of this package.
func (d *deviceInfo) public() DeviceInfo {
	channel := int(d.channel)
	return DeviceInfo{
		ID:     int(d.id),
		Name:   nodeName(int(d.id)),
		Local:  rfcomm.Addr{Device: kernelOrder(d.src), Channel: channel},
		Remote: rfcomm.Addr{Device: kernelOrder(d.dst), Channel: channel},
		State:  DeviceState(d.state),
		Open:   d.flags&ttyAttached != 0,
		Bound:  d.flags&releaseOnHUP == 0,
	}
}
