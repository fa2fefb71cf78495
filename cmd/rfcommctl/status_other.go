//go:build !linux

package main

import "errors"

// errBadKey matches nothing: other platforms do not have the errno.
var errBadKey = errors.New("bad key")
