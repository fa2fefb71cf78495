//go:build !linux

package serial

// An exclusion is not needed, because there are no devices.
type exclusion struct{}

func watchExclusion(string, func()) *exclusion { return nil }
func (*exclusion) stop()                       {}
func (*Port) endExclusiveUse()                 {}
