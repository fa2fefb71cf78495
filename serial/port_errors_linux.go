package serial

import (
	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm/internal/neterr"
)

const linkLost = "the link was lost: the device went out of range or lost power"

// hints holds the likely cause of an errno, by the system call that returned it.
var hints = neterr.Hints{
	"socket": {
		unix.EAFNOSUPPORT:    "no Bluetooth in this kernel, or not in this network namespace: containers need the host's",
		unix.EPROTONOSUPPORT: "the kernel module rfcomm is not loaded: modprobe rfcomm",
	},
	"ioctl": {
		unix.ECONNRESET: "the peer has closed the connection",
		unix.EOPNOTSUPP: "the kernel has no RFCOMM ttys (CONFIG_BT_RFCOMM_TTY); a pseudo terminal works without",
		unix.ENFILE:     "the kernel has no more than 256 RFCOMM ttys",
	},
	"open": {
		unix.ECONNRESET: "the peer has closed the connection",
		unix.EBUSY:      "another program uses the tty exclusively",
	},
	"read": {
		unix.ETIMEDOUT:    linkLost,
		unix.ECONNABORTED: "the adapter was switched off or removed, or the link was lost",
		unix.ECONNRESET:   "the peer has closed the connection",
		unix.ENOSYS:       "the link ended for a reason that the kernel has no errno for",
	},
	"write": {
		unix.ETIMEDOUT:    linkLost,
		unix.ECONNABORTED: "the adapter was switched off or removed, or the link was lost",
		unix.ECONNRESET:   "the peer has closed the connection",
		unix.ENOSYS:       "the link ended for a reason that the kernel has no errno for",
	},
}
