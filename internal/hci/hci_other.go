//go:build !linux

package hci

import "errors"

// Adapters fails: only Linux has HCI sockets.
func Adapters() ([]Adapter, error) { return nil, errors.ErrUnsupported }

// AdapterByIndex fails: only Linux has HCI sockets.
func AdapterByIndex(int) (Adapter, error) { return Adapter{}, errors.ErrUnsupported }

// AllLinks fails: only Linux has HCI sockets.
func AllLinks(int) ([]Link, error) { return nil, errors.ErrUnsupported }

// Links fails: only Linux has HCI sockets.
func Links(int) ([]Link, error) { return nil, errors.ErrUnsupported }
