//go:build !linux

// Package vhci opens the Linux kernel's device for virtual Bluetooth
// controllers. On other platforms its functions fail.
package vhci

import "errors"

// MaxPacket is the length of the longest packet.
const MaxPacket = 1 + 1028

// A Device is one controller.
type Device struct{}

// Available fails: only Linux has virtual controllers.
func Available() error { return errors.ErrUnsupported }

// Open fails: only Linux has virtual controllers.
func Open() (*Device, error) { return nil, errors.ErrUnsupported }

// Index returns the adapter's index.
func (d *Device) Index() int { return 0 }

// Read fails.
func (d *Device) Read([]byte) (int, error) { return 0, errors.ErrUnsupported }

// Write fails.
func (d *Device) Write([]byte) (int, error) { return 0, errors.ErrUnsupported }

// Close does nothing.
func (d *Device) Close() error { return nil }
