//go:build !unix

package filetransfer

// nonBlocking is 0: these systems have no files whose opening waits.
const nonBlocking = 0

// hasPermissions returns false: on these systems, package os makes up the
// permissions.
func hasPermissions(any) bool { return false }
