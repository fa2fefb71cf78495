package rfcomm

import (
	"errors"
	"net"
	"os"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm/internal/btsocket"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

// The addresses of the two ends of every pair.
var (
	nearAddr = Addr{Device: BDAddr{0x00, 0x11, 0x22, 0x33, 0x44, 0x55}, Channel: 11}
	farAddr  = Addr{Device: BDAddr{0x66, 0x77, 0x88, 0x99, 0xAA, 0xBB}, Channel: 11}
)

// tooMuch is a number of bytes that exceeds the buffers of a pair of sockets.
const tooMuch = 4 << 20

// connOf returns a Conn for the connected socket fd, and owns fd.
func connOf(t testing.TB, fd int, local, remote Addr) *Conn {
	t.Helper()
	socket, err := btsocket.New(fd)
	if err != nil {
		t.Fatal(err)
	}
	return newConn(socket, local, remote)
}

// connPair returns the two ends of a connection over a pair of Unix sockets,
// which behave like RFCOMM sockets except for effects of the kernel's RFCOMM.
// Both ends are closed when the test ends.
func connPair(t testing.TB) (near, far *Conn) {
	t.Helper()
	a, b := hosttest.UnixPair(t)
	near, far = connOf(t, a, nearAddr, farAddr), connOf(t, b, farAddr, nearAddr)
	t.Cleanup(func() {
		near.Close()
		far.Close()
	})
	return near, far
}

// transferred is the result of a Read or Write.
type transferred struct {
	n   int
	err error
}

// waitingRead starts a Read that waits for data.
func waitingRead(t testing.TB, c *Conn) <-chan transferred {
	t.Helper()
	done := hosttest.InBackground(func() transferred {
		n, err := c.Read(make([]byte, 100))
		return transferred{n, err}
	})
	hosttest.AwaitPolling(t, "(*Conn).Read")
	return done
}

// blockedWrite starts a Write of tooMuch bytes and waits until it blocks
// because the peer does not read.
func blockedWrite(t testing.TB, c *Conn) <-chan transferred {
	t.Helper()
	done := hosttest.InBackground(func() transferred {
		n, err := c.Write(make([]byte, tooMuch))
		return transferred{n, err}
	})
	hosttest.AwaitPolling(t, "(*Conn).Write")
	return done
}

// wantOpError checks that err is a *net.OpError like want, of an operation of
// the near end. Its cause must match want.Err.
func wantOpError(t testing.TB, err error, want net.OpError) {
	t.Helper()
	got, ok := err.(*net.OpError)
	if !ok {
		t.Errorf("got the error %v, want a *net.OpError of %s", err, want.Op)
		return
	}
	want.Net = network
	if diff := cmp.Diff(want, *got, cmpopts.EquateErrors()); diff != "" {
		t.Errorf("the error (-want +got):\n%s", diff)
	}
}

// between returns the error of an operation between the near and the far end.
func between(op string, cause error) net.OpError {
	return net.OpError{Op: op, Source: nearAddr, Addr: farAddr, Err: cause}
}

// here returns the error of an operation on the near end alone.
func here(op string, cause error) net.OpError {
	return net.OpError{Op: op, Addr: nearAddr, Err: cause}
}

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

// isBlocking reports whether the descriptor of f is in blocking mode.
func isBlocking(t *testing.T, f *os.File) bool {
	t.Helper()
	return ask(t, f, func(fd int) (int, error) { return unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0) })&unix.O_NONBLOCK == 0
}

// isCloseOnExec reports whether child processes do not inherit f.
func isCloseOnExec(t *testing.T, f *os.File) bool {
	t.Helper()
	return ask(t, f, func(fd int) (int, error) { return unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0) })&unix.FD_CLOEXEC != 0
}
