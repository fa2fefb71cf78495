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

// A Bond is between two adapters.
type Bond struct{}

// Pair fails.
func Pair(int, [6]byte, int, [6]byte) (*Bond, error) { return nil, errors.ErrUnsupported }

// Close does nothing.
func (*Bond) Close() error { return nil }
