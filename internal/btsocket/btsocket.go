// Package btsocket puts a Bluetooth socket on the runtime's network poller:
// connecting, accepting, reading, writing and a close that is confirmed by
// the other end. Deadlines and Close end all of them, and waiting for data, a
// connection or the other end ties up no thread.
//
// It knows sockets, not protocols: addresses are unix.Sockaddr, options are
// set by the caller. RFCOMM is its first user, L2CAP can be another.
//
// What shapes it is how the kernel treats these sockets, which differs from
// TCP (net/bluetooth/af_bluetooth.c, net/bluetooth/rfcomm/sock.c):
//
//   - A socket that is not connected yet polls as writable, so it may join the
//     poller only after connect(2); and while it connects, getpeername(2)
//     already succeeds. Each wake-up therefore looks at the socket's state.
//   - The end of a stream is reported once, as an errno, to the first of read
//     and write that asks. It is recorded for the other.
//   - connect(2), shutdown(2) and close(2) can block even on a non-blocking
//     descriptor, for as long as some other link of the machine is stalled,
//     because they share the mutex rfcomm_mutex with the thread that sends.
//     They run on goroutines that their caller can leave behind, and under no
//     lock of this package.
//
// Errors are io.EOF, os.ErrDeadlineExceeded, net.ErrClosed, the error of a
// context, or an *os.SyscallError.
package btsocket

import "syscall"

// A Chunker chooses how Write splits the data of a stream among calls of
// write(2). A Socket calls its methods one at a time.
type Chunker interface {
	// Next returns the length of the next chunk of a Write of which rest bytes
	// are left: 1 to rest. first reports whether nothing of that Write has been
	// written.
	Next(rest int, first bool) int

	// Partial records that the kernel took only the first n bytes of a chunk.
	Partial(n int)

	// Full records that the kernel took nothing of a chunk, because the send
	// buffer was full. It is called once until the kernel takes data again.
	Full()
}

// ErrUnconfirmed is the cause of the error of a Shutdown after which it cannot be
// known whether the other end has acknowledged everything: the stream has closed
// as if it had, but the link is gone. It matches ECONNABORTED.
var ErrUnconfirmed error = unconfirmedError{}

type unconfirmedError struct{}

func (unconfirmedError) Error() string {
	return "the link was lost while the peer closed the connection; whether it has received everything is not known"
}

func (unconfirmedError) Is(target error) bool { return target == syscall.ECONNABORTED }
