package bluez

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"

	"github.com/godbus/dbus/v5"

	"github.com/go-rfcomm/rfcomm/internal/neterr"
)

// An Error is an error of bluetoothd or of the system bus. errors.Is matches it
// with a variable of this package, such as [ErrPowerOff], if the cause is one of
// those.
type Error struct {
	Op     string // the operation, such as "Pair"
	Object string // its object, such as "00:AA:01:00:00:42 (hci0)"; may be empty
	Name   string // the D-Bus name of bluetoothd's error, or empty
	Text   string // bluetoothd's text, or empty
	Err    error  // the cause; may be nil if Name is not empty
}

// Error returns one line: the operation, the cause with its remedy, and the
// name and the text of bluetoothd's error.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("bluez: " + e.Op)
	if e.Object != "" {
		b.WriteString(" " + e.Object)
	}
	answer := e.Name
	if e.Text != "" {
		answer += ": " + e.Text
	}
	switch {
	case e.Err == nil:
		b.WriteString(": " + answer)
	case answer == "":
		b.WriteString(": " + e.Err.Error())
	default:
		b.WriteString(": " + e.Err.Error() + " (" + answer + ")")
	}
	return b.String()
}

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }

// Timeout reports whether a deadline has passed: that of a context, not one of
// bluetoothd or of the radio.
func (e *Error) Timeout() bool {
	var timeout net.Error
	return errors.As(e.Err, &timeout) && timeout.Timeout()
}

// Temporary is the same as Timeout.
//
// Deprecated: it exists for net.Error.
func (e *Error) Temporary() bool { return e.Timeout() }

var _ net.Error = (*Error)(nil)

// Causes of errors on this machine.
var (
	// ErrNoBus: the system bus cannot be reached, or has ended.
	ErrNoBus = errors.New("no system bus")

	// ErrNoDaemon: bluetoothd does not run, or ended before it answered.
	ErrNoDaemon = errors.New("bluetoothd is not running: start it, for example by: systemctl start bluetooth")

	// ErrDenied: the policy of the bus, or bluetoothd, denies the operation.
	ErrDenied = errors.New("denied: permit this user to send to org.bluez in the policy of the bus, or run as root or as a member of the group bluetooth")

	// ErrNoAdapter: there is no such adapter.
	ErrNoAdapter = errors.New("no such Bluetooth adapter: plug one in, or see with rfkill whether it is blocked")

	// ErrPowerOff: the adapter is off.
	ErrPowerOff = errors.New("the adapter is off: switch it on, for example by: bluetoothctl power on")

	// ErrBlocked: rfkill blocks the adapter, so that it is off. It matches
	// ErrPowerOff, too.
	ErrBlocked error = &narrower{"the adapter is blocked by rfkill: unblock it by: rfkill unblock bluetooth", ErrPowerOff}

	// ErrGone: the object does not exist any more. bluetoothd removes an
	// unpaired device about 30 s after its last use, an adapter that is
	// unplugged, and all objects when it ends.
	ErrGone = errors.New("the object does not exist any more: discover the device again")

	// ErrInProgress: another operation of this kind has not ended yet.
	ErrInProgress = errors.New("another such operation is in progress: try again when it has ended")

	// ErrRegistered: a program has registered the UUID, or this Client the
	// object, already.
	ErrRegistered = errors.New("already registered: only one program can own a UUID, so end the other one or choose another UUID")

	// ErrInvalid: bluetoothd does not accept an argument.
	ErrInvalid = errors.New("bluetoothd does not accept an argument")

	// ErrNotSupported: bluetoothd, the adapter or the device cannot do it.
	ErrNotSupported = errors.New("not supported by this version of bluetoothd, by the adapter or by the device")
)

// Causes of errors of a pairing.
var (
	// ErrPaired: the device is paired already.
	ErrPaired = errors.New("the device is paired already")

	// ErrAuthFailed: wrong PIN or passkey, or another failure.
	ErrAuthFailed = errors.New("the pairing failed or was refused: did both sides confirm it, and is the PIN or the passkey right?")

	// ErrAuthCanceled: either side cancelled the pairing, or the link was lost.
	ErrAuthCanceled = errors.New("the pairing was cancelled, by either side or because the link was lost")

	// ErrAuthRejected: the device refused to pair.
	ErrAuthRejected = errors.New("the pairing was rejected: is the device ready to be paired?")

	// ErrAuthTimeout: nobody confirmed the pairing in time.
	ErrAuthTimeout = errors.New("nobody confirmed the pairing in time, on this machine or on the device")
)

