package serial

import (
	"net"
	"os"
	"time"
)

// A PhysicalPort is an open serial port of this machine, such as /dev/ttyUSB0 or
// a pseudo terminal. It implements [Line] and [ModemLines]. Its methods may be
// called by several goroutines at once.
//
// It does not use the package go.bug.st/serial, whose version 1.8.0 has neither
// flow control nor write deadlines. Its Close does not end a Write. A signal, such
// as those of the Go scheduler, makes its Write return a short count without an
// error.
type PhysicalPort struct {
	name string
	uart *uart
}

// OpenLine opens a serial port, with exclusive access, and discards data that
// arrived before the settings were in effect. The kernel sets DTR and RTS. A nil
// *LineOptions means 9600 bits per second, 8N1, without flow control.
//
// The error is an *os.PathError. It matches EACCES, and names the group that may
// open the port; EBUSY, if another program has the port; ENOTTY, if the file is
// not a serial port; EINVAL, if the port cannot have the settings. Exclusive
// access keeps other programs out if they do not run as root, and otherwise if
// they lock the file (flock(2)) or look at TIOCGEXCL. A program that opened the
// port before and did neither remains unnoticed.
//
// On other platforms than Linux, the error matches [errors.ErrUnsupported].
func OpenLine(name string, o *LineOptions) (*PhysicalPort, error) {
	options := o.withDefaults()
	if err := options.check(); err != nil {
		return nil, err
	}
	uart, err := openUART(name, options)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: name, Err: err}
	}
	return &PhysicalPort{name, uart}, nil
}

// Name returns the name with which the port was opened.
func (p *PhysicalPort) Name() string { return p.name }

// Read reads received data. It waits for the first byte, or until the deadline
// or Close. If the port has been unplugged, the error matches EIO. A received
// break is read as a byte 0.
func (p *PhysicalPort) Read(b []byte) (int, error) {
	n, err := p.uart.read(b)
	return n, p.pathError("read", err)
}

// Write passes data to the kernel, which holds a few KiB, and waits while that
// is full, until the deadline or Close. See Drain.
func (p *PhysicalPort) Write(b []byte) (int, error) {
	n, err := p.uart.write(b)
	return n, p.pathError("write", err)
}

// Drain waits until the hardware has sent everything that was written, or until
// the write deadline or Close. Adapters that do not report whether they are
// still sending (TIOCSERGETLSR), as many for USB, may hold some last bytes.
func (p *PhysicalPort) Drain() error { return p.pathError("drain", p.uart.drain()) }

// Signals returns the inputs of the port, and the outputs as last set.
func (p *PhysicalPort) Signals() (Signals, error) {
	signals, err := p.uart.signals()
	return signals, p.pathError("get signals of", err)
}

// SetSignals sets the outputs in set, then clears those in clear. With FlowRTS,
// it leaves RTS to the kernel. Only DTR and RTS are outputs.
func (p *PhysicalPort) SetSignals(set, clear Signals) error {
	if err := checkOutputs(set, clear); err != nil {
		return err
	}
	return p.pathError("set signals of", p.uart.setSignals(set, clear))
}

// SetDeadline sets the deadlines of pending and future calls, as that of
// [net.Conn]. The zero time means no deadline.
func (p *PhysicalPort) SetDeadline(t time.Time) error {
	return p.pathError("set deadline of", p.uart.setDeadline(t))
}

// SetReadDeadline sets the deadline of Read.
func (p *PhysicalPort) SetReadDeadline(t time.Time) error {
	return p.pathError("set deadline of", p.uart.setReadDeadline(t))
}

// SetWriteDeadline sets the deadline of Write and Drain.
func (p *PhysicalPort) SetWriteDeadline(t time.Time) error {
	return p.pathError("set deadline of", p.uart.setWriteDeadline(t))
}

// Close closes the port and ends pending calls, whose errors match
// [net.ErrClosed], as those of later calls. It discards data that the hardware
// has not sent; call Drain before. The kernel clears DTR and RTS, unless the
// port was set up otherwise (stty -hupcl).
func (p *PhysicalPort) Close() error { return p.pathError("close", p.uart.close()) }

// pathError returns err with the operation and the name of the port.
func (p *PhysicalPort) pathError(op string, err error) error {
	if err == nil {
		return nil
	}
	return &os.PathError{Op: op, Path: p.name, Err: err}
}

// maxLineWrite limits the data that is passed to the driver at a time. Drivers
// such as that of RFCOMM ttys accept any amount.
const maxLineWrite = 4096

// errLineClosed is the error of calls after Close.
var errLineClosed error = lineClosed{}

type lineClosed struct{}

func (lineClosed) Error() string        { return "the port is closed" }
func (lineClosed) Is(target error) bool { return target == net.ErrClosed || target == os.ErrClosed }
