//go:build linux && (ppc64 || ppc64le)

package serial

import "golang.org/x/sys/unix"

// The requests for settings with any speed. This architecture needs no others
// for that than TCGETS and TCSETS.
const (
	getSettings = unix.TCGETS
	setSettings = unix.TCSETS
)
