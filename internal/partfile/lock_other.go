//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd || solaris)

package partfile

import "os"

// flock does nothing, because the system has no flock(2).
func flock(*os.File) error { return nil }

func unlock(*os.File) {}
