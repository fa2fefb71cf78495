package main

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/sdp"
	"github.com/go-rfcomm/rfcomm/serial"
)

// nodes are two nodes of the kernel.
var nodes = []serial.DeviceInfo{
	{
		ID: 0, Name: "/dev/rfcomm0", Local: rfcomm.Addr{Device: adapterAddr}, Remote: rfcomm.Addr{Device: printerAddr, Channel: 1},
		State: serial.DeviceConnected, Open: true,
	},
	{ID: 3, Name: "/dev/rfcomm3", Remote: rfcomm.Addr{Device: scannerAddr, Channel: 20}, State: serial.DeviceClean, Bound: true},
}

func TestTTYTakesOptions(t *testing.T) {
	for line, want := range map[string]serial.DeviceOptions{
		"":                             {},
		"--pty --mode 660":             {Kind: serial.PTY, Mode: 0o660},
		"--kernel":                     {Kind: serial.TTY},
		"--link /tmp/gps --mode=0600":  {Link: "/tmp/gps", Mode: 0o600},
		"--keep --hold 64K":            {Keep: true, Hold: 64 << 10},
		"--keep --hold 100 --pty=true": {Keep: true, Hold: 100, Kind: serial.PTY},
		"--keep --hold 2m":             {Keep: true, Hold: 2 << 20},
		"--listen=false":               {},
	} {
		f := newFake(t)
		stdout, stderr := f.runs(t, 0, append([]string{"tty", printerAddr.String()}, strings.Fields(line)...)...)
		if len(f.devices) != 1 || stderr != "" {
			t.Fatalf("%s: opened %v, stderr %q", line, f.devices, stderr)
		}
		got := f.devices[0]
		if got.Kind != want.Kind || got.Link != want.Link || got.Mode != want.Mode || got.Hold != want.Hold || got.Keep != want.Keep {
			t.Errorf("%s: opened %+v, want %+v", line, got, want)
		}
		name := "/dev/pts/7"
		if want.Link != "" {
			name = want.Link
		}
		if stdout != name+"\n" {
			t.Errorf("%s: printed %q", line, stdout)
		}
	}
}

// The commands tty and relay dial alike.
func TestTTYDialsTarget(t *testing.T) {
	for line, want := range map[string]dialed{
		"00:AA:01:00:00:01/20":                      {service: service{channel: 20}},
		"00:AA:01:00:00:01":                         {service: service{uuid: sdp.SerialPort}},
		"00:AA:01:00:00:01 --channel 7 -t 1m":       {service: service{channel: 7}, dialer: rfcomm.Dialer{Timeout: time.Minute}},
		"00:AA:01:00:00:01/1 --security high":       {service: service{channel: 1}, dialer: rfcomm.Dialer{Security: rfcomm.SecurityHigh}},
		"00:AA:01:00:00:01/1 --adapter hci0 --keep": {service: service{channel: 1}, dialer: rfcomm.Dialer{LocalAddr: rfcomm.Addr{Device: adapterAddr}}},
	} {
		f := newFake(t)
		f.runs(t, 0, append([]string{"tty"}, strings.Fields(line)...)...)
		if want.dialer.Timeout == 0 {
			want.dialer.Timeout = 30 * time.Second
		}
		if len(f.dialed) != 1 {
			t.Fatalf("%s: dialed %v", line, f.dialed)
		}
		got := f.dialed[0]
		if got.device != printerAddr || got.service != want.service || got.dialer.Timeout != want.dialer.Timeout ||
			got.dialer.Security != want.dialer.Security || got.dialer.LocalAddr != want.dialer.LocalAddr {
			t.Errorf("%s: dialed %+v, want %+v", line, got, want)
		}
	}
}

