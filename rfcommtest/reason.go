package rfcommtest

import "github.com/go-rfcomm/rfcomm/rfcommtest/internal/hcipacket"

// A Reason tells why a link ended or was refused. It is an error code of the
// Bluetooth Core Specification (Volume 1, Part F); others than those below can be
// given, too.
type Reason uint8

// Reasons for which links end, and for which pages are refused.
const (
	ConnectionTimeout    = Reason(hcipacket.ConnectionTimeout)    // 0x08: nothing was heard for too long
	LimitedResources     = Reason(hcipacket.LimitedResources)     // 0x0d: refused, too busy
	SecurityReasons      = Reason(hcipacket.SecurityReasons)      // 0x0e: refused
	RemoteUserTerminated = Reason(hcipacket.RemoteUserTerminated) // 0x13: the other end hung up
	RemoteLowResources   = Reason(hcipacket.RemoteLowResources)   // 0x14: the other end runs low on resources
	RemotePowerOff       = Reason(hcipacket.RemotePowerOff)       // 0x15: the other end is being switched off
)

// String returns the reason's number and name.
func (r Reason) String() string { return hcipacket.Status(r).String() }
