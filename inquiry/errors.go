package inquiry

import (
	"errors"
	"fmt"
	"net"
	"syscall"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/neterr"
)

const (
	opInquiry = "inquiry"

	powerOn = `switch it on, for example with "bluetoothctl power on"`
)

// hciNetwork describes the errors of this package.
var hciNetwork = neterr.Network{Name: "hci", Hints: neterr.Hints{
	"read":  gone,
	"write": gone,
	"bind":  gone,
}}

// gone holds the errnos of a socket whose adapter is gone (hci_sock_sendmsg,
// hci_sock_dev_event).
var gone = map[syscall.Errno]string{
	syscall.ENODEV:   adapterRemoved,
	syscall.EPIPE:    adapterRemoved,
	syscall.ENETDOWN: "the adapter was switched off: " + powerOn,
}

const adapterRemoved = "the adapter was removed"

// opError returns err as the error of an inquiry, with its likely cause.
func opError(adapter rfcomm.BDAddr, err error) error {
	var source net.Addr
	if !adapter.IsZero() {
		source = adapterAddr(adapter)
	}
	return hciNetwork.OpError(opInquiry, source, nil, neterr.Context(err))
}

// An adapterAddr is the address of an adapter as the Source of a net.OpError.
type adapterAddr rfcomm.BDAddr

func (adapterAddr) Network() string  { return hciNetwork.Name }
func (a adapterAddr) String() string { return rfcomm.BDAddr(a).String() }

var (
	// errCancelled is the error of an inquiry that was cancelled by the kernel or
	// by another program.
	errCancelled = errors.New("the inquiry was cancelled")

	// errNameless is the error of a name request that the device did not answer.
	errNameless = errors.New("no name")

	// errBusy is the error of a search that other programs do not let begin.
	errBusy = neterr.WithHint("inquiry", syscall.EBUSY, "another program uses the adapter for inquiries all the time")

	// errNoAnswer is the error of a command that has no answer.
	errNoAnswer = neterr.WithHint("inquiry", syscall.ETIMEDOUT, "the adapter does not answer: switch it off and on, or unplug it")
)

// A refusal is the error of a command that the controller has refused.
type refusal struct {
	opcode opcode
	status status
}

func (r *refusal) Error() string {
	return fmt.Sprintf("the adapter refused command 0x%04x: %v", uint16(r.opcode), r.status)
}

func isRefusal(err error) bool {
	_, ok := err.(*refusal)
	return ok
}

// isDisallowed reports whether err is the refusal of a controller that executes
// a similar command.
func isDisallowed(err error) bool {
	r, ok := err.(*refusal)
	return ok && r.status == commandDisallowed
}
