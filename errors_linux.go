package rfcomm

import (
	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm/internal/neterr"
)

const (
	notPaired    = "the devices are not paired, or one of them has lost the key"
	notPairing   = "the devices are not paired, one of them has lost the key, or the question whether to pair was declined"
	lostNameless = "the link ended for a reason that the kernel has no errno for"
)

// hints holds the likely cause of an errno, by the system call that returned
// it.
var hints = neterr.Hints{
	"socket": {
		unix.EAFNOSUPPORT:    "no Bluetooth in this kernel, or not in this network namespace: containers need the host's",
		unix.EPROTONOSUPPORT: "the kernel module rfcomm is not loaded: modprobe rfcomm",
	},
	callBind: {
		unix.EADDRINUSE: "another listener has this channel of the adapter: choose another channel",
	},
	callConnect: {
		// dialFacts has the others.
		unix.ENOMEM: "the link to the device is being taken down, perhaps after a failed authentication: if the error persists, pair the devices again",
		unix.EALREADY: "two programs dialed the device at once, or it dialed this machine, and the kernel lost the link: " +
			`switch the adapter off and on, for example with "bluetoothctl power off" and "power on"`,
		unix.ETIMEDOUT: "no answer from the device, or nobody confirmed the pairing: " + pairingFirst,
		unix.EACCES:    notPairing,
		unix.EBADE:     notPairing,
		unix.ENOSYS:    lostNameless,
		unix.ENOTCONN:  "this machine was giving up another program's dial to the device: dial again",
		unix.EPROTO:    "the two devices began to pair at the same moment, or their adapters do not understand each other: dial again",
	},
	"read": {
		unix.ETIMEDOUT: "the link was lost: the device went out of range or lost power",
		// A clean close also has this errno if it happens during a Write of
		// several frames: the kernel reports the frames that it accepted and
		// loses the errno (bt_skb_sendmmsg).
		unix.ECONNABORTED: "the adapter was switched off or removed, the link was lost, or the peer closed while this end was writing",
		// RFCOMM_ENC_DROP in rfcomm_security_cfm.
		unix.ECONNREFUSED: "encryption was switched off, without which the connection does not have its security level",
		unix.EACCES:       notPaired,
		unix.EBADE:        notPaired,
		unix.ENOSYS:       lostNameless,
	},
	"write": {
		unix.ETIMEDOUT:    "the link was lost: the device went out of range or lost power",
		unix.ECONNABORTED: "the adapter was switched off or removed, or the link was lost",
		unix.ECONNRESET:   "the peer has closed the connection",
		unix.ENOTCONN:     "the connection has ended; or it awaits its first Read, see FileConn",
		unix.ECONNREFUSED: "encryption was switched off, without which the connection does not have its security level",
		unix.EACCES:       notPaired,
		unix.EBADE:        notPaired,
		unix.ENOSYS:       lostNameless,
	},
	"shutdown": {
		unix.ECONNRESET:   "the peer closed first, and may not have received all data",
		unix.ETIMEDOUT:    "the peer did not accept the data, or its link was lost",
		unix.ECONNABORTED: "the link was lost before the peer acknowledged the data",
		unix.ENOSYS:       lostNameless,
	},
	"ioctl": {
		unix.ENOTCONN: "the link has ended",
	},
}
