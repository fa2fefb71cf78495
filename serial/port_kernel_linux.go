package serial

import (
	"os"
	"slices"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/btsocket"
)

// The requests are _IOW('R', nr, int) and _IOR('R', nr, int). The encoding of
// direction and size differs between architectures. TIOCSPTLCK and TIOCGPTN have
// the same form on all of them, so the requests use their upper halves.
const (
	requestWrite = unix.TIOCSPTLCK &^ 0xffff
	requestRead  = unix.TIOCGPTN &^ 0xffff

	rfcommCreateDev  = requestWrite | 'R'<<8 | 200 // RFCOMMCREATEDEV
	rfcommReleaseDev = requestWrite | 'R'<<8 | 201 // RFCOMMRELEASEDEV
	rfcommGetDevList = requestRead | 'R'<<8 | 210  // RFCOMMGETDEVLIST
	rfcommGetDevInfo = requestRead | 'R'<<8 | 211  // RFCOMMGETDEVINFO
)

// The flags of a device (include/net/bluetooth/rfcomm.h).
const (
	reuseDLC     = 1 << 0 // RFCOMM_REUSE_DLC: made from a connected socket
	releaseOnHUP = 1 << 1 // RFCOMM_RELEASE_ONHUP: removed with its last close
	hangUpNow    = 1 << 2 // RFCOMM_HANGUP_NOW: a release ends the connection
	ttyAttached  = 1 << 3 // RFCOMM_TTY_ATTACHED: a program has opened it

	// unprivileged are the flags of a device that every user may make and,
	// until it is opened, release (NOCAP_FLAGS).
	unprivileged = reuseDLC | releaseOnHUP
)

// deviceRequest is struct rfcomm_dev_req. Device addresses are stored the least
// significant byte first.
type deviceRequest struct {
	id       int16
	flags    uint32
	src, dst [6]byte
	channel  uint8
}

// deviceInfo is struct rfcomm_dev_info.
type deviceInfo struct {
	id       int16
	flags    uint32
	state    uint16
	src, dst [6]byte
	channel  uint8
}

// deviceList is struct rfcomm_dev_list_req with its array.
type deviceList struct {
	number  uint16
	devices [maxDevices]deviceInfo
}

// kernelOrder returns an address in the byte order of the kernel, and back.
func kernelOrder(a rfcomm.BDAddr) [6]byte {
	slices.Reverse(a[:])
	return a
}

// createDevice makes a device with the given flags and the addresses of a
// connection. fd is an RFCOMM socket. An id of -1 takes the first free one. It
// returns the id.
func createDevice(fd, id int, flags uint32, local, remote rfcomm.Addr) (int, error) {
	request := deviceRequest{
		id: int16(id), flags: flags,
		src: kernelOrder(local.Device), dst: kernelOrder(remote.Device), channel: uint8(remote.Channel),
	}
	return ioctl(fd, rfcommCreateDev, unsafe.Pointer(&request))
}

// releaseDevice removes a device and ends its connection.
func releaseDevice(fd, id int) error {
	_, err := ioctl(fd, rfcommReleaseDev, unsafe.Pointer(&deviceRequest{id: int16(id), flags: hangUpNow}))
	return err
}

// deviceByID returns the kernel's description of a device.
func deviceByID(fd, id int) (deviceInfo, error) {
	info := deviceInfo{id: int16(id)}
	_, err := ioctl(fd, rfcommGetDevInfo, unsafe.Pointer(&info))
	return info, err
}

// listDevices returns the kernel's list of devices.
func listDevices(fd int) ([]deviceInfo, error) {
	list := deviceList{number: maxDevices}
	if _, err := ioctl(fd, rfcommGetDevList, unsafe.Pointer(&list)); err != nil {
		return nil, err
	}
	return list.all(), nil
}

// all returns the devices of a list that the kernel has filled.
func (l *deviceList) all() []deviceInfo { return l.devices[:min(l.number, maxDevices)] }

// onControlSocket calls f with a socket for requests about devices.
func onControlSocket(f func(fd int) error) error {
	fd, err := btsocket.NewSocket(unix.SOCK_RAW, unix.BTPROTO_RFCOMM)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return f(fd)
}

// ioctl makes a system call that takes a pointer, and returns its result.
func ioctl(fd int, request uintptr, argument unsafe.Pointer) (int, error) {
	for {
		result, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), request, uintptr(argument))
		switch errno {
		case 0:
			return int(result), nil
		case unix.EINTR:
			continue
		}
		return 0, os.NewSyscallError("ioctl", errno)
	}
}
