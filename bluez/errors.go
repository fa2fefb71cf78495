package bluez

import (
	"context"
	"errors"
	"strings"

	"github.com/godbus/dbus/v5"
)

// An Error is an error of bluetoothd or of the system bus. errors.Is matches it
// with one of the sentinels of this package.
type Error struct {
	Op     string // such as "Pair"
	Object string // the path of the object; may be empty
	Name   string // the D-Bus name of the error; may be empty
	Text   string // bluetoothd's own text; may be empty
	Err    error  // the sentinel, or the cause
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("bluez: " + e.Op)
	if e.Object != "" {
		b.WriteString(" " + e.Object)
	}
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	if e.Name != "" {
		b.WriteString(" (" + e.Name)
		if e.Text != "" {
			b.WriteString(": " + e.Text)
		}
		b.WriteString(")")
	}
	return b.String()
}

func (e *Error) Unwrap() error { return e.Err }

// The causes of errors.
var (
	ErrNoBus    = errors.New("no system bus")
	ErrNoDaemon = errors.New("bluetoothd is not running")
	ErrGone     = errors.New("the object no longer exists")
)

var (
	errClosed   = errors.New("bluez: the Client is closed")
	errBusEnded = &Error{Op: "use the system bus", Err: ErrNoBus}
)

// connectError returns the error of an attempt to connect to the bus.
func connectError(ctx context.Context, address string, err error) error {
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	return &Error{Op: "connect to the system bus at", Object: address, Err: err}
}

// convert returns the error of a call.
func (c *Client) convert(ctx context.Context, call *dbus.Call, path dbus.ObjectPath, op string) error {
	var e dbus.Error
	if errors.As(call.Err, &e) {
		text, _ := firstString(e.Body)
		return &Error{Op: op, Object: string(path), Name: e.Name, Text: text, Err: classify(e.Name, text)}
	}
	return &Error{Op: op, Object: string(path), Err: call.Err}
}

func firstString(body []any) (string, bool) {
	if len(body) == 0 {
		return "", false
	}
	text, ok := body[0].(string)
	return text, ok
}

// classify returns the sentinel for an error of bluetoothd or of the bus.
func classify(name, text string) error {
	switch name {
	case "org.freedesktop.DBus.Error.ServiceUnknown", "org.freedesktop.DBus.Error.NameHasNoOwner":
		return ErrNoDaemon
	case "org.freedesktop.DBus.Error.UnknownObject", "org.bluez.Error.DoesNotExist":
		return ErrGone
	}
	return nil
}

func isNoOwner(err error) bool {
	var e dbus.Error
	return errors.As(err, &e) && classify(e.Name, "") == ErrNoDaemon
}

// badReply returns the error of a reply with unexpected values.
func badReply(path dbus.ObjectPath, op string, err error) error {
	return &Error{Op: op, Object: string(path), Err: err}
}
