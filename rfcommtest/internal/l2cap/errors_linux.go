package l2cap

import "syscall"

// Errnos that only Linux has.
const (
	errBadRequest = syscall.EBADRQC
	errKeyMissing = syscall.EBADE
)
