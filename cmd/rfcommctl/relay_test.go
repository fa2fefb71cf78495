package main

import (
	"context"
	"io"
	"io/fs"
	"net"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
	"github.com/go-rfcomm/rfcomm/serial"
)

func TestRelayRefusesWrongUsage(t *testing.T) {
	const both = "00:AA:01:00:00:01/1 /dev/ttyS0"
	for line, part := range map[string]string{
		"":                               "TARGET is missing",
		"00:AA:01:00:00:01/1":            "PORT is missing: use the path of a serial port, such as /dev/ttyUSB0",
		"--listen":                       "PORT is missing",
		"--tcp 127.0.0.1:1":              "PORT is missing",
		both + " extra":                  `unexpected word "extra"`,
		both + " --listen":               `--listen replaces TARGET "00:AA:01:00:00:01/1"`,
		both + " --publish Scale":        "--publish replaces TARGET",
		both + " --tcp 127.0.0.1:1":      "--tcp replaces TARGET",
		both + " --channel 5":            "omit it or --channel",
		both + " --baud fast":            `"fast" for "--baud" flag: use a number of bits per second, such as 115200`,
		both + " --baud 0":               "such as 115200",
		both + " --baud -1":              "such as 115200",
		both + " --format 9N1":           "such as 8N1 or 7E2",
		both + " --format 8N":            "such as 8N1 or 7E2",
		both + " --flow hardware":        "none, rts or xon",
		both + " --json":                 "--json",
		"x --lines --tcp 127.0.0.1:1":    "--lines needs Bluetooth",
		"x --listen --publish=":          "--publish needs a name",
		"x --publish y -i hci0":          "on every adapter",
		"x --tcp 127.0.0.1:1 -i hci0":    "--adapter is for Bluetooth",
		"x --listen --tcp nonsense":      "host:port",
		"x --publish y --tcp 127.0.0.1:": "--publish is for Bluetooth",
	} {
		f := newFake(t)
		stdout, stderr := f.runs(t, statusUsage, append([]string{"relay"}, strings.Fields(line)...)...)
		wantError(t, stderr, part)
		if stdout != "" || len(f.dialed)+len(f.servers)+len(f.lines) > 0 {
			t.Errorf("relay %s: printed %q, dialed %v, opened %v", line, stdout, f.dialed, f.lines)
		}
	}
}

func TestRelaySetsPort(t *testing.T) {
	for flags, want := range map[string]serial.LineOptions{
		"":                         {Baud: 9600, DataBits: 8, StopBits: 1},
		"--baud 115200 --flow RTS": {Baud: 115200, DataBits: 8, StopBits: 1, Flow: serial.FlowRTS},
		"--format 7e2 --flow=xon":  {Baud: 9600, DataBits: 7, Parity: serial.EvenParity, StopBits: 2, Flow: serial.FlowXON},
		"--format 8O1 --flow none": {Baud: 9600, DataBits: 8, Parity: serial.OddParity, StopBits: 1},
		"--format 5M1":             {Baud: 9600, DataBits: 5, Parity: serial.MarkParity, StopBits: 1},
		"--format=6S1":             {Baud: 9600, DataBits: 6, Parity: serial.SpaceParity, StopBits: 1},
	} {
		f := newFake(t)
		f.err = syscall.ENODEV
		f.runs(t, statusNotFound, append([]string{"relay", "00:AA:01:00:00:01/1", "/dev/ttyS0"}, strings.Fields(flags)...)...)
		if len(f.lines) != 1 || f.lines[0].LineOptions != want {
			t.Errorf("%s: opened %+v, want %+v", flags, f.lines, want)
		}
	}
}

// joined runs a relay whose device, the first one of a list of clients or else
// dialed, sends "question" and expects "answer" of the port. It closes the
// connection then.
func (f *fake) joined(t *testing.T, status int, arguments ...string) (stderr string) {
	t.Helper()
	device, received := client("question", len("answer"))
	f.dial = func(_ context.Context, d *rfcomm.Dialer, address rfcomm.BDAddr, s service) (net.Conn, error) {
		f.dialed = append(f.dialed, dialed{*d, address, s})
		return addressed{device, address}, nil
	}
	f.clients = []net.Conn{addressed{device, printerAddr}}
	open := f.openLine
	asked := make(chan string, 1)
	f.openLine = func(name string, o *serial.LineOptions) (serial.Line, error) {
		l, err := open(name, o)
		far := f.line
		go func() {
			question := make([]byte, len("question"))
			n, _ := io.ReadFull(far, question)
			asked <- string(question[:n])
			io.WriteString(far, "answer")
		}()
		return l, err
	}
	_, stderr = f.runs(t, status, append([]string{"relay"}, arguments...)...)
	if question, answer := <-asked, <-received; question != "question" || answer != "answer" {
		t.Errorf("%q: the port received %q, the device %q", arguments, question, answer)
	}
	return stderr
}

