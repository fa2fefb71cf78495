package serial

import (
	"fmt"

	"github.com/go-rfcomm/rfcomm"
)

// A DeviceState is the kernel's state of an RFCOMM tty
// (include/net/bluetooth/bluetooth.h).
type DeviceState int

// The states of RFCOMM ttys that occur.
const (
	DeviceConnected     DeviceState = 1 // the connection carries data
	DeviceClean         DeviceState = 2 // bound, and not opened yet
	DeviceConnecting    DeviceState = 5 // a program has opened it
	DeviceConfiguring   DeviceState = 7 // the channel is being set up
	DeviceDisconnecting DeviceState = 8
	DeviceClosed        DeviceState = 9 // the connection has ended; an open dials again
)

var stateNames = []string{"unknown", "connected", "clean", "bound", "listening", "connecting", "connecting", "config", "disconnecting", "closed"}

// String returns the name of the state as "rfcomm show" prints it.
func (s DeviceState) String() string {
	if s < 0 || int(s) >= len(stateNames) {
		return fmt.Sprintf("state %d", int(s))
	}
	return stateNames[s]
}

// A DeviceInfo describes an RFCOMM tty of this machine.
type DeviceInfo struct {
	ID            int    // 0 to 255
	Name          string // "/dev/rfcomm0"
	Local, Remote rfcomm.Addr
	State         DeviceState
	Open          bool // a program has the tty open
	Bound         bool // stays until it is released; otherwise it belongs to a connection
}