// Ports are for anyone who can connect: the default is a paired device.
func TestTTYListens(t *testing.T) {
	for line, want := range map[string]server{
		"--listen":                         {security: rfcomm.SecurityMedium},
		"--listen --channel 9 -i hci0":     {security: rfcomm.SecurityMedium, address: rfcomm.Addr{Device: adapterAddr, Channel: 9}},
		"--publish Clock":                  {security: rfcomm.SecurityMedium, name: "Clock"},
		"--listen --publish Clock":         {security: rfcomm.SecurityMedium, name: "Clock"},
		"--publish Clock --security low":   {security: rfcomm.SecurityLow, name: "Clock"},
		"--listen --security medium --pty": {security: rfcomm.SecurityMedium},
	} {
		f := newFake(t)
		stranger, _ := client("", 0)
		known, _ := client("", 0)
		f.clients = []net.Conn{addressed{stranger, scannerAddr}, addressed{known, printerAddr}}
		stdout, stderr := f.runs(t, 0, append([]string{"tty"}, strings.Fields(line)...)...)
		if stdout != "/dev/pts/7\n" {
			t.Errorf("%s: printed %q", line, stdout)
		}
		if got := f.servers[0]; got.address != want.address || got.security != want.security || got.name != want.name {
			t.Errorf("%s: listened %+v, want %+v", line, got, want)
		}
		guarded := !strings.Contains(line, "--security")
		if refused := strings.Contains(stderr, "00:AA:01:00:00:02 is refused: it is not paired"); refused != guarded {
			t.Errorf("%s: stderr %q", line, stderr)
		}
		wantParts(t, stderr, "listening on channel 4")
	}
}

// A device that cannot become a node of the kernel connects again.
func TestTTYListensUntilPortIsOpen(t *testing.T) {
	f := newFake(t)
	first, _ := client("", 0)
	second, _ := client("", 0)
	f.clients = []net.Conn{addressed{first, printerAddr}, addressed{second, printerAddr}}
	open := f.openDevice
	f.openDevice = func(ctx context.Context, o *serial.DeviceOptions) (device, error) {
		conn, err := o.Connect(ctx)
		if err != nil {
			return nil, err
		}
		conn.Close()
		return open(ctx, o)
	}
	f.runs(t, 0, "tty", "--listen")
}

func TestTTYGivesUp(t *testing.T) {
	for _, line := range []string{"tty --listen -t 3s", "tty --listen -t 3s --keep", "relay --listen -t 3s /dev/x", "relay --listen -t 3s --keep /dev/x"} {
		synctest.Test(t, func(t *testing.T) {
			f, began := newFake(t), time.Now()
			_, stderr := f.runs(t, statusBusy, strings.Fields(line)...)
			wantParts(t, stderr, "rfcommctl: no device connected for 3s: i/o timeout\n")
			if took := time.Since(began); took != 3*time.Second {
				t.Errorf("%s: it took %v", line, took)
			}
		})
	}
}

func TestTTYReportsErrors(t *testing.T) {
	f := newFake(t)
	f.err = opError(syscall.EHOSTDOWN)
	for _, line := range []string{"tty 00:AA:01:00:00:01/1", "tty --list", "tty --release rfcomm0", "tty --bind 00:AA:01:00:00:01/1"} {
		stdout, stderr := f.runs(t, statusNotFound, strings.Fields(line)...)
		wantError(t, stderr, "host is down")
		if stdout != "" {
			t.Errorf("%s: printed %q", line, stdout)
		}
	}
}

