//go:build !linux

// Package adapter does with the kernel's adapters what the person at a machine
// does. Elsewhere than on Linux it does nothing.
package adapter

import "errors"

// Available fails: only Linux has what is needed.
func Available() error { return errors.ErrUnsupported }

// BringUp fails.
func BringUp(int, [6]byte) error { return errors.ErrUnsupported }

// TakeDown fails.
func TakeDown(int) error { return errors.ErrUnsupported }

// AwaitGone fails.
func AwaitGone(int, [6]byte) error { return errors.ErrUnsupported }

// AwaitNoLinks does nothing.
func AwaitNoLinks(int) {}

// An Agent pairs adapters.
type Agent struct{}

// NewAgent fails.
func NewAgent() (*Agent, error) { return nil, errors.ErrUnsupported }

// Pair fails.
func (*Agent) Pair(int, [6]byte, int, [6]byte) error { return errors.ErrUnsupported }

// Close does nothing.
func (*Agent) Close() error { return nil }
