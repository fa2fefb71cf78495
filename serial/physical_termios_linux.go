//go:build linux && !ppc64 && !ppc64le

package serial

import "golang.org/x/sys/unix"

// The requests for settings with any speed, and all those of unix.Termios.
const (
	getSettings = unix.TCGETS2
	setSettings = unix.TCSETS2
)
