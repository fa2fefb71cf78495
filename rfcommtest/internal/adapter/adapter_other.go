//go:build !linux

// Package adapter controls the kernel's adapters. On platforms other than Linux
// its functions fail.
package adapter

import "errors"

// Available fails: only Linux is supported.
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
