// Package btsocket puts Bluetooth sockets on the runtime's network poller. It
// connects, accepts, reads, writes, and closes with the peer's confirmation.
// Deadlines and Close end each of these operations. Waiting for data, for a
// connection or for the peer occupies no thread.
//
// It knows sockets, not protocols: addresses are unix.Sockaddr values, the
// caller sets options, and a Chunker decides how Write splits its data. New
// asks the socket for its type once. A SOCK_STREAM socket transfers a stream.
// Any other socket, such as L2CAP's SOCK_SEQPACKET, transfers packets: a Read
// returns one packet, and a Write sends one.
//
// Package unix reverses the device address of a SockaddrL2 that it receives,
// but not of one that it returns. The address must be passed with the most
// significant byte first, and comes from Name and Accept with that byte last.
// In a SockaddrRFCOMM that byte is always last.
//
// The kernel treats these sockets differently from TCP
// (net/bluetooth/af_bluetooth.c, net/bluetooth/rfcomm/sock.c):
//
//   - A new socket polls as writable, so it may join the poller only after
//     connect(2). While it connects, getpeername(2) already succeeds. Each
//     wake-up therefore looks at the socket's state.
//   - The kernel reports the end of a connection once, as an errno, to the first
//     read(2) or write(2) that asks. The Socket records the errno for the others.
//   - connect(2), shutdown(2) and close(2) can block even on a non-blocking
//     descriptor, for as long as another link of the machine is stalled, because
//     they share the mutex rfcomm_mutex with the thread that sends. They run on
//     goroutines that their caller can leave behind, and under no lock of this
//     package.
//
// Errors are io.EOF, os.ErrDeadlineExceeded, net.ErrClosed, the error of a
// context, or an *os.SyscallError. Write returns io.ErrUnexpectedEOF if
// write(2) takes nothing and returns no errno.
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

// ErrUnconfirmed is the cause of the error of a Shutdown that cannot find out
// whether the peer has acknowledged everything: the connection closed as if the
// peer had, but the link is gone. ErrUnconfirmed matches ECONNABORTED.
var ErrUnconfirmed error = unconfirmedError{}

type unconfirmedError struct{}

func (unconfirmedError) Error() string {
	return "the link was lost while the peer closed the connection; whether the peer has received everything is not known"
}

func (unconfirmedError) Is(target error) bool { return target == syscall.ECONNABORTED }