func TestTTYRefusesWrongUsage(t *testing.T) {
	const device = "00:AA:01:00:00:01/1"
	for line, part := range map[string]string{
		"":                                          "TARGET is missing",
		device + " extra":                           `unexpected word "extra"`,
		device + " --listen":                        `--listen replaces TARGET "` + device,
		device + " --publish Clock":                 "--publish replaces TARGET",
		device + " --tcp 127.0.0.1:1":               "--tcp replaces TARGET",
		device + " --list":                          "--list replaces TARGET",
		device + " --release rfcomm0":               "--release replaces TARGET",
		device + " --pty --kernel":                  "--pty and --kernel exclude each other",
		device + " --kernel --mode 660":             "udev",
		device + " --keep --hold 5 --kernel":        "--hold needs a pty",
		device + " --mode 8":                        "octal number such as 0660",
		device + " --mode 0":                        "octal number",
		device + " --mode 1000":                     "octal number",
		device + " --mode rw":                       "octal number",
		device + " --link=":                         "--link needs a path",
		device + " --hold 5":                        "--hold is for --keep",
		device + " --keep --hold x":                 "such as 4096, 64K or 1M",
		device + " --keep --hold -1":                "such as 4096, 64K or 1M",
		device + " --keep --hold 1025M":             "up to 1024M",
		device + " --keep --hold 5G":                "such as 4096, 64K or 1M",
		device + " --json":                          "--json is for --list",
		device + " --channel 5":                     "omit it or --channel",
		device + " --channel 31":                    "channel from 1 to 30",
		device + " --timeout 0":                     "more than 0",
		device + " --bind --keep":                   "--bind and --keep exclude each other",
		device + " --bind --security low":           "--bind and --security exclude each other",
		device + " --bind --channel 5":              "omit it or --channel",
		"--bind":                                    "TARGET is missing",
		"--bind --listen":                           "--bind and --listen exclude each other",
		"--bind --tcp 127.0.0.1:1":                  "--bind and --tcp exclude each other",
		"--list --keep":                             "--list and --keep exclude each other",
		"--list --tcp 127.0.0.1:1":                  "--list and --tcp exclude each other",
		"--list --release rfcomm0":                  "--list and --release exclude each other",
		"--release=":                                "a name such as rfcomm0",
		"--release x":                               "a name such as rfcomm0",
		"--release -1":                              "a name such as rfcomm0",
		"--release /tmp/rfcomm0":                    "a name such as rfcomm0",
		"--release 70000":                           "a name such as rfcomm0",
		"--release rfcomm0 --json":                  "--release and --json exclude each other",
		"--publish=":                                "--publish needs a name",
		"--publish x -i hci0":                       "on every adapter",
		"--tcp nonsense":                            "host:port",
		"--tcp 127.0.0.1:1 --kernel":                "--kernel is for Bluetooth",
		"--tcp 127.0.0.1:1 --channel 1":             "--channel is for Bluetooth",
		"--listen --tcp 127.0.0.1:0 --security low": "--security is for Bluetooth",
		"--publish x --tcp 127.0.0.1:0":             "--publish is for Bluetooth",
	} {
		f := newFake(t)
		stdout, stderr := f.runs(t, statusUsage, append([]string{"tty"}, strings.Fields(line)...)...)
		wantError(t, stderr, part)
		if stdout != "" || len(f.dialed)+len(f.servers)+len(f.devices)+len(f.bound)+len(f.released) > 0 {
			t.Errorf("tty %s: printed %q, dialed %v", line, stdout, f.dialed)
		}
	}
}

func TestTTYListsNodes(t *testing.T) {
	f := newFake(t)
	f.nodes = nodes
	stdout, _ := f.runs(t, 0, "tty", "--list")
	if want := "/dev/rfcomm0  00:AA:01:00:00:01/1   connected, open, adapter 00:AA:01:00:00:00\n/dev/rfcomm3  00:AA:01:00:00:02/20  clean, bound\n"; stdout != want {
		t.Errorf("printed %q, want %q", stdout, want)
	}
	stdout, _ = f.runs(t, 0, "tty", "--list", "--json")
	wantJSON(t, stdout,
		`{"name":"/dev/rfcomm0","id":0,"address":"00:AA:01:00:00:01","channel":1,"adapter":"00:AA:01:00:00:00","state":"connected","open":true,"bound":false}`,
		`{"name":"/dev/rfcomm3","id":3,"address":"00:AA:01:00:00:02","channel":20,"state":"clean","open":false,"bound":true}`)
	f.nodes, f.chatty = nil, true
	stdout, stderr := f.runs(t, 0, "tty", "--list")
	if stdout != "" || stderr != "There are no nodes.\n" {
		t.Errorf("printed %q and %q", stdout, stderr)
	}
}

func TestTTYBinds(t *testing.T) {
	f := newFake(t)
	f.records = []*sdp.Record{{}, sdp.NewSerialPort("GPS", 12)}
	for line, want := range map[string][2]rfcomm.Addr{
		"00:AA:01:00:00:01/5":           {{}, {Device: printerAddr, Channel: 5}},
		"00:AA:01:00:00:01 -i hci0":     {{Device: adapterAddr}, {Device: printerAddr, Channel: 12}},
		"00:AA:01:00:00:01 --channel 7": {{}, {Device: printerAddr, Channel: 7}},
	} {
		f.bound = nil
		stdout, _ := f.runs(t, 0, append([]string{"tty", "--bind"}, strings.Fields(line)...)...)
		if stdout != "/dev/rfcomm0\n" || !slices.Equal(f.bound, [][2]rfcomm.Addr{want}) {
			t.Errorf("%s: printed %q, bound %v, want %v", line, stdout, f.bound, want)
		}
	}
	f.records, f.bound = nil, nil
	_, stderr := f.runs(t, statusNotFound, "tty", "--bind", "00:AA:01:00:00:01")
	wantError(t, stderr, "has no service")
	if len(f.bound) > 0 {
		t.Errorf("bound %v", f.bound)
	}
}

