package bluez

import (
	"context"
	"errors"
	"net"
	"os"
	"testing"

	"github.com/godbus/dbus/v5"

	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

func TestErrorIsOneLine(t *testing.T) {
	answer := dbus.Error{Name: "org.bluez.Error.ConnectionAttemptFailed", Body: []any{"Page\nTimeout\x1b[2J\n"}}
	err := convert(&dbus.Call{Err: answer}, "/org/bluez/hci0/dev_00_AA_01_00_00_42", "Pair")
	const want = "bluez: Pair 00:AA:01:00:00:42 (hci0): " +
		"the device does not answer: is it on, in range and not connected to another machine? " +
		`(org.bluez.Error.ConnectionAttemptFailed: Page Timeout\x1b[2J)`
	if err.Error() != want {
		t.Errorf("got  %v\nwant %v", err, want)
	}
}

func TestErrorWithoutCause(t *testing.T) {
	for body, want := range map[any]string{
		"Input/output error": "bluez: StartDiscovery hci1: org.bluez.Error.Failed: Input/output error",
		"":                   "bluez: StartDiscovery hci1: org.bluez.Error.Failed",
		int32(7):             "bluez: StartDiscovery hci1: org.bluez.Error.Failed",
	} {
		err := convert(&dbus.Call{Err: dbus.Error{Name: "org.bluez.Error.Failed", Body: []any{body}}}, "/org/bluez/hci1", "StartDiscovery")
		if err.Error() != want {
			t.Errorf("got %q, want %q", err, want)
		}
		var e *Error
		if !errors.As(err, &e) || e.Name != "org.bluez.Error.Failed" {
			t.Errorf("%#v is not an *Error with its name", err)
		}
	}
	err := convert(&dbus.Call{Err: &dbus.Error{Name: "org.bluez.Error.Rejected"}}, "/org/bluez", "RegisterAgent")
	if want := "bluez: RegisterAgent: org.bluez.Error.Rejected"; err.Error() != want {
		t.Errorf("got %q, want %q", err, want)
	}
}

func TestErrorTimeoutOfDeadlinesAlone(t *testing.T) {
	of := func(err error) error { return convert(&dbus.Call{Err: err}, "/org/bluez/hci0", "StartDiscovery") }
	deadline := of(context.DeadlineExceeded)
	hosttest.WantTimeoutTemporary(t, deadline, true, true)
	hosttest.WantMatches(t, deadline, []error{context.DeadlineExceeded, os.ErrDeadlineExceeded}, []error{context.Canceled, ErrNoDaemon})
	for _, err := range []error{
		of(context.Canceled),
		of(errClosed),
		of(dbus.Error{Name: "org.bluez.Error.AuthenticationTimeout", Body: []any{"Authentication Timeout"}}),
		of(dbus.Error{Name: "org.bluez.Error.Failed", Body: []any{"br-connection-timeout"}}),
	} {
		hosttest.WantTimeoutTemporary(t, err, false, false)
	}
	hosttest.WantMatches(t, of(context.Canceled), []error{context.Canceled}, []error{context.DeadlineExceeded})
	hosttest.WantMatches(t, of(errClosed), []error{net.ErrClosed}, []error{ErrNoBus})
}

func TestDescribeNamesAdapterAndDevice(t *testing.T) {
	for path, want := range map[dbus.ObjectPath]string{
		"/org/bluez/hci0":                            "hci0",
		"/org/bluez/hci12/dev_00_AA_01_00_00_42":     "00:AA:01:00:00:42 (hci12)",
		"/org/bluez/hci0/dev_00_AA_01_00_00_42/sep1": "/org/bluez/hci0/dev_00_AA_01_00_00_42/sep1",
		"/org/bluez/hci0/other":                      "/org/bluez/hci0/other",
		"/org/bluez":                                 "",
		"/":                                          "",
		"/org/freedesktop/DBus":                      "",
	} {
		if got := describe(path); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
}