// Causes of errors of a connection.
var (
	// ErrUnreachable: the device did not answer the page.
	ErrUnreachable = errors.New("the device does not answer: is it on, in range and not connected to another machine?")

	// ErrNoProfile: no profile for the UUID is registered here, or the device
	// has no such service, or did not have it yet when bluetoothd read its
	// services.
	ErrNoProfile = errors.New("no profile for this service: register one for its UUID, and check that the services of the device include it")

	// ErrConnected: the device or the profile is connected already.
	ErrConnected = errors.New("connected already")

	// ErrNotConnected: the device or the profile is not connected.
	ErrNotConnected = errors.New("not connected")

	// ErrRefused: the device refused the connection.
	ErrRefused = errors.New("the device refused the connection: does its program run?")

	// ErrKeyMissing: the device has forgotten the pairing.
	ErrKeyMissing = errors.New("the device has forgotten the pairing: remove it on both sides and pair again")

	// ErrConnectFailed: the connection failed for another reason. ErrRefused,
	// ErrKeyMissing and ErrUnreachable do not match it.
	ErrConnectFailed = errors.New("the connection failed: try again")
)

// narrower is an error that is a case of another one.
type narrower struct {
	text string
	of   error
}

func (n *narrower) Error() string { return n.text }
func (n *narrower) Unwrap() error { return n.of }

// errClosed is the cause of calls after Close. It matches net.ErrClosed.
var errClosed error = &narrower{"the Client is closed", net.ErrClosed}

// An authError says that the bus rejects the user.
type authError struct{ err error }

func (e *authError) Error() string { return e.err.Error() }
func (e *authError) Unwrap() error { return e.err }

// authFailure returns the error of the authentication with the bus.
func authFailure(err error) error {
	var broken *net.OpError
	if errors.Is(err, io.EOF) || errors.As(err, &broken) {
		return err
	}
	return &authError{err}
}

// errBusEnded is the cause of calls after the bus has ended.
var errBusEnded error = &narrower{"the system bus has closed the connection: connect again", ErrNoBus}

// errNoPassing is the cause for a profile that could not get its connections.
var errNoPassing error = &narrower{"the system bus passes no descriptors: connect to the bus itself, not to a proxy", ErrNotSupported}

// errDaemonEnded is the cause of calls that bluetoothd has not answered.
var errDaemonEnded error = &narrower{"bluetoothd ended before it answered: try again when it runs", ErrNoDaemon}

// errDaemonGone is the state of registrations while bluetoothd does not run.
var errDaemonGone error = &narrower{"bluetoothd has ended: start it again", ErrNoDaemon}

// convert returns the error of a call.
func convert(call *dbus.Call, path dbus.ObjectPath, op string) error {
	e := &Error{Op: op, Object: describe(path), Err: neterr.Context(call.Err)}
	var answer dbus.Error
	if errors.As(call.Err, &answer) {
		e.Name, e.Text = answer.Name, errorText(answer.Body)
		e.Err = classify(answer.Name, e.Text, op)
	}
	if (e.Err == ErrPowerOff || e.failed()) && rfkilled(path) {
		e.Err = ErrBlocked
	}
	return e
}

// failed reports whether the kernel's management interface failed without a
// reason. Kernel 6.12 does so if an adapter that rfkill blocks is switched on.
func (e *Error) failed() bool { return e.Name == bluezError+"Failed" && e.Text == "Failed" }

// errorText returns the text of an error, as one line.
func errorText(body []any) string {
	if len(body) == 0 {
		return ""
	}
	text, _ := body[0].(string)
	text = strconv.Quote(strings.Join(strings.Fields(text), " "))
	return strings.ReplaceAll(text[1:len(text)-1], `\"`, `"`)
}

// describe returns the text for an object in errors: an address and the name of
// the adapter, the name of an adapter, or the path.
func describe(path dbus.ObjectPath) string {
	rest, ok := strings.CutPrefix(string(path), "/org/bluez/")
	if !ok {
		return ""
	}
	adapter, device, _ := strings.Cut(rest, "/")
	if device == "" {
		return adapter
	}
	address, ok := strings.CutPrefix(device, "dev_")
	if !ok || strings.Contains(device, "/") {
		return string(path)
	}
	return fmt.Sprintf("%s (%s)", strings.ReplaceAll(address, "_", ":"), adapter)
}

// badReply returns the error of a reply with values of unexpected types.
func badReply(path dbus.ObjectPath, op string) error {
	return &Error{Op: op, Object: describe(path), Err: errors.New("bluetoothd replied with values of unexpected types")}
}

// isNoOwner reports whether the bus answered that bluetoothd is not there.
func isNoOwner(err error) bool {
	var e dbus.Error
	return errors.As(err, &e) && classify(e.Name, "", "") == ErrNoDaemon
}
