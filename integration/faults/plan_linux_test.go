package faults

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm/filetransfer"
)

// A plan says what is expected of a cell.
type plan struct {
	never string // why it cannot occur; all else is empty then

	want   []string      // what the caller may get, as resultOf names it
	within time.Duration // the longest that it may take; 0: atOnce
	when   string        // what the table says of the time, if not what was measured
	note   string
	long   bool // takes more than 10 s: only with -long
}

// atOnce is how long something may take that waits for nothing. It is for a slow
// machine: the table tells what was measured.
const atOnce = 5 * time.Second

func (p plan) limit() time.Duration {
	if p.within == 0 {
		return atOnce
	}
	return p.within
}

// atLeast is the shortest that it can take, if it comes of the fault.
func (p plan) atLeast() time.Duration {
	switch p.when {
	case afterPage:
		return pageTimeout
	case afterSupervision:
		return supervisionTimeout
	case afterStall:
		return shortStall
	case afterIdle:
		return idleTimeout
	}
	return 0
}

const success = "success"

// Times that the test sets, as they are in life.
const (
	afterPage        = "after the page timeout: 5 s"
	afterSupervision = "after the link's supervision timeout: 20 s, or what the devices agree on"
	afterStall       = "when the stall ends"
	afterIdle        = "after the IdleTimeout (30 s), up to twice that if the kernel's buffers take something meanwhile"
	afterPlainIdle   = "30 s"
	atDeadline       = "at its deadline; without one, when the stall ends"
)

// idleWithin is the longest that a transfer takes to give up a silent peer.
const idleWithin = 2*idleTimeout + atOnce

// orNotConnected is what a Write may get that waits when the connection ends: the
// kernel gives it the errno, or ENOTCONN alone.
func orNotConnected(errno string) []string { return []string{errno, "ENOTCONN"} }

// orForgotten is what a Shutdown may get: the kernel can forget the errno of a link
// that is lost while it is busy.
func orForgotten(errno string) []string { return []string{errno, "ECONNABORTED"} }

// results are those of errors that are no errno.
var results = []struct {
	err  error
	name string
}{
	{net.ErrClosed, "net.ErrClosed"},
	{context.Canceled, "context.Canceled"},
	{os.ErrDeadlineExceeded, "os.ErrDeadlineExceeded"},
	{filetransfer.ErrCorrupt, "filetransfer.ErrCorrupt"},
	{errors.ErrUnsupported, "errors.ErrUnsupported"},
	{io.ErrUnexpectedEOF, "io.ErrUnexpectedEOF"},
	{io.EOF, "io.EOF"},
}

// resultOf names what a caller got by what it can compare it with.
func resultOf(err error) string {
	if err == nil {
		return success
	}
	for _, r := range results {
		if errors.Is(err, r.err) {
			return r.name
		}
	}
	if errno, ok := errors.AsType[unix.Errno](err); ok {
		return unix.ErrnoName(errno)
	}
	return "error"
}
