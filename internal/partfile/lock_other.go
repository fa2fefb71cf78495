//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd || solaris)

package partfile

import "os"

// lock does nothing: there is no flock here.
func lock(*os.File) error { return nil }

func unlock(*os.File) {}
