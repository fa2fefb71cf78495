package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/inquiry"
	"github.com/go-rfcomm/rfcomm/sdp"
	"github.com/go-rfcomm/rfcomm/serial"
)

// programVariable is set for processes of the test binary that are the program.
const programVariable = "RFCOMMCTL_IS_PROGRAM"

func TestMain(m *testing.M) {
	if run := programs[os.Getenv(programVariable)]; run != nil {
		run()
	}
	os.Exit(m.Run())
}

// programs are what processes of the test binary are, by programVariable.
var programs = map[string]func(){"1": main, "stuck": stuck}

// stuck is a program that the first signal does not end.
func stuck() {
	ctx, _ := withSignals(context.Background())
	fmt.Print(".")
	<-ctx.Done()
	fmt.Print(".")
	select {}
}

// program returns a command that runs the program, with a cache directory of its
// own.
func program(t *testing.T, arguments ...string) *exec.Cmd {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), path, arguments...)
	c.Env = programEnvironment(t.TempDir())
	return c
}

// programEnvironment returns the environment of the program. Without GORACE, a
// process takes 1 s to end.
func programEnvironment(cache string) []string {
	return append(os.Environ(), programVariable+"=1", "GORACE=atexit_sleep_ms=0", "XDG_CACHE_HOME="+cache, "HOME="+cache, "LocalAppData="+cache)
}

// exitStatus returns the exit status of a command that has ended.
func exitStatus(t *testing.T, err error) int {
	t.Helper()
	if failed, ok := errors.AsType[*exec.ExitError](err); ok {
		return failed.ExitCode()
	}
	if err != nil {
		t.Fatal(err)
	}
	return 0
}

// A fake is a tool whose streams are buffers and whose Bluetooth is made up.
type fake struct {
	*tool
	stdout, stderr bytes.Buffer

	adapterList []rfcomm.Adapter
	inRange     []inquiry.Device
	inquiries   []inquiry.Options
	records     []*sdp.Record
	searched    []rfcomm.BDAddr
	peer        net.Conn // the other end of the connection
	dialed      []dialed
	servers     []server
	knownList   []knownDevice
	knownErr    error
	pairings    []pairing
	asked       func(context.Context, pairing) error // or nil: what bluetoothd asks
	unpaired    [][2]rfcomm.BDAddr                   // adapter and device
	trusted     map[rfcomm.BDAddr]bool
	bondErr     error // of bonded
	changes     []changeOf
	clients     []net.Conn // that connect to a server, one after the other
	devices     []serial.DeviceOptions
	nodes       []serial.DeviceInfo
	bound       [][2]rfcomm.Addr // local and remote
	released    []int
	lines       []lineOf
	ports       []net.Conn // that became nodes
	line        net.Conn   // the far end of an open line
	modem       *modem     // its signals
	err         error      // of all operations
}

// A locked writer can be used by several goroutines, as a file can.
type locked struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

// A dialed is a call of dial.
type dialed struct {
	dialer  rfcomm.Dialer
	device  rfcomm.BDAddr
	service service
}

// A lineOf is a call of openLine.
type lineOf struct {
	name string
	serial.LineOptions
}

// A fakeDevice is a device that ends at once.
type fakeDevice struct {
	o    *serial.DeviceOptions
	conn net.Conn
}

func (d fakeDevice) Name() string        { return cmp.Or(d.o.Link, "/dev/pts/7") }
func (d fakeDevice) Kind() serial.Kind   { return serial.PTY }
func (d fakeDevice) Wait() error         { return io.EOF }
func (d fakeDevice) Close() error        { return d.conn.Close() }
func (d fakeDevice) Stats() serial.Stats { return serial.Stats{Sent: 3, Received: 4} }

// A changeOf is a call of change.
type changeOf struct {
	adapter string
	adapterChange
}

// Addresses of adapters and devices.
var (
	adapterAddr = rfcomm.BDAddr{0, 0xaa, 1, 0, 0, 0}
	printerAddr = rfcomm.BDAddr{0, 0xaa, 1, 0, 0, 1}
	scannerAddr = rfcomm.BDAddr{0, 0xaa, 1, 0, 0, 2}
)