func TestTTYReleases(t *testing.T) {
	f := newFake(t)
	for _, name := range []string{"rfcomm3", "/dev/rfcomm12", "0"} {
		f.runs(t, 0, "tty", "--release", name)
	}
	if want := []int{3, 12, 0}; !slices.Equal(f.released, want) {
		t.Errorf("released %v, want %v", f.released, want)
	}
}

// A person at a terminal, and a log, has to know the state of the connection.
func TestTTYReportsEvents(t *testing.T) {
	lost := opError(syscall.ETIMEDOUT)
	for _, tt := range []struct {
		flags string
		want  string
	}{
		{"--keep", `/tmp/gps is a pty (/dev/pts/7): there is no node
Connected to pipe
rfcommctl: dial rfcomm [00:AA:01:00:00:01]:1: connect: connection timed out
rfcommctl: dial rfcomm [00:AA:01:00:00:01]:1: connect: host is down; trying again
rfcommctl: there is no connection: what programs write to the port is discarded (see --hold)
rfcommctl: 7 bytes were discarded while there was no connection
rfcommctl: connected again to pipe
rfcommctl: the device closed the connection
rfcommctl: 9 bytes were discarded while there was no connection
`},
		{"", `/tmp/gps is a pty (/dev/pts/7): there is no node
Connected to pipe
`},
		{"--quiet --keep", ""},
	} {
		f := newFake(t)
		f.chatty = true
		open := f.openDevice
		f.openDevice = func(ctx context.Context, o *serial.DeviceOptions) (device, error) {
			d, err := open(ctx, o)
			o.Report(serial.Event{State: serial.StateDisconnected, Err: lost})
			if !o.Keep {
				return d, err
			}
			down := opError(syscall.EHOSTDOWN)
			for _, e := range []serial.Event{
				{State: serial.StateRetrying, Err: lost, Delay: time.Second},
				{State: serial.StateRetrying, Err: down, Delay: time.Second},
				{State: serial.StateRetrying, Err: down, Delay: time.Second},
				{State: serial.StateDiscarding, Kind: serial.PTY, Discarded: 1},
				{State: serial.StateConnected, Remote: d.(fakeDevice).conn.RemoteAddr(), Discarded: 7},
				{State: serial.StateDisconnected, Err: io.EOF},
				{State: serial.StateClosed, Discarded: 9},
			} {
				o.Report(e)
			}
			return d, err
		}
		_, stderr := f.runs(t, 0, append([]string{"tty", "00:AA:01:00:00:01/1"}, strings.Fields(tt.flags)...)...)
		if stderr != tt.want {
			t.Errorf("%s: stderr\n%s, want\n%s", tt.flags, stderr, tt.want)
		}
	}
}

// The path is for a script that may end before the port does.
func TestTTYStaysWithoutReader(t *testing.T) {
	f := newFake(t)
	f.tool.stdout = &output{w: writerFunc(func([]byte) (int, error) { return 0, syscall.EPIPE })}
	waited := false
	open := f.openDevice
	f.openDevice = func(ctx context.Context, o *serial.DeviceOptions) (device, error) {
		d, err := open(ctx, o)
		return waiting{d, func() error { waited = true; return errors.New("lost") }}, err
	}
	if f.runs(t, statusOther, "tty", "00:AA:01:00:00:01/1"); !waited {
		t.Error("it did not wait for the end of the port")
	}
}

// A waiting is a device with another Wait.
type waiting struct {
	device
	wait func() error
}

func (w waiting) Wait() error { return w.wait() }

func TestTTYEndsOnSignals(t *testing.T) {
	f := newFake(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	open := f.openDevice
	f.openDevice = func(ctx context.Context, o *serial.DeviceOptions) (device, error) {
		d, err := open(ctx, o)
		closed := make(chan struct{})
		cancel(signalError{syscall.SIGTERM})
		return closing{waiting{d, func() error { <-closed; return nil }}, sync.OnceFunc(func() { close(closed) })}, err
	}
	if status := f.run(ctx, []string{"tty", "00:AA:01:00:00:01/1"}); status != 143 {
		t.Errorf("status %d, want 143", status)
	}
}

// A closing is a device that reports Close.
type closing struct {
	device
	closed func()
}

func (c closing) Close() error { c.closed(); return nil }
