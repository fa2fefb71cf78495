package hci

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm/internal/btsocket"
)

// Requests that change an adapter: _IOW('H', nr, int), whose upper half is
// taken from a request of the same form. They need CAP_NET_ADMIN.
const (
	writeRequestHigh = unix.TIOCSPTLCK &^ 0xffff

	deviceUp   = writeRequestHigh | 'H'<<8 | 201 // HCIDEVUP
	deviceDown = writeRequestHigh | 'H'<<8 | 202 // HCIDEVDOWN
	setScan    = writeRequestHigh | 'H'<<8 | 221 // HCISETSCAN
)

// Scan is what an adapter answers to.
type Scan uint32

// The values of Scan that are of use here.
const (
	ScanNothing        Scan = 0x00
	ScanInquiry        Scan = 0x01
	ScanPage           Scan = 0x02
	ScanInquiryAndPage Scan = 0x03
)

// AdapterFlags returns an adapter's address and flags. The address is zero while
// the kernel has not asked the controller for it.
func AdapterFlags(index int) (address [6]byte, flags Flags, err error) {
	info := deviceInfo{index: uint16(index)}
	err = withSocket(func(fd int) error { return ioctl(fd, getDeviceInfo, unsafe.Pointer(&info)) })
	return reversed(info.address), Flags(info.flags), err
}

// SetUp powers an adapter on. If it is on, that is no error.
func SetUp(index int) error {
	err := power(deviceUp, index)
	if errors.Is(err, unix.EALREADY) {
		return nil
	}
	return named("bringing up", index, err)
}

// SetDown powers an adapter off.
func SetDown(index int) error { return named("taking down", index, power(deviceDown, index)) }

// SetScan says what an adapter that is up answers to.
func SetScan(index int, scan Scan) error {
	request := struct {
		index uint16
		scan  uint32
	}{uint16(index), uint32(scan)} // struct hci_dev_req
	err := withSocket(func(fd int) error {
		return undisturbed(func() error { return ioctl(fd, setScan, unsafe.Pointer(&request)) })
	})
	return named("setting the scan mode of", index, err)
}

// power makes a request whose argument is the adapter's index itself.
func power(request uint, index int) error {
	return withSocket(func(fd int) error {
		return undisturbed(func() error {
			return os.NewSyscallError("ioctl", unix.IoctlSetInt(fd, request, index))
		})
	})
}

// undisturbed keeps the runtime's own signals away from a request that waits for
// the controller: the kernel would give it up, and say so in its log (hci_req_sync).
func undisturbed(request func() error) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var all, before unix.Sigset_t
	for i := range all.Val {
		all.Val[i]--
	}
	if err := unix.PthreadSigmask(unix.SIG_SETMASK, &all, &before); err != nil {
		return os.NewSyscallError("pthread_sigmask", err)
	}
	defer unix.PthreadSigmask(unix.SIG_SETMASK, &before, nil)
	return request()
}

func withSocket(f func(fd int) error) error {
	fd, err := btsocket.NewSocket(unix.SOCK_RAW, unix.BTPROTO_HCI)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return f(fd)
}

func named(action string, index int, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s hci%d: %w", action, index, err)
}
