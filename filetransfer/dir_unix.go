//go:build unix

package filetransfer

import "syscall"

// nonBlocking makes opening a FIFO, or reading an empty one, return at once.
const nonBlocking = syscall.O_NONBLOCK
