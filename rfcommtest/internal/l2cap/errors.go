package l2cap

import (
	"errors"
	"fmt"
	"syscall"

	"github.com/go-rfcomm/rfcomm/internal/neterr"
	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/hcipacket"
)

// errPowerOff is the error of calls that need power, and of the connections
// that have lost it.
var errPowerOff = errors.New("the device is switched off")

// errnos holds the errno that Linux has for each status (bt_to_errno).
var errnos = map[hcipacket.Status]syscall.Errno{
	0x01: errBadRequest,
	0x02: syscall.ENOTCONN,
	0x03: syscall.EIO,
	0x04: syscall.EHOSTDOWN,
	0x05: syscall.EACCES,
	0x06: errKeyMissing,
	0x07: syscall.ENOMEM,
	0x08: syscall.ETIMEDOUT,
	0x09: syscall.EMLINK,
	0x0a: syscall.EMLINK,
	0x0b: syscall.EALREADY,
	0x0c: syscall.EBUSY,
	0x0d: syscall.ECONNREFUSED,
	0x0e: syscall.ECONNREFUSED,
	0x0f: syscall.ECONNREFUSED,
	0x10: syscall.ETIMEDOUT,
	0x11: syscall.EOPNOTSUPP,
	0x12: syscall.EINVAL,
	0x13: syscall.ECONNRESET,
	0x14: syscall.ECONNRESET,
	0x15: syscall.ECONNRESET,
	0x16: syscall.ECONNABORTED,
	0x17: syscall.ELOOP,
	0x18: syscall.EACCES,
	0x19: syscall.EPROTO,
	0x1a: syscall.EPROTONOSUPPORT,
	0x1b: syscall.ECONNREFUSED,
	0x1e: syscall.EPROTO,
	0x20: syscall.EOPNOTSUPP,
	0x23: syscall.EPROTO,
	0x24: syscall.EPROTO,
	0x25: syscall.EPROTO,
	0x27: syscall.EOPNOTSUPP,
	0x29: syscall.EOPNOTSUPP,
	0x3c: syscall.EHOSTDOWN,
}

// statusError returns the error of a step that failed with a status. It matches
// an errno, which is ENOSYS for a status that Linux does not know.
func statusError(step string, status hcipacket.Status) error {
	errno, ok := errnos[status]
	if !ok {
		errno = syscall.ENOSYS
	}
	return neterr.WithHint(step, errno, "reason "+status.String())
}

func pageError(status hcipacket.Status) error     { return statusError("page", status) }
func securityError(status hcipacket.Status) error { return statusError("encrypt", status) }
func linkError(reason hcipacket.Status) error     { return statusError("link ended", reason) }

// refused returns the error of a channel that the peer has refused.
func refused(result Result) error {
	return neterr.WithHint("connect", syscall.ECONNREFUSED, "result "+result.String())
}

// errPeerClosed is the error of Write after the peer has closed the channel.
var errPeerClosed = neterr.WithHint("write", syscall.ECONNRESET, "the peer has closed the channel")

// errConfiguration is the error of a channel whose ends do not agree on its
// options.
var errConfiguration = errors.New("the peer does not accept the channel's configuration")

// errRejected is the error of a channel whose peer does not support connection
// requests.
var errRejected = errors.New("the peer rejected the connection request")

// errNoChannel is the error of a channel without an identifier.
var errNoChannel = errors.New("the link has no free channel identifier")

// tooLong returns the error of a packet that exceeds the peer's MTU, or of a
// frame that exceeds the maximum.
func tooLong(size, most int) error {
	return neterr.WithHint("write", syscall.EMSGSIZE, fmt.Sprintf("%d bytes; the maximum is %d", size, most))
}
