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

// tooMuch is more than a pair's buffers hold, however large they are.
const tooMuch = 4 << 20

// connOf returns a Conn for the connected socket fd, which it takes over.
func connOf(t testing.TB, fd int, local, remote Addr) *Conn {
	t.Helper()
	socket, err := btsocket.New(fd)
	if err != nil {
		t.Fatal(err)
	}
	return newConn(socket, local, remote)
}

// connPair returns the two ends of a connection. It is over a pair of Unix
// sockets, which show everything but what only the kernel's RFCOMM does. They
// are closed when the test ends.
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
	done := make(chan transferred, 1)
	go func() {
		n, err := c.Read(make([]byte, 100))
		done <- transferred{n, err}
	}()
	hosttest.AwaitPolling(t, "(*Conn).Read")
	return done
}

// blockedWrite starts a Write of tooMuch bytes and waits until the peer, which
// does not read, has brought it to a halt.
func blockedWrite(t testing.TB, c *Conn) <-chan transferred {
	t.Helper()
	done := make(chan transferred, 1)
	go func() {
		n, err := c.Write(make([]byte, tooMuch))
		done <- transferred{n, err}
	}()
	hosttest.AwaitPolling(t, "(*Conn).Write")
	return done
}

// wantOpError checks that err is the *net.OpError of an operation of the near
// end that is wanted. Its cause must match want.Err.
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

// between is the error of an operation between the near and the far end.
func between(op string, cause error) net.OpError {
	return net.OpError{Op: op, Source: nearAddr, Addr: farAddr, Err: cause}
}

// here is the error of an operation on the near end alone.
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
