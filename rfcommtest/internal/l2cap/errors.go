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

// errnos holds the errnos of common statuses. They are those of Linux
// (bt_to_errno), except that KeyMissing there is EBADE, which other platforms
// lack.
var errnos = map[hcipacket.Status]syscall.Errno{
	hcipacket.PageTimeout:           syscall.EHOSTDOWN,
	hcipacket.AuthenticationFailure: syscall.EACCES,
	hcipacket.KeyMissing:            syscall.EACCES,
	hcipacket.PairingNotAllowed:     syscall.EACCES,
	hcipacket.ConnectionTimeout:     syscall.ETIMEDOUT,
	hcipacket.AcceptTimeout:         syscall.ETIMEDOUT,
	hcipacket.LimitedResources:      syscall.ECONNREFUSED,
	hcipacket.SecurityReasons:       syscall.ECONNREFUSED,
	hcipacket.UnacceptableAddress:   syscall.ECONNREFUSED,
	hcipacket.RemoteUserTerminated:  syscall.ECONNRESET,
	hcipacket.RemoteLowResources:    syscall.ECONNRESET,
	hcipacket.RemotePowerOff:        syscall.ECONNRESET,
}

// statusError returns the error of a step that failed with a status. It matches
// an errno, which is ECONNABORTED for an uncommon status.
func statusError(step string, status hcipacket.Status) error {
	errno, ok := errnos[status]
	if !ok {
		errno = syscall.ECONNABORTED
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

// tooLong returns the error of a packet that exceeds the peer's MTU.
func tooLong(size, mtu int) error {
	return neterr.WithHint("write", syscall.EMSGSIZE, fmt.Sprintf("%d bytes, and the peer accepts %d", size, mtu))
}
