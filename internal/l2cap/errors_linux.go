package l2cap

import (
	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm/internal/neterr"
)

// hints holds the likely cause of an errno, by the system call that returned
// it.
var hints = neterr.Hints{
	"socket": {
		unix.EAFNOSUPPORT:    "no Bluetooth in this kernel, or not in this network namespace: containers need the host's",
		unix.EPROTONOSUPPORT: "the kernel's Bluetooth has no L2CAP: modprobe bluetooth",
	},
	"bind": {
		unix.EACCES:     "a PSM below 0x1001 needs the capability CAP_NET_BIND_SERVICE, or root",
		unix.EADDRINUSE: "another program listens on this PSM",
	},
	"connect": {
		unix.ECONNREFUSED: "the device does not offer this L2CAP service, or refuses it without pairing",
		unix.ECONNRESET:   "the device hung up",
		unix.EHOSTDOWN:    "the device is off, asleep, out of range, or not connectable; or this is its LE address",
		unix.EHOSTUNREACH: "no Bluetooth adapter is up, or not the requested one; or this is its own address",
		unix.ETIMEDOUT:    "no answer from the device",
		unix.ENOTCONN:     "this machine was giving up another program's dial to the device: dial again",
		unix.ENOMEM:       "the link to the device is being taken down",
		unix.EALREADY:     "two programs dialed the device at once, or it dialed this machine, and the kernel lost the link",
		unix.ECONNABORTED: "the adapter was switched off or removed, or the link was being closed; dial again",
	},
	"read": {
		unix.ETIMEDOUT:    "the link was lost: the device went out of range or lost power",
		unix.ECONNABORTED: "the adapter was switched off or removed, or the link was lost",
	},
	"write": {
		unix.ETIMEDOUT:    "the link was lost: the device went out of range or lost power",
		unix.ECONNABORTED: "the adapter was switched off or removed, or the link was lost",
		unix.ECONNRESET:   "the peer has closed the connection",
		unix.ENOTCONN:     "the connection has ended",
		unix.EMSGSIZE:     "the packet is longer than the peer's MTU",
	},
}
