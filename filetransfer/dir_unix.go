//go:build unix

package filetransfer

import "syscall"

// nonBlocking makes opening a FIFO, or reading an empty one, return at once.
const nonBlocking = syscall.O_NONBLOCK

// hasPermissions reports whether sys, the result of FileInfo.Sys, is that of a
// file system with permissions.
func hasPermissions(sys any) bool {
	_, ok := sys.(*syscall.Stat_t)
	return ok
}
