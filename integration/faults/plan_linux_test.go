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

// A plan describes the expected result of a cell.
type plan struct {
	never string // why the cell cannot occur; the other fields are empty then

	want   []string      // the caller's possible results, as resultOf names them
	within time.Duration // the time limit; see limit
	when   string        // the table's time; the default is the measured time
	note   string        // the table's note
	long   bool          // takes more than 10 s: only with -long
}

// atOnce is the time limit of an operation that waits for nothing. Shorter times
// are "at once" in the table.
const atOnce = 2 * time.Second

// margin is added to the time of a fault, since the machine may be slow. It is
// shorter than the kernel's own timeouts, of which 20 s is the shortest.
const margin = 15 * time.Second

// transferWithin is the time limit of a transfer that no fault interrupts. It is
// that of a machine that runs other tests as well.
const transferWithin = 30 * time.Second

// limit returns the maximum time until the result.
func (p plan) limit() time.Duration {
	switch {
	case p.within != 0:
		return p.within
	case p.when == "":
		return atOnce
	case p.when == afterTransfer:
		return transferWithin
	}
	return p.atLeast() + margin
}

// atLeast returns the minimum time until the result, if the fault causes it.
func (p plan) atLeast() time.Duration {
	switch p.when {
	case afterPage:
		return pageTimeout
	case afterSupervision:
		return supervisionTimeout
	case afterStall:
		return shortStall
	case afterIdle, afterSilence:
		return idleTimeout
	}
	return 0
}

const success = "success"

// The times in the table. Where the test shortens them, they are those of
// real devices.
const (
	afterPage        = "after the page timeout: 5 s"
	afterSupervision = "after the link's supervision timeout: 20 s, unless the devices agree on another"
	afterStall       = "when the stall ends"
	afterIdle        = "after the IdleTimeout (30 s), or up to twice that if the kernel's buffers take data meanwhile"
	afterSilence     = "after the IdleTimeout (30 s)"
	afterTransfer    = "when the file is complete"
	atDeadline       = "at its deadline; without one, when the stall ends"
)

// idleWithin is the maximum time until a transfer gives up on a silent peer.
const idleWithin = 2*idleTimeout + margin

// orNotConnected returns the possible results of a Write that waits when the
// connection ends: the kernel returns either the errno or ENOTCONN.
func orNotConnected(errno string) []string { return []string{errno, "ENOTCONN"} }

// orLost returns the possible results of a Shutdown: a kernel that is using the
// link when it is lost can lose the errno.
func orLost(errno string) []string { return []string{errno, "ECONNABORTED"} }

// results are the names of errors that are not an errno.
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

// resultOf returns the name of the value that the caller can compare err with.
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
