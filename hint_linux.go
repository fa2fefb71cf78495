package rfcomm

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// hintFor returns the likely cause of an errno in an operation, or "".
func hintFor(op string, errno syscall.Errno) string {
	if text := hintsByOp[op][errno]; text != "" {
		return text
	}
	return hints[errno]
}

// hints holds what is true of an errno in any operation.
var hints = map[syscall.Errno]string{
	unix.EAFNOSUPPORT:    "no Bluetooth in this kernel, or not in this network namespace: containers need the host's",
	unix.EPROTONOSUPPORT: "the kernel module rfcomm is not loaded: modprobe rfcomm",
	unix.EACCES:          "the devices are not paired, or one of them has lost the key",
	unix.EBADE:           "the devices are not paired, or one of them has lost the key",
	unix.EHOSTUNREACH:    "no Bluetooth adapter is up, or not the one asked for",
	unix.EHOSTDOWN:       "the device is off, out of range or not connectable",
	unix.ECONNABORTED:    "the adapter was switched off or removed, or the link was lost",
	unix.ETIMEDOUT:       "the link was lost: the device went out of range or lost power",
	unix.ENOSYS:          "the link ended for a reason that the kernel has no errno for",
	unix.ENOTCONN:        "the connection has ended",
}

// hintsByOp holds what is true in one operation.
var hintsByOp = map[string]map[syscall.Errno]string{
	"dial": {
		unix.ECONNREFUSED: "nothing listens on this channel, or it is not the right one",
		unix.EBUSY:        "this channel of the device is still open or closing: only one connection to it is possible",
		unix.ECONNRESET:   "the last connection to the device was closing",
		unix.ETIMEDOUT:    "no answer from the device, or nobody confirmed the pairing",
		unix.EADDRINUSE:   "the channel is taken",
	},
	"listen": {
		unix.EADDRINUSE: "another listener has this channel of the adapter",
		unix.EINVAL:     "no channel is free: all 30 have listeners",
	},
	"write": {
		unix.ECONNRESET: "the peer has closed the connection",
	},
	"close": {
		unix.ECONNRESET:   "the peer closed first: what it has read is not known",
		unix.ETIMEDOUT:    "the peer did not take what was sent, or its link was lost",
		unix.ECONNABORTED: "the link was lost before the peer acknowledged what was sent",
	},
}
