//go:build !linux

package adapter

import "errors"

// Available fails: only Linux is supported.
func Available() error { return errors.ErrUnsupported }

// AwaitSetUp fails.
func AwaitSetUp(Adapter) error { return errors.ErrUnsupported }

// BringUp fails.
func BringUp(Adapter, Scan) error { return errors.ErrUnsupported }

// SetScan fails.
func SetScan(Adapter, Scan) error { return errors.ErrUnsupported }

// TakeDown fails.
func TakeDown(Adapter) error { return errors.ErrUnsupported }

// AwaitGone fails.
func AwaitGone(Adapter) error { return errors.ErrUnsupported }

// AwaitNoLinks does nothing.
func AwaitNoLinks(int) {}

// AwaitRFCOMMIdle does nothing.
func AwaitRFCOMMIdle() {}

// An Agent pairs adapters.
type Agent struct{}

// NewAgent fails.
func NewAgent() (*Agent, error) { return nil, errors.ErrUnsupported }

// Pair fails.
func (*Agent) Pair(Adapter, Adapter, Association) error { return errors.ErrUnsupported }

// Unpair fails.
func (*Agent) Unpair(Adapter, [6]byte) error { return errors.ErrUnsupported }

// SetSimplePairing fails.
func (*Agent) SetSimplePairing(Adapter, bool) error { return errors.ErrUnsupported }

// SetSecureConnections fails.
func (*Agent) SetSecureConnections(Adapter, bool) error { return errors.ErrUnsupported }

// SetPIN fails.
func (*Agent) SetPIN(Adapter, string) error { return errors.ErrUnsupported }

// Release does nothing.
func (*Agent) Release(Adapter) {}

// Close does nothing.
func (*Agent) Close() error { return nil }
