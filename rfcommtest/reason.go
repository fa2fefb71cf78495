package rfcommtest

import "github.com/go-rfcomm/rfcomm/rfcommtest/internal/hcipacket"

// A Reason specifies why a link ended or why a page was rejected. It is an
// error code of the Bluetooth Core Specification (Volume 1, Part F). Any code
// can be used, not only the constants below.
type Reason uint8

// Common reasons for the end of a link or the rejection of a page.
const (
	ConnectionTimeout    Reason = Reason(hcipacket.ConnectionTimeout)    // 0x08: the link was silent for the supervision timeout
	LimitedResources     Reason = Reason(hcipacket.LimitedResources)     // 0x0d: page rejected, the device is too busy
	SecurityReasons      Reason = Reason(hcipacket.SecurityReasons)      // 0x0e: page rejected
	RemoteUserTerminated Reason = Reason(hcipacket.RemoteUserTerminated) // 0x13: the other end disconnected
	RemoteLowResources   Reason = Reason(hcipacket.RemoteLowResources)   // 0x14: the other end is low on resources
	RemotePowerOff       Reason = Reason(hcipacket.RemotePowerOff)       // 0x15: the other end is about to power off
)

// String returns the reason's number and name, such as "0x08 (connection
// timeout)".
func (r Reason) String() string { return hcipacket.Status(r).String() }
