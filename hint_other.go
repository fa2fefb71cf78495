//go:build !linux

package rfcomm

import "syscall"

// hintFor knows nothing: no errno of these sockets occurs here.
func hintFor(string, syscall.Errno) string { return "" }
