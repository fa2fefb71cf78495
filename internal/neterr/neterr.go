package rfcomm

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
)

// checkNetwork refuses other networks.
func checkNetwork(name string) error {
	if name != network {
		return net.UnknownNetworkError(name)
	}
	return nil
}

// opError returns err as the error of an operation, with a remedy if there is
// one.
func opError(op string, source, addr net.Addr, err error) error {
	return &net.OpError{Op: op, Net: network, Source: source, Addr: addr, Err: explain(err)}
}

// explain makes the errnos in err match nothing but themselves, and adds their
// likely causes.
func explain(err error) error {
	if c, ok := err.(*cutShort); ok {
		return &cutShort{last: explain(c.last), ended: c.ended}
	}
	if c, ok := err.(*controlError); ok {
		return c.err
	}
	syscallErr, ok := err.(*os.SyscallError)
	if !ok {
		return err
	}
	errno, ok := syscallErr.Err.(syscall.Errno)
	if !ok {
		return err
	}
	return withHint(syscallErr.Syscall, errno, hintFor(syscallErr.Syscall, errno))
}

// withHint returns the error of a system call with its likely cause, if text
// is not empty.
func withHint(syscallName string, errno syscall.Errno, text string) error {
	return &os.SyscallError{Syscall: syscallName, Err: &hint{errno: errno, text: text}}
}

// A hint is an errno with its likely cause.
//
// It takes the place of the syscall.Errno, whose methods suit files and calls,
// not radio links. ETIMEDOUT is a timeout there; here it is repeated after a
// lost link, so that a loop which continues on timeouts would not end. ENOSYS,
// the errno of links that are lost for an uncommon reason, matches
// errors.ErrUnsupported, and EACCES, that of a failed authentication,
// fs.ErrPermission. A hint matches its errno alone.
//
// Timeout and Temporary are methods because package net and net/http ask for
// them by type assertion, which does not look into wrapped errors.
type hint struct {
	errno syscall.Errno
	text  string // likely cause, or empty
}

func (h *hint) Error() string {
	if h.text == "" {
		return h.errno.Error()
	}
	return h.errno.Error() + " (" + h.text + ")"
}

// Is reports whether target is the errno. Unlike that of syscall.Errno, it does
// not match the errors of other packages.
func (h *hint) Is(target error) bool { return target == h.errno }

// As sets target to the errno.
func (h *hint) As(target any) bool {
	errno, ok := target.(*syscall.Errno)
	if ok {
		*errno = h.errno
	}
	return ok
}

// Timeout returns false: the timeouts of this package are deadlines.
func (h *hint) Timeout() bool { return false }

// Temporary reports whether the same call can succeed later, as when no
// descriptor is free.
func (h *hint) Temporary() bool {
	return h.errno.Temporary() && !h.errno.Timeout()
}

// A controlError is the error of a caller's Control function. It is returned to
// the caller as it is: neither explained nor retried, whatever its errno.
type controlError struct{ err error }

func (c *controlError) Error() string { return c.err.Error() }
func (c *controlError) Unwrap() error { return c.err }

// contextError returns the error of a context that is done as package net
// reports it: a deadline is a timeout.
func contextError(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return timeoutError{}
	}
	return err
}

// timeoutError is the error of a dial, a listen or a Shutdown whose deadline
// has passed.
type timeoutError struct {
	text string // likely cause, or empty
}

func (e timeoutError) Error() string {
	if e.text == "" {
		return "i/o timeout"
	}
	return "i/o timeout (" + e.text + ")"
}

func (timeoutError) Timeout() bool   { return true }
func (timeoutError) Temporary() bool { return true }
func (timeoutError) Is(target error) bool {
	return target == os.ErrDeadlineExceeded || target == context.DeadlineExceeded
}

// A cutShort is the error of a dial that its context ended between two
// attempts or in one that was not the first: it matches what the last attempt
// met, and what ended the dial.
type cutShort struct {
	last  error // an *os.SyscallError
	ended error // as contextError returns it
}

func (c *cutShort) Error() string   { return fmt.Sprintf("%v, after %v", c.ended, c.last) }
func (c *cutShort) Unwrap() []error { return []error{c.last, c.ended} }
func (c *cutShort) Timeout() bool   { return errors.Is(c.ended, os.ErrDeadlineExceeded) }
func (c *cutShort) Temporary() bool { return c.Timeout() }

// errUnsupported is the error of every operation on systems other than Linux.
var errUnsupported = fmt.Errorf("%w: RFCOMM sockets need Linux", errors.ErrUnsupported)

// supported explains why an operation is not there.
func supported(err error) error {
	if err == errors.ErrUnsupported {
		return errUnsupported
	}
	return err
}