func newFake(t *testing.T) *fake {
	cache := filepath.Join(t.TempDir(), "cache")
	f := &fake{trusted: make(map[rfcomm.BDAddr]bool), adapterList: []rfcomm.Adapter{{Name: "hci0", Addr: adapterAddr, Up: true, PageScan: true}}}
	f.tool = &tool{
		stdin:     strings.NewReader(""),
		stdout:    &output{w: &f.stdout},
		stderr:    &locked{w: &f.stderr},
		lineWidth: func() int { return 1000 }, // long messages have one line
		lineSize:  func() (columns, rows int) { return 80, 24 },
		recent:    recentList{cacheFile{filepath.Join(cache, "devices.json"), time.Now}},
		listed:    listedFiles{cacheFile{filepath.Join(cache, "files.json"), time.Now}},
		host:      healthyHost(),
		adapters:  func() ([]rfcomm.Adapter, error) { return f.adapterList, f.err },
		inquire:   f.inquireFake,
		search: func(ctx context.Context, _ *rfcomm.Dialer, device rfcomm.BDAddr, uuids ...sdp.UUID) ([]*sdp.Record, error) {
			f.searched = append(f.searched, device)
			return f.records, cmp.Or(f.err, ctx.Err())
		},
		dial: func(_ context.Context, d *rfcomm.Dialer, device rfcomm.BDAddr, s service) (net.Conn, error) {
			f.dialed = append(f.dialed, dialed{*d, device, s})
			if f.err != nil {
				return nil, f.err
			}
			conn, peer := net.Pipe()
			f.peer = peer
			go io.Copy(peer, peer) // echoes
			return conn, nil
		},
		listen: func(_ context.Context, s server) (net.Listener, error) {
			f.servers = append(f.servers, s)
			if f.err != nil {
				return nil, f.err
			}
			return newQueue(f.clients...), nil
		},
		known: func(context.Context) ([]knownDevice, error) {
			if f.knownErr != nil {
				return nil, f.knownErr
			}
			return f.knownList, nil
		},
		pair: func(ctx context.Context, p pairing) error {
			f.pairings = append(f.pairings, p)
			if f.asked != nil {
				return f.asked(ctx, p)
			}
			return f.err
		},
		unpair: func(_ context.Context, adapter, device rfcomm.BDAddr) error {
			f.unpaired = append(f.unpaired, [2]rfcomm.BDAddr{adapter, device})
			return f.err
		},
		trust: func(_ context.Context, _, device rfcomm.BDAddr, trusted bool) error {
			f.trusted[device] = trusted
			return f.err
		},
		bonded: func(_ context.Context, adapter, device rfcomm.BDAddr) (bool, error) {
			return adapter == adapterAddr && device == printerAddr, f.bondErr
		},
		change: func(_ context.Context, adapter string, c adapterChange, changed func() error) error {
			f.changes = append(f.changes, changeOf{adapter, c})
			return changed()
		},
	}
	f.longestPacket = func(rfcomm.BDAddr) (int, error) { return 1021, f.err }
	f.openSignal = func(_, _ rfcomm.BDAddr) (signalReader, error) { return nil, errors.ErrUnsupported }
	f.fakeSerial()
	return f
}

// fakeSerial sets the functions of package serial.
func (f *fake) fakeSerial() {
	f.openDevice = func(ctx context.Context, o *serial.DeviceOptions) (device, error) {
		f.devices = append(f.devices, *o)
		conn, err := o.Connect(ctx)
		if err != nil {
			return nil, err
		}
		o.Report(serial.Event{State: serial.StateOpen, Name: "/tmp/gps", Node: "/dev/pts/7", Kind: serial.PTY, Reason: "there is no node"})
		o.Report(serial.Event{State: serial.StateConnected, Remote: conn.RemoteAddr()})
		return fakeDevice{o, conn}, nil
	}
	f.ttys = func() ([]serial.DeviceInfo, error) { return f.nodes, f.err }
	f.bind = func(id int, local, remote rfcomm.Addr) (serial.DeviceInfo, error) {
		f.bound = append(f.bound, [2]rfcomm.Addr{local, remote})
		return serial.DeviceInfo{Name: "/dev/rfcomm0"}, f.err
	}
	f.release = func(id int) error {
		f.released = append(f.released, id)
		return f.err
	}
	f.newPort = func(_ context.Context, conn net.Conn) (net.Conn, error) {
		f.ports = append(f.ports, conn)
		return fakeLine{conn, newModem()}, f.err
	}
	f.openLine = func(name string, o *serial.LineOptions) (serial.Line, error) {
		f.lines = append(f.lines, lineOf{name, *o})
		if f.err != nil {
			return nil, f.err
		}
		line, far := net.Pipe()
		f.line = far
		f.modem = newModem()
		return fakeLine{line, f.modem}, nil
	}
}

