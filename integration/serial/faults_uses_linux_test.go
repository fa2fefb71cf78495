package serial_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/serial"
)

// A use is a way to use package serial for a connection from near to far.
type use struct {
	name string

	// run makes the connection and calls ready, with the path of the tty or "". It
	// ends with ctx, or with the connection, whose error it returns. The error is
	// nil if the peer has closed the connection, or ctx has ended.
	run func(ctx context.Context, from rfcomm.BDAddr, to rfcomm.Addr, ready func(path string)) error

	echoes  bool // run sends all data back to the peer; otherwise, other programs open the path
	kernel  bool // the tty is one of the kernel's RFCOMM ttys
	hangsUp bool // the end of run hangs up other programs
	noErrno bool // run does not learn why a connection has ended

	// clean, if not nil, removes the things that a killed program leaves.
	clean func(t testing.TB)
}

var uses = []*use{
	{name: "Port", run: runPort, echoes: true, kernel: true},
	{name: "Device as a tty", run: runDeviceAs(serial.TTY), kernel: true, hangsUp: true},
	{name: "Device as a pty", run: runDeviceAs(serial.PTY), hangsUp: true},
	{name: "Relay", run: runRelay, echoes: true},
	{name: "Relay over a Port", run: runRelayOverPort, echoes: true, kernel: true},
	{name: "bound tty", run: runBound, echoes: true, kernel: true, hangsUp: true, noErrno: true, clean: releaseAll},
}

// dial makes the connection of a use.
func dial(ctx context.Context, from rfcomm.BDAddr, to rfcomm.Addr) (*rfcomm.Conn, error) {
	d := rfcomm.Dialer{LocalAddr: rfcomm.Addr{Device: from}, Timeout: patience}
	return d.DialRFCOMM(ctx, to)
}

// runDeviceAs returns a function that lets other programs open a Device.
func runDeviceAs(kind serial.Kind) func(context.Context, rfcomm.BDAddr, rfcomm.Addr, func(path string)) error {
	return func(ctx context.Context, from rfcomm.BDAddr, to rfcomm.Addr, ready func(path string)) error {
		device, err := serial.Open(ctx, &serial.DeviceOptions{
			Kind:    kind,
			Connect: func(ctx context.Context) (net.Conn, error) { return dial(ctx, from, to) },
		})
		if err != nil {
			return err
		}
		defer context.AfterFunc(ctx, func() { device.Close() })()
		ready(device.Name())
		if err := device.Wait(); err != io.EOF {
			return err
		}
		return nil
	}
}

// runBound sends all data back from a bound tty.
func runBound(ctx context.Context, from rfcomm.BDAddr, to rfcomm.Addr, ready func(path string)) error {
	info, err := serial.Bind(-1, rfcomm.Addr{Device: from}, to)
	if err != nil {
		return err
	}
	defer serial.Release(info.ID)
	tty, err := openRaw(info.Name)
	if err != nil {
		return err
	}
	defer tty.Close()
	defer context.AfterFunc(ctx, func() { serial.Release(info.ID) })()
	ready(info.Name)
	io.Copy(struct{ io.Writer }{tty}, struct{ io.Reader }{tty}) // both end with EIO or the end of the file
	return nil
}

// openRaw opens a tty and puts it in raw mode.
func openRaw(name string) (*os.File, error) {
	tty, err := openTTY(name)
	if err != nil {
		return nil, err
	}
	raw := unix.Termios{Cflag: unix.CS8 | unix.CREAD | unix.HUPCL | unix.B9600}
	raw.Cc[unix.VMIN] = 1
	conn, err := tty.SyscallConn()
	if err == nil {
		conn.Control(func(fd uintptr) { err = unix.IoctlSetTermios(int(fd), unix.TCSETS, &raw) })
	}
	if err != nil {
		tty.Close()
		return nil, err
	}
	return tty, nil
}

// releaseAll releases the bound ttys of programs that were killed. The kernel lists
// a tty as open for a moment after the last program has closed it
// (queue_release_one_tty), also one that its program has released.
func releaseAll(t testing.TB) {
	t.Helper()
	all, err := serial.Devices()
	if err != nil {
		t.Error(err)
	}
	for _, info := range all {
		if !info.Bound {
			continue
		}
		err := serial.Release(info.ID)
		if err != nil && !errors.Is(err, syscall.EALREADY) && !errors.Is(err, syscall.ENODEV) {
			t.Error(err)
		}
	}
}

// runRelay relays a connection to a port that sends all data back.
func runRelay(ctx context.Context, from rfcomm.BDAddr, to rfcomm.Addr, ready func(path string)) error {
	return relay(ctx, func(ctx context.Context) (net.Conn, error) { return dial(ctx, from, to) }, ready)
}

// runRelayOverPort is like runRelay, but the connection is a tty.
func runRelayOverPort(ctx context.Context, from rfcomm.BDAddr, to rfcomm.Addr, ready func(path string)) error {
	var path string
	connect := func(ctx context.Context) (net.Conn, error) {
		port, err := dialPort(ctx, from, to)
		if err != nil {
			return nil, err
		}
		path = port.Name()
		return port, nil
	}
	return relay(ctx, connect, func(string) { ready(path) })
}

func relay(ctx context.Context, connect func(context.Context) (net.Conn, error), ready func(path string)) error {
	relay := serial.Relay{
		Open:    func(context.Context) (serial.Line, error) { return newLoop(), nil },
		Connect: connect,
		Report: func(e serial.Event) {
			if e.State == serial.StateConnected {
				ready("")
			}
		},
	}
	return withoutCanceled(ctx, relay.Run(ctx))
}

// withoutCanceled returns nil instead of the error of a use that ctx has ended.
func withoutCanceled(ctx context.Context, err error) error {
	if ctx.Err() != nil && (errors.Is(err, context.Canceled) || errors.Is(err, net.ErrClosed)) {
		return nil
	}
	return err
}

// A loop is a port whose output is its input.
type loop struct {
	*io.PipeReader
	*io.PipeWriter
}

func newLoop() *loop {
	r, w := io.Pipe()
	return &loop{r, w}
}

// Drain does nothing: Write waits until the data has been read.
func (l *loop) Drain() error { return nil }

func (l *loop) Close() error { return l.PipeWriter.Close() }

// runPort sends all data back from a Port.
func runPort(ctx context.Context, from rfcomm.BDAddr, to rfcomm.Addr, ready func(path string)) error {
	port, err := dialPort(ctx, from, to)
	if err != nil {
		return err
	}
	defer port.Close()
	defer context.AfterFunc(ctx, func() { port.Close() })()
	ready(port.Name())
	_, err = io.Copy(struct{ io.Writer }{port}, struct{ io.Reader }{port})
	if errors.Is(err, syscall.ECONNRESET) { // Write has noticed that the peer has closed
		return nil
	}
	return withoutCanceled(ctx, err)
}

// dialPort makes the connection of a use that needs a Port.
func dialPort(ctx context.Context, from rfcomm.BDAddr, to rfcomm.Addr) (*serial.Port, error) {
	c, err := dial(ctx, from, to)
	if err != nil {
		return nil, err
	}
	return serial.NewPort(ctx, c)
}
