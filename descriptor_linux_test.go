package rfcomm

import (
	"errors"
	"os"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// ask calls f, such as a getsockopt, with the descriptor of c.
func ask(t *testing.T, c syscall.Conn, f func(fd int) (int, error)) (answer int) {
	t.Helper()
	raw, err := c.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	controlErr := raw.Control(func(fd uintptr) { answer, err = f(int(fd)) })
	if err := errors.Join(controlErr, err); err != nil {
		t.Fatal(err)
	}
	return answer
}

// isBlocking reports whether reads of f itself wait in the kernel.
func isBlocking(t *testing.T, f *os.File) bool {
	t.Helper()
	return ask(t, f, func(fd int) (int, error) { return unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0) })&unix.O_NONBLOCK == 0
}

// isCloseOnExec reports whether programs that are started do not inherit f.
func isCloseOnExec(t *testing.T, f *os.File) bool {
	t.Helper()
	return ask(t, f, func(fd int) (int, error) { return unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0) })&unix.FD_CLOEXEC != 0
}
