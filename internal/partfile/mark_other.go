//go:build !linux

package partfile

import "os"

// On this system, part files have no mark.
func setMark(*os.File) {}

func removeMark(*os.File) {}

func fileHasMark(*os.File) bool { return false }
