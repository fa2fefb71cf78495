package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"syscall"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/cmd/rfcommctl/internal/airlink"
	"github.com/go-rfcomm/rfcomm/inquiry"
	"github.com/go-rfcomm/rfcomm/sdp"
	"github.com/go-rfcomm/rfcomm/serial"
)

// A tool is one run of the program: its streams, its common flags, and the
// functions through which it reaches Bluetooth, which tests replace.
type tool struct {
	stdin  io.Reader
	stdout *output
	stderr io.Writer

	// columns is the width of the terminal on standard output, or 0 if it is
	// not a terminal. chatty means that standard error is a terminal.
	columns int
	chatty  bool
	// lineWidth returns the current width of the terminal on standard error.
	lineWidth func() int
	// lineSize returns its current size.
	lineSize func() (columns, rows int)

	// answers means that questions can be asked: standard input and standard
	// error are terminals.
	answers bool

	quiet, verbose bool

	recent recentList
	listed listedFiles
	host   host

	adapters func() ([]rfcomm.Adapter, error)
	inquire  inquireFunc
	search   searchFunc
	dial     dialFunc
	listen   listenFunc

	// Functions of package airlink.
	longestPacket func(adapter rfcomm.BDAddr) (int, error)
	openSignal    func(adapter, device rfcomm.BDAddr) (signalReader, error)

	// Functions of package serial.
	openDevice deviceFunc
	ttys       func() ([]serial.DeviceInfo, error)
	bind       func(id int, local, remote rfcomm.Addr) (serial.DeviceInfo, error)
	release    func(id int) error
	newPort    func(ctx context.Context, conn net.Conn) (net.Conn, error)
	openLine   func(name string, o *serial.LineOptions) (serial.Line, error)

	// Functions of bluetoothd. Those with an adapter do their work on every
	// adapter if it is zero.
	known  func(ctx context.Context) ([]knownDevice, error)
	pair   func(ctx context.Context, p pairing) error
	unpair func(ctx context.Context, adapter, device rfcomm.BDAddr) error
	trust  func(ctx context.Context, adapter, device rfcomm.BDAddr, trusted bool) error
	bonded bondedFunc
	// change changes an adapter with a name, and calls changed. It returns when
	// the limits in time have passed, or the context has ended, and the state
	// is restored.
	change func(ctx context.Context, adapter string, c adapterChange, changed func() error) error
}

// An inquireFunc finds the devices in range, as inquiry.Devices does.
type inquireFunc func(ctx context.Context, o *inquiry.Options) iter.Seq2[inquiry.Device, error]

// A searchFunc returns the records of a device that contain all UUIDs.
type searchFunc func(ctx context.Context, d *rfcomm.Dialer, device rfcomm.BDAddr, uuids ...sdp.UUID) ([]*sdp.Record, error)

// A dialFunc connects to a service of a device.
type dialFunc func(ctx context.Context, d *rfcomm.Dialer, device rfcomm.BDAddr, s service) (net.Conn, error)

// A listenFunc listens for connections.
type listenFunc func(ctx context.Context, s server) (net.Listener, error)

// newTool returns the tool of this process.
func newTool() *tool {
	t := &tool{
		stdin:    os.Stdin,
		stdout:   &output{w: os.Stdout},
		stderr:   os.Stderr,
		recent:   recentList{newCacheFile("devices.json")},
		listed:   listedFiles{newCacheFile("files.json")},
		host:     thisHost(),
		adapters: rfcomm.Adapters,
		inquire:  inquiry.Devices,
		search:   searchServices,
		dial:     dialService,
		listen:   listenAs,

		longestPacket: func(adapter rfcomm.BDAddr) (int, error) { return airlink.LongestPacket(adapter) },
		openSignal:    openSignal,

		openDevice: openDevice,
		ttys:       serial.Devices,
		bind:       serial.Bind,
		release:    serial.Release,
		newPort:    newPort,
		openLine:   openLine,

		known:  knownToDaemon,
		pair:   pairByDaemon,
		unpair: unpairByDaemon,
		trust:  trustByDaemon,
		bonded: bondedByDaemon,
		change: changeByDaemon,
	}
	t.columns, _ = terminalWidth(os.Stdout)
	_, t.chatty = terminalWidth(os.Stderr)
	t.lineWidth = func() int {
		width, _ := terminalWidth(os.Stderr)
		return cmp.Or(width, 80) // a serial console has the width 0
	}
	t.lineSize = func() (columns, rows int) { return t.lineWidth(), terminalHeight(os.Stderr) }
	_, t.answers = terminalWidth(os.Stdin)
	t.answers = t.answers && t.chatty
	return t
}

