//go:build !linux

package l2cap

import "syscall"

// Instead of errnos that only Linux has.
const (
	errBadRequest = syscall.EINVAL
	errKeyMissing = syscall.EACCES
)
