package main

import (
	"context"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/go-rfcomm/rfcomm/bluez"
	"github.com/go-rfcomm/rfcomm/sdp"
)

// exitCases are situations with the exit status of a command, which is the first
// word of the line. DEVICE is a device with a file server.
var exitCases = []struct {
	line   string
	err    error // of the kernel or bluetoothd
	status int
}{
	{"adapters", nil, statusOK},
	{"adapters", syscall.EAFNOSUPPORT, statusOther},
	{"adapters --power maybe", nil, statusUsage},
	{"adapters -i hci9", nil, statusNotFound},
	{"scan", nil, statusOK},
	{"scan", syscall.EAFNOSUPPORT, statusOther},
	{"scan -t 0", nil, statusUsage},
	{"scan -i hci9", nil, statusNotFound},
	{"scan", syscall.EBUSY, statusBusy},
	{"scan", syscall.EPERM, statusPermission},
	{"pair DEVICE", nil, statusOK},
	{"pair DEVICE", bluez.ErrNoBus, statusOther},
	{"pair DEVICE/3", nil, statusUsage},
	{"pair DEVICE", bluez.ErrUnreachable, statusNotFound},
	{"pair DEVICE", bluez.ErrInProgress, statusBusy},
	{"pair DEVICE", bluez.ErrAuthFailed, statusPermission},
	{"unpair DEVICE", nil, statusOK},
	{"unpair DEVICE", bluez.ErrNoDaemon, statusOther},
	{"unpair", nil, statusUsage},
	{"unpair nobody", nil, statusNotFound},
	{"unpair DEVICE", bluez.ErrInProgress, statusBusy},
	{"unpair DEVICE", bluez.ErrDenied, statusPermission},
	{"trust DEVICE", nil, statusOK},
	{"trust DEVICE", bluez.ErrNoDaemon, statusOther},
	{"trust", nil, statusUsage},
	{"trust nobody", nil, statusNotFound},
	{"trust DEVICE", bluez.ErrInProgress, statusBusy},
	{"trust DEVICE", bluez.ErrDenied, statusPermission},
	{"services DEVICE", nil, statusOK},
	{"services DEVICE", sdp.ErrMalformed, statusOther},
	{"services DEVICE/3", nil, statusUsage},
	{"services DEVICE", syscall.EHOSTDOWN, statusNotFound},
	{"services DEVICE", syscall.ETIMEDOUT, statusBusy},
	{"services DEVICE", syscall.EACCES, statusPermission},
	{"ls DEVICE", nil, statusOK},
	{"stat DEVICE a", nil, statusOK},
	{"stat DEVICE missing", nil, statusNotFound},
	{"get DEVICE a -o -", nil, statusOK},
	{"get DEVICE missing", nil, statusNotFound},
	{"get DEVICE", nil, statusUsage},
	{"put DEVICE - -o b", nil, statusOK},
	{"put DEVICE - -o .hidden", nil, statusPermission},
	{"put DEVICE absent", nil, statusNotFound},
	{"serve absent", nil, statusNotFound},
	{"completion bash", nil, statusOK},
	{"completion tcsh", nil, statusUsage},
	{"man pages", nil, statusOK},
	{"man", nil, statusUsage},
	{"help scan", nil, statusOK},
	{"help nonsense", nil, statusUsage},
}

func TestExitStatusOfCommands(t *testing.T) {
	cases := exitCases
	for _, line := range []string{"connect DEVICE", "listen", "tty DEVICE", "relay DEVICE /dev/ttyUSB0", "serve .", "get DEVICE a", "put DEVICE - -o b", "ls DEVICE", "stat DEVICE a"} {
		for err, status := range map[error]int{syscall.EAFNOSUPPORT: statusOther, syscall.ENODEV: statusNotFound, syscall.EADDRINUSE: statusBusy, syscall.EACCES: statusPermission} {
			c := exitCases[0]
			c.line, c.err, c.status = line, err, status
			cases = append(cases, c)
		}
		c := exitCases[0]
		c.line, c.err, c.status = line+" --channel 31", nil, statusUsage
		cases = append(cases, c)
	}
	for _, tt := range cases {
		f := newFileFake(t)
		write(t, "content", f.files, "a")
		f.records = []*sdp.Record{sdp.NewSerialPort("GPS", 3)}
		if tt.err != nil {
			f.err = opError(tt.err)
		}
		_, stderr := f.runs(t, tt.status, strings.Fields(strings.ReplaceAll(tt.line, "DEVICE", fileDevice))...)
		if tt.status != statusOK && !strings.HasPrefix(stderr, "rfcommctl: ") {
			t.Errorf("%s: no message but %q", tt.line, stderr)
		}
	}
}

// An interrupted command has the status 130, whatever its own error is.
func TestExitStatusOfInterruption(t *testing.T) {
	for _, line := range []string{"scan", "pair DEVICE", "unpair DEVICE", "trust DEVICE", "services DEVICE", "connect DEVICE", "tty DEVICE", "relay DEVICE /dev/ttyUSB0", "ls DEVICE", "stat DEVICE a", "get DEVICE a", "put DEVICE - -o b"} {
		f := newFileFake(t)
		f.err = opError(os.ErrDeadlineExceeded)
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(signalError{syscall.SIGINT})
		if status := f.run(ctx, strings.Fields(strings.ReplaceAll(line, "DEVICE", fileDevice))); status != 130 {
			t.Errorf("%s: status %d, want 130\n%s", line, status, &f.stderr)
		}
		wantParts(t, f.stderr.String(), "rfcommctl: interrupted\n")
	}
}