// run runs the program with the given arguments and returns its exit status.
func (t *tool) run(ctx context.Context, arguments []string) int {
	err := t.execute(ctx, arguments)
	if ended, ok := errors.AsType[signalError](context.Cause(ctx)); ok && err != nil {
		err = ended
	}
	if errors.Is(err, errReaderGone) {
		return statusOK // as nc does
	}
	if _, printed := errors.AsType[printedError](err); err != nil && !printed {
		t.say(err.Error() + seeDoctor(err))
	}
	return statusOf(err)
}

// complain prints an error.
func (t *tool) complain(err error) { t.say(err.Error()) }

// say prints a message in one line, or wrapped on a terminal. Where the library's
// errors advise a security level or another program, it prints the flag.
func (t *tool) say(text string) {
	t.printMessage("rfcommctl: " + flagNames.Replace(oneLine(text)))
}

// printMessage prints a message on standard error. On a terminal, its lines fit.
func (t *tool) printMessage(text string) {
	if t.chatty {
		text = wrapWords("", text, t.lineWidth(), messageIndent)
	}
	fmt.Fprintln(t.stderr, text)
}

// messageIndent is the indentation of the second line of a message.
const messageIndent = 2

// flagNames replaces advice of the library by the flags of the program.
var flagNames = strings.NewReplacer(
	"bluetoothctl power on", "rfcommctl adapters --power on",
	"bluetoothctl discoverable on", "rfcommctl adapters --discoverable 3m",
	"SecurityLow", "--security low",
	"SecurityMedium", "--security medium",
	"SecurityHigh", "--security high",
	"try the plain one", "try \"rfcommctl get --plain\"",
	"use a pseudo terminal", "use a pseudo terminal (tty --pty)",
)

// note prints a note for people: not on a pipe, and not with --quiet.
func (t *tool) note(format string, arguments ...any) {
	if t.chatty && !t.quiet || t.verbose {
		t.printMessage(oneLine(fmt.Sprintf(format, arguments...)))
	}
}

// warn prints a message that is not an error, unless there is --quiet.
func (t *tool) warn(format string, arguments ...any) {
	if !t.quiet {
		t.say(fmt.Sprintf(format, arguments...))
	}
}

// detail prints a message if there is --verbose.
func (t *tool) detail(format string, arguments ...any) {
	if t.verbose {
		t.say(fmt.Sprintf(format, arguments...))
	}
}

// errReaderGone means that the program that reads standard output has ended.
var errReaderGone = errors.New("the reader of standard output has ended")

// An output is standard output. It keeps the first error, because package cobra
// ignores the errors of help texts. A Write can be pending when the program ends.
type output struct {
	w      io.Writer
	failed atomic.Pointer[error]
}

// err returns the first error of Write.
func (o *output) err() error {
	if err := o.failed.Load(); err != nil {
		return *err
	}
	return nil
}

// Write implements [io.Writer].
func (o *output) Write(p []byte) (int, error) {
	if err := o.err(); err != nil {
		return 0, err
	}
	n, err := o.w.Write(p)
	if errors.Is(err, syscall.EPIPE) {
		err = errReaderGone
	}
	if err != nil {
		o.failed.Store(&err)
	}
	return n, err
}
