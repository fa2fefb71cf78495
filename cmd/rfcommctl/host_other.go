//go:build !linux

package main

import "errors"

func openRFCOMMSocket() error { return errors.ErrUnsupported }
