package bluez

import "strings"

// The prefixes of the names of errors.
const (
	bluezError = "org.bluez.Error."
	busError   = "org.freedesktop.DBus.Error."
)

// classify returns the cause that an error stands for, or nil. Op is the
// method. The name alone does not decide: "Failed" is the name of most causes,
// and one cause has different names in different versions.
func classify(name, text, op string) error {
	if cause := connectCauses[text]; cause != nil && strings.HasPrefix(name, bluezError) {
		return cause
	}
	if cause := failedCauses[text]; cause != nil && name == bluezError+"Failed" {
		return cause
	}
	if op == "Pair" && name == bluezError+"AlreadyExists" {
		return ErrPaired
	}
	for _, c := range nameCauses[name] {
		if strings.Contains(text, c.text) {
			return c.cause
		}
	}
	return nil
}

// connectCauses are the causes of errors of Connect and ConnectProfile since
// BlueZ 5.62, by their texts (src/error.h). Their names differ between versions.
var connectCauses = map[string]error{
	"br-connection-aborted-by-local":            ErrConnectFailed,
	"br-connection-aborted-by-remote":           ErrConnectFailed,
	"br-connection-adapter-not-powered":         ErrPowerOff,
	"br-connection-already-connected":           ErrConnected,
	"br-connection-bad-socket":                  ErrConnectFailed,
	"br-connection-busy":                        ErrInProgress,
	"br-connection-canceled":                    ErrConnectFailed,
	"br-connection-concurrent-connection-limit": ErrConnectFailed,
	"br-connection-create-socket":               ErrConnectFailed,
	"br-connection-invalid-argument":            ErrConnectFailed,
	"br-connection-key-missing":                 ErrKeyMissing,
	"br-connection-lmp-protocol-error":          ErrConnectFailed,
	"br-connection-memory-allocation":           ErrConnectFailed,
	"br-connection-not-supported":               ErrNotSupported,
	"br-connection-page-timeout":                ErrUnreachable,
	"br-connection-profile-unavailable":         ErrNoProfile,
	"br-connection-refused":                     ErrRefused,
	"br-connection-sdp-search":                  ErrConnectFailed,
	"br-connection-timeout":                     ErrConnectFailed,
	"br-connection-unknown":                     ErrConnectFailed,
}

// failedCauses are the causes of "Failed", by its text. Before BlueZ 5.62,
// Connect and ConnectProfile return the text of strerror(3), and bluetoothd
// leaves the locale at "C". The capitalized texts are those of the kernel's
// management interface (mgmt_errstr in lib/mgmt.h).
var failedCauses = map[string]error{
	"Connection refused":                      ErrRefused,
	"Connection reset by peer":                ErrConnectFailed,
	"Connection timed out":                    ErrConnectFailed,
	"Device or resource busy":                 ErrInProgress,
	"Host is down":                            ErrUnreachable,
	"No route to host":                        ErrPowerOff,
	"Operation already in progress":           ErrConnected, // EALREADY
	"Operation not supported":                 ErrNotSupported,
	"Protocol error":                          ErrConnectFailed,
	"Protocol not available":                  ErrNoProfile, // ENOPROTOOPT
	"Protocol not supported":                  ErrNotSupported,
	"Software caused connection abort":        ErrConnectFailed,
	"Too many links":                          ErrConnectFailed,
	"Transport endpoint is already connected": ErrConnected,
	"Transport endpoint is not connected":     ErrNotConnected,

	"Blocked through rfkill": ErrBlocked,
	"Not Powered":            ErrPowerOff,
	"Not Supported":          ErrNotSupported,
}

// A textCause is a cause that applies if the text contains a part.
type textCause struct {
	text  string
	cause error
}

// nameCauses are the other causes, by name. The first one whose text matches
// applies. The sources are src/error.c, src/adapter.c, src/device.c
// (new_authentication_return) and gdbus/object.c of BlueZ, and bus/dispatch.c
// and bus/connection.c of D-Bus.
var nameCauses = map[string][]textCause{
	bluezError + "AlreadyConnected":         {{"", ErrConnected}},
	bluezError + "AlreadyExists":            {{"", ErrRegistered}},
	bluezError + "AuthenticationCanceled":   {{"", ErrAuthCanceled}},
	bluezError + "AuthenticationFailed":     {{"", ErrAuthFailed}},
	bluezError + "AuthenticationRejected":   {{"", ErrAuthRejected}},
	bluezError + "AuthenticationTimeout":    {{"", ErrAuthTimeout}},
	bluezError + "Blocked":                  {{"", ErrBlocked}},
	bluezError + "BREDR.ProfileUnavailable": {{"", ErrNoProfile}},
	bluezError + "Busy":                     {{"", ErrInProgress}},
	bluezError + "ConnectionAttemptFailed":  {{"", ErrUnreachable}},
	bluezError + "DoesNotExist":             {{"", ErrGone}},
	bluezError + "InProgress":               {{"", ErrInProgress}},
	bluezError + "InvalidArguments":         {{"", ErrInvalid}},
	bluezError + "NoSuchAdapter":            {{"", ErrNoAdapter}},
	bluezError + "NotAuthorized":            {{"", ErrDenied}},
	bluezError + "NotAvailable":             {{"Operation currently not available", ErrNoProfile}}, // before 5.62
	bluezError + "NotConnected":             {{"", ErrNotConnected}},
	bluezError + "NotPermitted":             {{"UUID already registered", ErrRegistered}},
	bluezError + "NotReady":                 {{"", ErrPowerOff}},
	bluezError + "NotSupported":             {{"", ErrNotSupported}},

	busError + "AccessDenied":    {{"", ErrDenied}},
	busError + "NameHasNoOwner":  {{"", ErrNoDaemon}},
	busError + "ServiceUnknown":  {{"", ErrNoDaemon}},
	busError + "NoReply":         {{"disconnected", errDaemonEnded}},
	busError + "UnknownObject":   {{"", ErrGone}},
	busError + "UnknownMethod":   {{"", ErrNotSupported}},
	busError + "UnknownProperty": {{"", ErrNotSupported}},
	busError + "InvalidArgs":     {{"No such interface", ErrGone}, {"No such property", ErrNotSupported}, {"", ErrInvalid}},
}
