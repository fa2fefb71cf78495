//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd || solaris)

package partfile

import "os"

// flock does nothing: there is no flock(2) here.
func flock(*os.File) error { return nil }

func unlock(*os.File) {}
