//go:build !linux

package serial

// An exclusion does nothing, because only Linux has the devices.
type exclusion struct{}

func watchExclusion(string, func()) *exclusion { return nil }
func (*exclusion) stop()                       {}
func (*Port) endExclusiveUse()                 {}
