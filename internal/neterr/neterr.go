// Package neterr builds the errors of network operations on Bluetooth sockets.
//
// They have the form of package net: a *[net.OpError] with the cause in it. The
// package adds the likely cause of a kernel errno, from a table that each
// protocol provides, and gives errnos, timeouts and cancelled contexts one
// meaning for all protocols. A package declares its [Network] once and returns
// every error through [Network.OpError].
package neterr

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
)

// Package net and net/http use the methods of net.Error.
var (
	_ net.Error = (*hint)(nil)
	_ net.Error = timeoutError{}
	_ net.Error = (*Interrupted)(nil)
)

// A Network describes the errors of one protocol.
type Network struct {
	// Name is the name of the network in addresses and errors, such as
	// "rfcomm" or "l2cap".
	Name string

	// Hints are the likely causes of errnos. A nil Hints has none.
	Hints Hints
}

// Hints hold the likely cause of an errno, by the system call that failed.
type Hints map[string]map[syscall.Errno]string

// Check returns a [net.UnknownNetworkError] if name is not that of the network.
func (n *Network) Check(name string) error {
	if name != n.Name {
		return net.UnknownNetworkError(name)
	}
	return nil
}

// OpError returns err as the error of an operation such as "dial". Source and
// addr are as in [net.OpError]; both may be nil.
//
// If err is an *[os.SyscallError] that holds a syscall.Errno, the errno then
// matches nothing but itself, and has its hint, if there is one. The same holds
// for the Last error of an [Interrupted]. [errors.ErrUnsupported] gets the
// cause that the sockets need Linux. Other errors remain as they are: convert
// the error of a context by [Context] first.
func (n *Network) OpError(op string, source, addr net.Addr, err error) error {
	return &net.OpError{Op: op, Net: n.Name, Source: source, Addr: addr, Err: n.explain(err)}
}

// explain returns err as it is to stand in an OpError.
func (n *Network) explain(err error) error {
	if err == errors.ErrUnsupported {
		return fmt.Errorf("%w: %s sockets need Linux", err, strings.ToUpper(n.Name))
	}
	switch err := err.(type) {
	case *Interrupted:
		return &Interrupted{Last: n.explain(err.Last), Ended: err.Ended}
	case *ControlError:
		return err.Err
	case *os.SyscallError:
		if errno, ok := err.Err.(syscall.Errno); ok {
			return WithHint(err.Syscall, errno, n.Hints[err.Syscall][errno])
		}
	}
	return err
}

// WithHint returns the error of a system call with its likely cause, which may
// be empty. OpError adds no other hint to it.
func WithHint(syscallName string, errno syscall.Errno, text string) error {
	return &os.SyscallError{Syscall: syscallName, Err: &hint{errno: errno, text: text}}
}

// A hint is an errno with its likely cause.
//
// It replaces the syscall.Errno, whose methods suit files and calls, not radio
// links. As a syscall.Errno, ETIMEDOUT is a timeout; on these sockets every
// later Read or Write repeats it after a lost link, so that a loop which
// continues on timeouts would never end. ENOSYS, the errno of a link that was
// lost for an uncommon reason, would match errors.ErrUnsupported, and EACCES,
// that of a failed authentication, fs.ErrPermission. A hint matches its errno
// alone.
//
// Timeout and Temporary are methods because package net and net/http look for
// them by type assertion, which does not unwrap errors.
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

// Is reports whether target is the errno. Unlike syscall.Errno's Is, it does
// not match errors of package errors or io/fs.
func (h *hint) Is(target error) bool { return target == h.errno }

// As sets target, if it is a *syscall.Errno, to the errno.
func (h *hint) As(target any) bool {
	errno, ok := target.(*syscall.Errno)
	if ok {
		*errno = h.errno
	}
	return ok
}

// Timeout returns false: only deadlines are timeouts.
func (h *hint) Timeout() bool { return false }

// Temporary reports whether the same call can succeed later, for example
// because no descriptor was free.
func (h *hint) Temporary() bool {
	return h.errno.Temporary() && !h.errno.Timeout()
}

// A ControlError is the error of a caller's Control function. [Network.OpError]
// returns Err itself, without a hint, whatever its errno.
type ControlError struct{ Err error }

func (c *ControlError) Error() string { return c.Err.Error() }
func (c *ControlError) Unwrap() error { return c.Err }

// Context returns the error of a context that is done, as package net reports
// it: [ErrTimeout] if its deadline has passed, otherwise err.
func Context(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return ErrTimeout
	}
	return err
}

// ErrTimeout is the error of an operation whose deadline has passed. It matches
// [os.ErrDeadlineExceeded] and [context.DeadlineExceeded], and is a timeout.
var ErrTimeout error = timeoutError{}

// TimeoutWithHint returns an error like ErrTimeout that names the likely cause.
func TimeoutWithHint(text string) error { return timeoutError{text} }

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

// An Interrupted is the error of an operation that its context ended after a
// failed attempt, in a pause or in a later attempt. It matches the error of
// that attempt as well as the reason for which the operation ended.
type Interrupted struct {
	Last  error // an *os.SyscallError
	Ended error // as Context returns it
}

func (e *Interrupted) Error() string   { return fmt.Sprintf("%v, after %v", e.Ended, e.Last) }
func (e *Interrupted) Unwrap() []error { return []error{e.Last, e.Ended} }

// Timeout reports whether a deadline ended the operation.
func (e *Interrupted) Timeout() bool { return errors.Is(e.Ended, os.ErrDeadlineExceeded) }

// Temporary is the same as Timeout.
func (e *Interrupted) Temporary() bool { return e.Timeout() }
