//go:build !unix

package filetransfer

// nonBlocking is 0: these systems have no files whose opening waits.
const nonBlocking = 0
