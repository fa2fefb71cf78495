//go:build !linux

package bluez

import (
	"context"
	"errors"
	"io"

	"github.com/godbus/dbus/v5"
)

type busSocket struct {
	io.ReadWriteCloser
	address string
	passing bool
}

func dialBus(context.Context) (*busSocket, error) {
	return nil, &Error{Op: "connect to the system bus", Err: errors.ErrUnsupported}
}

func authMethods() []dbus.Auth { return nil }

func (*busSocket) limit(context.Context) (stop func() bool) {
	return func() bool { return true }
}

func (*busSocket) takeDescriptors() []int { return nil }

func closeAll([]int) {}

func rfkilled(dbus.ObjectPath) bool { return false }

func explainBus(err error) error { return err }