// A fakeLine is a serial port, or a node, with modem signals.
type fakeLine struct {
	net.Conn
	*modem
}

func (fakeLine) Drain() error { return nil }

// A modem has modem signals. Its inputs are DSR and CTS.
type modem struct {
	mu      sync.Mutex
	outputs serial.Signals
	changed chan struct{} // receives after a change of the outputs
}

func newModem() *modem { return &modem{changed: make(chan struct{}, 100)} }

func (m *modem) Signals() (serial.Signals, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.outputs | serial.DSR | serial.CTS, nil
}

func (m *modem) SetSignals(set, clear serial.Signals) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.outputs = m.outputs&^clear | set
	m.changed <- struct{}{}
	return nil
}

func (f *fake) inquireFake(_ context.Context, o *inquiry.Options) iter.Seq2[inquiry.Device, error] {
	f.inquiries = append(f.inquiries, *o)
	return func(yield func(inquiry.Device, error) bool) {
		for _, d := range f.inRange {
			if !yield(d, nil) {
				return
			}
		}
		if f.err != nil {
			yield(inquiry.Device{}, f.err)
		}
	}
}

// runs runs the tool, checks its exit status, and returns its output on both
// streams.
func (f *fake) runs(t *testing.T, status int, arguments ...string) (stdout, stderr string) {
	t.Helper()
	f.stdout.Reset()
	f.stderr.Reset()
	f.quiet, f.verbose = false, false
	if got := f.run(t.Context(), arguments); got != status {
		t.Errorf("%q: status %d, want %d\n%s%s", arguments, got, status, &f.stdout, &f.stderr)
	}
	return f.stdout.String(), f.stderr.String()
}

// wantError checks that a text is one line of an error with all parts.
func wantError(t *testing.T, text string, parts ...string) {
	t.Helper()
	if !strings.HasPrefix(text, "rfcommctl: ") || strings.Count(text, "\n") != 1 || !strings.HasSuffix(text, "\n") {
		t.Errorf("not an error in one line: %q", text)
	}
	wantParts(t, text, parts...)
}

// wantParts checks that a text has all parts.
func wantParts(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("no %q in %q", part, text)
		}
	}
}

// wantJSON checks that a text consists of one JSON object a line, in the given
// form.
func wantJSON(t *testing.T, text string, lines ...string) {
	t.Helper()
	if want := strings.Join(lines, "\n") + "\n"; text != want {
		t.Errorf("got  %s\nwant %s", text, want)
	}
	for line := range strings.Lines(text) {
		var object map[string]any
		if err := json.Unmarshal([]byte(line), &object); err != nil {
			t.Errorf("%s: %v", line, err)
		}
	}
}

// found returns devices with names, as a scan finds them.
func found(names ...string) (devices []inquiry.Device) {
	for i, name := range names {
		devices = append(devices, inquiry.Device{
			Addr: rfcomm.BDAddr{0, 0xaa, 1, 0, 0, byte(i + 1)}, Name: name, Class: 0x040680, RSSI: -60,
		})
	}
	return devices
}

// opError returns an error as the library does.
func opError(err error) error {
	return &net.OpError{Op: "dial", Net: "rfcomm", Addr: rfcomm.Addr{Device: printerAddr, Channel: 1}, Err: fmt.Errorf("connect: %w", err)}
}
