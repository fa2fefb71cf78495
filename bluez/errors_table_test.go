package bluez

import (
	"errors"
	"testing"
)

// The rows are errors of BlueZ 5.50 to 5.87 (src/error.[ch], src/adapter.c,
// src/device.c, src/profile.c, gdbus/object.c) and of dbus-daemon 1.14
// (bus/dispatch.c, bus/connection.c, bus/bus.c).
func TestClassifyKnowsTheErrorsOfAllVersions(t *testing.T) {
	for _, tt := range []struct {
		op, name, text string
		want           error
	}{
		// Device1.Pair
		{"Pair", "org.bluez.Error.ConnectionAttemptFailed", "Page Timeout", ErrUnreachable},
		{"Pair", "org.bluez.Error.AuthenticationFailed", "Authentication Failed", ErrAuthFailed},
		{"Pair", "org.bluez.Error.AuthenticationCanceled", "Authentication Canceled", ErrAuthCanceled},
		{"Pair", "org.bluez.Error.AuthenticationRejected", "Authentication Rejected", ErrAuthRejected},
		{"Pair", "org.bluez.Error.AuthenticationTimeout", "Authentication Timeout", ErrAuthTimeout},
		{"Pair", "org.bluez.Error.AlreadyExists", "Already Exists", ErrPaired},
		{"Pair", "org.bluez.Error.AlreadyExists", "Already Paired", ErrPaired},
		{"Pair", "org.bluez.Error.InProgress", "In Progress", ErrInProgress},
		{"Pair", "org.bluez.Error.Failed", "Input/output error", nil},
		{"CancelPairing", "org.bluez.Error.DoesNotExist", "Does Not Exist", ErrGone},

		// Device1.Connect and ConnectProfile since 5.62
		{"ConnectProfile", "org.bluez.Error.InProgress", "br-connection-busy", ErrInProgress},
		{"ConnectProfile", "org.bluez.Error.NotReady", "br-connection-adapter-not-powered", ErrPowerOff},
		{"ConnectProfile", "org.bluez.Error.NotAvailable", "br-connection-profile-unavailable", ErrNoProfile},
		{"ConnectProfile", "org.bluez.Error.Failed", "br-connection-profile-unavailable", ErrNoProfile},
		{"ConnectProfile", "org.bluez.Error.BREDR.ProfileUnavailable", "No more profiles to connect to", ErrNoProfile}, // 5.84
		{"ConnectProfile", "org.bluez.Error.Failed", "br-connection-already-connected", ErrConnected},
		{"ConnectProfile", "org.bluez.Error.Failed", "br-connection-page-timeout", ErrUnreachable},
		{"ConnectProfile", "org.bluez.Error.Failed", "br-connection-sdp-search", ErrConnectFailed},
		{"ConnectProfile", "org.bluez.Error.Failed", "br-connection-create-socket", ErrConnectFailed},
		{"ConnectProfile", "org.bluez.Error.Failed", "br-connection-invalid-argument", ErrConnectFailed},
		{"ConnectProfile", "org.bluez.Error.Failed", "br-connection-adapter-not-powered", ErrPowerOff},
		{"ConnectProfile", "org.bluez.Error.Failed", "br-connection-not-supported", ErrNotSupported},
		{"ConnectProfile", "org.bluez.Error.Failed", "br-connection-bad-socket", ErrConnectFailed},
		{"ConnectProfile", "org.bluez.Error.Failed", "br-connection-memory-allocation", ErrConnectFailed},
		{"ConnectProfile", "org.bluez.Error.Failed", "br-connection-busy", ErrInProgress},
		{"ConnectProfile", "org.bluez.Error.Failed", "br-connection-concurrent-connection-limit", ErrConnectFailed},
		{"ConnectProfile", "org.bluez.Error.Failed", "br-connection-timeout", ErrConnectFailed},
		{"ConnectProfile", "org.bluez.Error.Failed", "br-connection-refused", ErrRefused},
		{"ConnectProfile", "org.bluez.Error.Failed", "br-connection-aborted-by-remote", ErrConnectFailed},
		{"ConnectProfile", "org.bluez.Error.Failed", "br-connection-aborted-by-local", ErrConnectFailed},
		{"ConnectProfile", "org.bluez.Error.Failed", "br-connection-lmp-protocol-error", ErrConnectFailed},
		{"ConnectProfile", "org.bluez.Error.Failed", "br-connection-canceled", ErrConnectFailed},
		{"ConnectProfile", "org.bluez.Error.Failed", "br-connection-key-missing", ErrKeyMissing}, // 5.70
		{"ConnectProfile", "org.bluez.Error.Failed", "br-connection-unknown", ErrConnectFailed},

		// Device1.Connect and ConnectProfile before 5.62: strerror(3)
		{"ConnectProfile", "org.bluez.Error.InProgress", "In Progress", ErrInProgress},
		{"ConnectProfile", "org.bluez.Error.NotReady", "Resource Not Ready", ErrPowerOff},
		{"ConnectProfile", "org.bluez.Error.NotAvailable", "Operation currently not available", ErrNoProfile},
		{"ConnectProfile", "org.bluez.Error.Failed", "Protocol not available", ErrNoProfile},
		{"ConnectProfile", "org.bluez.Error.Failed", "Operation already in progress", ErrConnected},
		{"ConnectProfile", "org.bluez.Error.Failed", "Transport endpoint is already connected", ErrConnected},
		{"ConnectProfile", "org.bluez.Error.Failed", "Host is down", ErrUnreachable},
		{"ConnectProfile", "org.bluez.Error.Failed", "No route to host", ErrPowerOff},
		{"ConnectProfile", "org.bluez.Error.Failed", "Operation not supported", ErrNotSupported},
		{"ConnectProfile", "org.bluez.Error.Failed", "Protocol not supported", ErrNotSupported},
		{"ConnectProfile", "org.bluez.Error.Failed", "Device or resource busy", ErrInProgress},
		{"ConnectProfile", "org.bluez.Error.Failed", "Too many links", ErrConnectFailed},
		{"ConnectProfile", "org.bluez.Error.Failed", "Connection timed out", ErrConnectFailed},
		{"ConnectProfile", "org.bluez.Error.Failed", "Connection refused", ErrRefused},
		{"ConnectProfile", "org.bluez.Error.Failed", "Connection reset by peer", ErrConnectFailed},
		{"ConnectProfile", "org.bluez.Error.Failed", "Software caused connection abort", ErrConnectFailed},
		{"ConnectProfile", "org.bluez.Error.Failed", "Protocol error", ErrConnectFailed},

		// Disconnect and DisconnectProfile
		{"Disconnect", "org.bluez.Error.NotConnected", "Not Connected", ErrNotConnected},
		{"Disconnect", "org.bluez.Error.Failed", "Transport endpoint is not connected", ErrNotConnected},
		{"DisconnectProfile", "org.bluez.Error.NotSupported", "Operation is not supported", ErrNotSupported},
		{"DisconnectProfile", "org.bluez.Error.AlreadyConnected", "Already Connected", ErrConnected},

		// ProfileManager1 and AgentManager1
		{"RegisterProfile", "org.bluez.Error.NotPermitted", "UUID already registered", ErrRegistered},
		{"RegisterProfile", "org.bluez.Error.NotPermitted", "another reason", nil},
		{"RegisterProfile", "org.bluez.Error.AlreadyExists", "Already Exists", ErrRegistered},
		{"RegisterProfile", "org.bluez.Error.InvalidArguments", "Invalid arguments in method call", ErrInvalid},
		{"RegisterAgent", "org.bluez.Error.AlreadyExists", "Already Exists", ErrRegistered},
		{"RequestDefaultAgent", "org.bluez.Error.DoesNotExist", "Does Not Exist", ErrGone},

		// Adapter1
		{"StartDiscovery", "org.bluez.Error.NotReady", "Resource Not Ready", ErrPowerOff},
		{"StartDiscovery", "org.bluez.Error.InProgress", "Operation already in progress", ErrInProgress},
		{"StopDiscovery", "org.bluez.Error.NotAuthorized", "Operation Not Authorized", ErrDenied},
		{"StopDiscovery", "org.bluez.Error.Failed", "No discovery started", nil},
		{"RemoveDevice", "org.bluez.Error.DoesNotExist", "Does Not Exist", ErrGone},
		{"set Powered of", "org.bluez.Error.Blocked", "Blocked through rfkill", ErrBlocked},
		{"set Powered of", "org.bluez.Error.Busy", "", ErrInProgress},
		{"set Discoverable of", "org.bluez.Error.Failed", "Not Powered", ErrPowerOff},
		{"set Discoverable of", "org.bluez.Error.Failed", "Not Supported", ErrNotSupported},
		{"set Discoverable of", "org.bluez.Error.Failed", "Blocked through rfkill", ErrBlocked},
		{"FindAdapter", "org.bluez.Error.NoSuchAdapter", "No such adapter", ErrNoAdapter},

		// gdbus and libdbus
		{"Pair", "org.freedesktop.DBus.Error.UnknownObject", `Method "Pair" with signature "" on interface "org.bluez.Device1" doesn't exist`, ErrGone},
		{"Pair", "org.freedesktop.DBus.Error.UnknownMethod", `Method "Pair" with signature "s" on interface "org.bluez.Device1" doesn't exist`, ErrNotSupported},
		{"get Alias of", "org.freedesktop.DBus.Error.InvalidArgs", "No such interface 'org.bluez.Device1'", ErrGone},
		{"get RSSI of", "org.freedesktop.DBus.Error.InvalidArgs", "No such property 'RSSI'", ErrNotSupported},
		{"set Trusted of", "org.freedesktop.DBus.Error.UnknownProperty", "No such property 'Trusted'", ErrNotSupported},
		{"set Trusted of", "org.freedesktop.DBus.Error.InvalidArgs", "Invalid argument type: 's'", ErrInvalid},

		// The bus
		{"Pair", "org.freedesktop.DBus.Error.ServiceUnknown", "The name org.bluez was not provided by any .service files", ErrNoDaemon},
		{"Pair", "org.freedesktop.DBus.Error.NameHasNoOwner", `Name ":1.7" does not exist`, ErrNoDaemon},
		{"Pair", "org.freedesktop.DBus.Error.NoReply", "Message recipient disconnected from message bus without replying", ErrNoDaemon},
		{"Pair", "org.freedesktop.DBus.Error.NoReply", "Message did not receive a reply (timeout by message bus)", nil},
		{"Pair", "org.freedesktop.DBus.Error.AccessDenied", `Rejected send message, 2 matched rules; type="method_call"`, ErrDenied},

		// The name or the text alone is not enough.
		{"Pair", "org.bluez.Error.Failed", "", nil},
		{"Pair", "org.example.Error.Failed", "br-connection-refused", nil},
		{"Pair", "org.bluez.Error.NotPermitted", "Connection refused", nil},
	} {
		got := classify(tt.name, tt.text, tt.op)
		if tt.want == nil && got != nil || !errors.Is(got, tt.want) {
			t.Errorf("%s: %s: %q: %v, want %v", tt.op, tt.name, tt.text, got, tt.want)
		}
	}
}

func TestCausesAreDistinct(t *testing.T) {
	causes := []error{
		ErrNoBus, ErrNoDaemon, ErrDenied, ErrNoAdapter, ErrPowerOff, ErrGone, ErrInProgress, ErrRegistered,
		ErrInvalid, ErrNotSupported, ErrPaired, ErrAuthFailed, ErrAuthCanceled, ErrAuthRejected, ErrAuthTimeout,
		ErrUnreachable, ErrNoProfile, ErrConnected, ErrNotConnected, ErrRefused, ErrKeyMissing, ErrConnectFailed,
	}
	for i, a := range causes {
		for j, b := range causes {
			if errors.Is(a, b) != (i == j) {
				t.Errorf("%v matches %v: %t", a, b, i != j)
			}
		}
	}
	if !errors.Is(ErrBlocked, ErrPowerOff) || errors.Is(ErrPowerOff, ErrBlocked) {
		t.Error("a blocked adapter is off, but not every adapter that is off is blocked")
	}
}
