// Package hcictl switches Bluetooth adapters on and off and sets their scan
// mode, by the kernel's ioctls HCIDEVUP, HCIDEVDOWN and HCISETSCAN
// (net/bluetooth/hci_sock.c), which need CAP_NET_ADMIN. Tests use it for
// virtual adapters; package hci reads an adapter's state.
package hcictl

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm/internal/btsocket"
)

// The requests are _IOW('H', nr, int). The encoding of direction and size by
// _IOW differs between architectures. TIOCSPTLCK has the same form on all of
// them, so the requests use its upper half.
const (
	requestHigh = unix.TIOCSPTLCK &^ 0xffff

	hciDevUp   = requestHigh | 'H'<<8 | 201 // HCIDEVUP
	hciDevDown = requestHigh | 'H'<<8 | 202 // HCIDEVDOWN
	hciSetScan = requestHigh | 'H'<<8 | 221 // HCISETSCAN
)

// devReq is struct hci_dev_req.
type devReq struct {
	devID  uint16
	devOpt uint32
}

// A Scan is the set of requests that an adapter answers. Its values are those
// of the HCI command Write Scan Enable (Core specification, volume 4, part E,
// section 7.3.18).
type Scan uint32

const (
	ScanNothing        Scan = 0x00
	ScanInquiry        Scan = 0x01 // devices can discover the adapter
	ScanPage           Scan = 0x02 // devices can connect to it
	ScanInquiryAndPage Scan = 0x03
)

// patience limits the repetition of requests that time out.
const patience = time.Minute

// persistently repeats a request that times out. The kernel gives the controller
// 2 s for each command (HCI_CMD_TIMEOUT), in which a virtual controller on a busy
// machine may not answer.
func persistently(request func() error) error {
	for end := time.Now().Add(patience); ; {
		err := request()
		if !errors.Is(err, unix.ETIMEDOUT) || time.Now().After(end) {
			return err
		}
	}
}

// PowerOn powers an adapter on. It succeeds if the adapter is on already.
func PowerOn(index int) error {
	err := persistently(func() error { return setPower(hciDevUp, index) })
	if errors.Is(err, unix.EALREADY) {
		return nil
	}
	return withAction("powering on", index, err)
}

// PowerOff powers an adapter off.
func PowerOff(index int) error {
	return withAction("powering off", index, setPower(hciDevDown, index))
}

// SetScan sets the requests that an adapter answers. The adapter must be on.
//
// It makes the request twice. The kernel sets the scan mode itself whenever a
// link ends (hci_update_scan_sync), to a state that it records only after a
// request (hci_update_passive_scan_state). In between, it undoes the request.
func SetScan(index int, scan Scan) error {
	request := devReq{devID: uint16(index), devOpt: uint32(scan)}
	err := persistently(func() error {
		return onSocket(func(fd int) error {
			for range 2 {
				_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), hciSetScan, uintptr(unsafe.Pointer(&request)))
				if errno != 0 {
					return os.NewSyscallError("ioctl", errno)
				}
			}
			return nil
		})
	})
	return withAction("setting the scan mode of", index, err)
}

// setPower makes a request whose argument is the adapter's index itself.
func setPower(request uint, index int) error {
	return onSocket(func(fd int) error {
		return os.NewSyscallError("ioctl", unix.IoctlSetInt(fd, request, index))
	})
}

// onSocket makes a request on an HCI socket, with all signals blocked: a signal
// of the runtime would make the kernel give up a request that waits for the
// controller, and log that (hci_req_sync).
func onSocket(request func(fd int) error) error {
	fd, err := btsocket.NewSocket(unix.SOCK_RAW, unix.BTPROTO_HCI)
	if err != nil {
		return err
	}
	defer unix.Close(fd)

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
	return request(fd)
}

// withAction adds the failed action and the adapter's name to an error.
func withAction(action string, index int, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s hci%d: %w", action, index, err)
}
