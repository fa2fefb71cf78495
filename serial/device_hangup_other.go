//go:build !linux

package serial

func (*Port) hangUp() {}