func TestRelayJoinsDeviceAndPort(t *testing.T) {
	for _, line := range []string{"00:AA:01:00:00:01/1 /dev/ttyS1", "--listen /dev/ttyS1", "--publish Scale /dev/ttyS1"} {
		f := newFake(t)
		stderr := f.joined(t, 0, append(strings.Fields(line), "-v")...)
		if len(f.lines) != 1 || f.lines[0].name != "/dev/ttyS1" {
			t.Errorf("%s: opened %v", line, f.lines)
		}
		wantParts(t, stderr, "sent 6 bytes, received 8\n")
	}
}

// With --lines, each connection becomes a node of the kernel.
func TestRelayLinesUseNodes(t *testing.T) {
	for _, line := range []string{"00:AA:01:00:00:01/1 /dev/ttyS1", "--listen /dev/ttyS1", "--listen --keep /dev/ttyS1"} {
		f := newFake(t)
		status := 0
		if strings.Contains(line, "--keep") {
			line, status = line+" -t 1s", statusBusy // no further device comes
		}
		f.joined(t, status, append(strings.Fields(line), "--lines")...)
		if len(f.ports) != 1 || len(f.modem.changed) == 0 {
			t.Errorf("%s: nodes of %v, %d changes of signals", line, f.ports, len(f.modem.changed))
		}
	}
}

// A port sends before a device connects.
func TestRelayReportsDiscardedData(t *testing.T) {
	f := newFake(t)
	open := f.openLine
	f.openLine = func(name string, o *serial.LineOptions) (serial.Line, error) {
		l, err := open(name, o)
		go io.WriteString(f.line, "early")
		return l, err
	}
	printed := make(chan string, 2)
	f.tool.stderr = writerFunc(func(p []byte) (int, error) {
		printed <- string(p)
		return len(p), nil
	})
	f.dial = func(context.Context, *rfcomm.Dialer, rfcomm.BDAddr, service) (net.Conn, error) {
		if text := hosttest.Receive(t, printed); text != "rfcommctl: there is no connection: what the port sends is discarded\n" {
			t.Errorf("it printed %q", text)
		}
		return nil, opError(syscall.EHOSTDOWN)
	}
	f.runs(t, statusNotFound, "relay", "00:AA:01:00:00:01/1", "/dev/ttyS1")
}

func TestRelayReportsMissingPort(t *testing.T) {
	f := newFake(t)
	f.err = syscall.EBUSY
	_, stderr := f.runs(t, statusBusy, "relay", "00:AA:01:00:00:01/1", "/dev/ttyS0")
	wantError(t, stderr, "device or resource busy")
	if len(f.dialed) > 0 {
		t.Errorf("dialed %v", f.dialed)
	}
}

// With --keep, devices are served one after the other.
func TestRelayKeepServesInTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		f := newFake(t)
		for range 3 {
			conn, _ := client("question ", 0)
			f.clients = append(f.clients, addressed{conn, printerAddr})
		}
		open := f.openLine
		f.openLine = func(name string, o *serial.LineOptions) (serial.Line, error) {
			l, err := open(name, o)
			far := f.line
			go func() {
				got := make([]byte, 3*len("question "))
				io.ReadFull(far, got)
				if string(got) != "question question question " {
					t.Errorf("the port received %q", got)
				}
				cancel(signalError{syscall.SIGINT})
			}()
			return l, err
		}
		if status := f.run(ctx, []string{"relay", "--listen", "--keep", "/dev/ttyS0"}); status != 130 {
			t.Errorf("status %d, want 130: %s", status, &f.stderr)
		}
	})
}

func TestRelayReportsLostPortOnce(t *testing.T) {
	unplugged := &fs.PathError{Op: "read", Path: "/dev/ttyUSB0", Err: syscall.EIO}
	const text = "rfcommctl: port /dev/ttyUSB0: read /dev/ttyUSB0: input/output error\n"
	for _, tt := range []struct {
		keep bool
		err  error
		want string
	}{
		{true, unplugged, text},
		{true, io.EOF, "rfcommctl: port /dev/ttyUSB0: EOF\n"},
		{false, io.EOF, "rfcommctl: port /dev/ttyUSB0: EOF\n"},
		{false, unplugged, ""}, // the error of the command
	} {
		f := newFake(t)
		r := &reporter{t: f.tool, keep: tt.keep}
		r.report(serial.Event{State: serial.StatePortLost, Name: "/dev/ttyUSB0", Err: tt.err})
		if tt.keep {
			r.report(serial.Event{State: serial.StateRetrying, Name: "/dev/ttyUSB0", Err: tt.err})
			r.report(serial.Event{State: serial.StateRetrying, Name: "/dev/ttyUSB0", Err: syscall.ENOENT})
			tt.want += "rfcommctl: no such file or directory; trying again\n"
		}
		if got := f.stderr.String(); got != tt.want {
			t.Errorf("keep %t, %v: it printed\n%s\nwant\n%s", tt.keep, tt.err, got, tt.want)
		}
	}
}
