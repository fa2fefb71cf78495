package serial

import (
	"cmp"
	"fmt"
	"net"
	"slices"
	"strconv"

	"github.com/go-rfcomm/rfcomm"
)

// A DeviceInfo describes an RFCOMM tty of this machine.
type DeviceInfo struct {
	ID            int         // 0 to 255
	Name          string      // the path of the node, such as "/dev/rfcomm0"
	Local, Remote rfcomm.Addr // both have the channel; a zero Local.Device is any adapter
	State         DeviceState

	// Open reports whether a program has the tty open.
	Open bool

	// Bound reports whether the tty was made by Bind, or by "rfcomm bind", and
	// stays until it is released. Otherwise it was made from a connection and
	// ends with it.
	Bound bool
}

// A DeviceState is the kernel's state of an RFCOMM tty
// (include/net/bluetooth/bluetooth.h).
type DeviceState int

// The states of RFCOMM ttys.
const (
	DeviceConnected     DeviceState = 1 // carries data
	DeviceClean         DeviceState = 2 // bound, and not opened yet
	DeviceBound         DeviceState = 3 // does not occur
	DeviceListening     DeviceState = 4 // does not occur
	DeviceConnecting    DeviceState = 5 // the link is being established
	DeviceConnecting2   DeviceState = 6 // does not occur
	DeviceConfiguring   DeviceState = 7 // the channel is being established
	DeviceDisconnecting DeviceState = 8
	DeviceClosed        DeviceState = 9 // the connection has ended; the next open dials
)

var deviceStateNames = map[DeviceState]string{
	DeviceConnected: "connected", DeviceClean: "clean", DeviceBound: "bound", DeviceListening: "listening",
	DeviceConnecting: "connecting", DeviceConnecting2: "connecting", DeviceConfiguring: "config",
	DeviceDisconnecting: "disconnecting", DeviceClosed: "closed",
}

// String returns the name that rfcomm(1) prints, such as "clean".
func (s DeviceState) String() string {
	if name, ok := deviceStateNames[s]; ok {
		return name
	}
	return "state " + strconv.Itoa(int(s))
}

// maxDevices is the number of RFCOMM ttys that a machine can have
// (RFCOMM_MAX_DEV).
const maxDevices = 256

// Bind makes an RFCOMM tty that connects to remote when a program opens it, and
// disconnects when the last program closes it, as "rfcomm bind" does. The id is
// the number in the tty's name, or -1 for the first free one. The connection uses
// the adapter local.Device, or any adapter if it is zero; local.Channel has no
// effect. The tty stays until [Release], even if this process ends.
//
// Bind needs root (CAP_NET_ADMIN). Errors are *net.OpError, which match
// EADDRINUSE if the id is in use, EBUSY if the adapter has a connection to the
// channel, and EPERM without the privilege.
//
// A bound tty is a substitute for programs that cannot wait: the kernel connects
// at the lowest security level, without a time limit or the cause of an error.
// Programs must open it with O_NONBLOCK: if the device is absent, an open without
// it does not return (tty_port_block_til_ready). Prefer a Device.
func Bind(id int, local, remote rfcomm.Addr) (DeviceInfo, error) {
	info, err := checkedBind(id, local, remote)
	if err != nil {
		return DeviceInfo{}, network.OpError(opBind, nil, remote, err)
	}
	return info, nil
}

func checkedBind(id int, local, remote rfcomm.Addr) (DeviceInfo, error) {
	if id < -1 || id >= maxDevices {
		return DeviceInfo{}, fmt.Errorf("invalid id %d of a tty: want 0 to %d, or -1 for the first free one", id, maxDevices-1)
	}
	if remote.Device.IsZero() {
		return DeviceInfo{}, &net.AddrError{Err: "missing device address: a bound tty needs one", Addr: remote.String()}
	}
	if remote.Channel < 1 || remote.Channel > 30 {
		return DeviceInfo{}, &net.AddrError{Err: "invalid channel: want 1 to 30", Addr: remote.String()}
	}
	return bind(id, local, remote)
}

// Release removes an RFCOMM tty and ends its connection. Programs that have it
// open read its end; the tty is gone when they have closed it.
//
// Release needs root (CAP_NET_ADMIN), except for a tty that a program has made
// from a connection and never opened. Errors are *net.OpError, which match ENODEV
// if there is no such tty, EALREADY if it is released but still open, and EPERM
// without the privilege.
func Release(id int) error {
	var err error
	if id < 0 || id >= maxDevices {
		err = fmt.Errorf("invalid id %d of a tty: want 0 to %d", id, maxDevices-1)
	} else {
		err = release(id)
	}
	if err != nil {
		return network.OpError(opRelease, nil, ttyAddr(nodeName(id)), err)
	}
	return nil
}

// Devices returns the RFCOMM ttys of this machine in the order of their ids, as
// "rfcomm -a" lists them. It needs no privilege. Errors are *net.OpError; they
// match EOPNOTSUPP if the kernel has no RFCOMM ttys.
func Devices() ([]DeviceInfo, error) {
	all, err := devices()
	if err != nil {
		return nil, network.OpError(opList, nil, nil, err)
	}
	slices.SortFunc(all, func(a, b DeviceInfo) int { return cmp.Compare(a.ID, b.ID) })
	return all, nil
}

// nodeName returns the path of the node of a tty.
func nodeName(id int) string { return "/dev/rfcomm" + strconv.Itoa(id) }

// A ttyAddr is the name of a tty, as the Addr of an error.
type ttyAddr string

func (ttyAddr) Network() string  { return network.Name }
func (a ttyAddr) String() string { return string(a) }
