package serial

import (
	"syscall"
)

// hangUp hangs up the tty for all programs, as the kernel does when the
// connection ends. A close of this process alone would leave the connection to
// the others, and releasing the device needs CAP_NET_ADMIN while it is open.
//
// It starts a process that makes the tty its controlling terminal and ends:
// the end of a session leader hangs up its terminal (disassociate_ctty). The
// process ends because the program that it should run does not exist. If another
// session has the tty as its controlling terminal, such as a login, nothing
// happens.
func (p *Port) hangUp() {
	p.tty.control(func(fd int) error {
		_, err := syscall.ForkExec("/proc/self/exe/none", []string{"none"}, &syscall.ProcAttr{
			Files: []uintptr{uintptr(fd)},
			Sys:   &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 0},
		})
		return err
	})
}
