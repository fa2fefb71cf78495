package rfcomm_test

import (
	"syscall"
	"testing"
	"time"

	"github.com/go-rfcomm/rfcomm"
)

func TestConnZeroAndNilAreInvalid(t *testing.T) {
	for name, c := range map[string]*rfcomm.Conn{"nil": nil, "zero": {}} {
		for method, call := range map[string]func() error{
			"Read":             func() error { _, err := c.Read(make([]byte, 1)); return err },
			"Write":            func() error { _, err := c.Write(make([]byte, 1)); return err },
			"Close":            c.Close,
			"Shutdown":         func() error { return c.Shutdown(t.Context()) },
			"Security":         func() error { _, err := c.Security(); return err },
			"SetDeadline":      func() error { return c.SetDeadline(time.Time{}) },
			"SetReadDeadline":  func() error { return c.SetReadDeadline(time.Time{}) },
			"SetWriteDeadline": func() error { return c.SetWriteDeadline(time.Time{}) },
			"SetReadBuffer":    func() error { return c.SetReadBuffer(4096) },
			"SetWriteBuffer":   func() error { return c.SetWriteBuffer(4096) },
			"File":             func() error { _, err := c.File(); return err },
			"SyscallConn":      func() error { _, err := c.SyscallConn(); return err },
		} {
			if err := call(); err != syscall.EINVAL {
				t.Errorf("%s of a %s Conn returned %v, want EINVAL", method, name, err)
			}
		}
		if local, remote := c.LocalAddr(), c.RemoteAddr(); local != nil || remote != nil {
			t.Errorf("a %s Conn has the addresses %v and %v", name, local, remote)
		}
	}
}
