package main

import (
	"context"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/go-rfcomm/rfcomm"
)

// newDemoFake returns a fake whose temporary files are in a directory of its own.
func newDemoFake(t *testing.T) (f *fake, temporary string) {
	t.Helper()
	temporary = t.TempDir()
	t.Setenv("TMPDIR", temporary)
	t.Setenv("TMP", temporary)
	return newFake(t), temporary
}

// wantNothingLeft checks that demo has left no files, and no listed names.
func (f *fake) wantNothingLeft(t *testing.T, temporary string) {
	t.Helper()
	wantFiles(t, temporary)
	if _, err := os.Stat(f.recent.path); err == nil {
		t.Error("the list of found devices was written")
	}
	if _, err := os.Stat(f.listed.path); err == nil {
		t.Error("the list of files was written")
	}
}

func TestDemoRunsInMemory(t *testing.T) {
	f, temporary := newDemoFake(t)
	stdout, stderr := f.runs(t, 0, "demo")
	wantParts(t, stdout,
		"in memory instead of Bluetooth: only 1\nadapter of this machine is powered on, hci0.\n",
		"\n  B$ rfcommctl listen -i hci1\n  B  rfcommctl: listening on channel 1 of 02:00:00:00:00:0B\n",
		"\n  A$ echo Hello from A | rfcommctl connect -i hci0 02:00:00:00:00:0B/1 --wait 0\n", "\n  B  Hello from A\n",
		"\n  A$ rfcommctl put ", "  received photo.jpg  200.0 kB  in ", "  A  -rw", "  200000  photo.jpg\n",
		"\n  B  ^C\n  B  rfcommctl: interrupted\n", "\n  A$ rfcommctl speed -i hci0 02:00:00:00:00:0B -t 1s\n", "bit/s")
	if stderr != "" || len(f.dialed) > 0 || len(f.servers) > 0 {
		t.Errorf("printed %q, dialed %v, listened %v", stderr, f.dialed, f.servers)
	}
	f.wantNothingLeft(t, temporary)
}

func TestDemoIsQuiet(t *testing.T) {
	f, temporary := newDemoFake(t)
	if stdout, stderr := f.runs(t, 0, "demo", "-q"); stdout+stderr != "" {
		t.Errorf("printed %q, %q", stdout, stderr)
	}
	f.wantNothingLeft(t, temporary)
}

// Two adapters that reach each other are used.
func TestDemoChoosesAdapters(t *testing.T) {
	f, temporary := newDemoFake(t)
	near := rfcomm.Adapter{Name: "hci3", Addr: rfcomm.BDAddr{0x02, 0, 0, 0, 0, 0x0A}, Up: true, PageScan: true}
	far := rfcomm.Adapter{Name: "hci5", Addr: rfcomm.BDAddr{0x02, 0, 0, 0, 0, 0x0B}, Up: true, PageScan: true}
	f.adapterList = []rfcomm.Adapter{near, {Name: "hci4", Addr: adapterAddr}, far}
	m := &memory{from: near.Addr, to: far.Addr, listeners: make(map[int]*memoryListener)}
	f.listen = m.listen
	f.dial = func(ctx context.Context, d *rfcomm.Dialer, device rfcomm.BDAddr, s service) (net.Conn, error) {
		f.dialed = append(f.dialed, dialed{*d, device, s})
		if s.channel == 0 {
			return nil, opError(syscall.ECONNREFUSED)
		}
		return m.dial(ctx, d, device, s)
	}
	stdout, _ := f.runs(t, 0, "demo")
	wantParts(t, stdout, "by Bluetooth", "rfcommctl listen -i hci5\n", "connect -i hci3 02:00:00:00:00:0B/1 ")
	for _, d := range f.dialed {
		if d.dialer.LocalAddr.Device != near.Addr || d.device != far.Addr {
			t.Errorf("dialed %+v", d)
		}
	}
	f.wantNothingLeft(t, temporary)
}

// Ctrl-C ends the commands of both machines.
func TestDemoEndsOnSignals(t *testing.T) {
	for _, text := range []string{"B$ rfcommctl listen", "B  Hello", "B$ rfcommctl serve", "A$ rfcommctl put", "A$ rfcommctl get"} {
		f, temporary := newDemoFake(t)
		ctx, cancel := context.WithCancelCause(t.Context())
		f.tool.stdout = &output{w: &watched{text: text, call: func() { cancel(signalError{syscall.SIGINT}) }}}
		if status := f.run(ctx, []string{"demo"}); status != 130 {
			t.Errorf("%s: status %d, want 130", text, status)
		}
		wantError(t, f.stderr.String(), "interrupted")
		f.wantNothingLeft(t, temporary)
	}
}

// A command that fails ends the demo.
func TestDemoReportsFailure(t *testing.T) {
	f, temporary := newDemoFake(t)
	f.tool.stdout = &output{w: &watched{text: "put", call: func() { removeAll(t, temporary) }}}
	_, stderr := f.runs(t, statusOther, "demo")
	wantError(t, stderr, `rfcommctl put -i hci0 02:00:00:00:00:0B`, "on A ended with status 3")
	wantFiles(t, temporary)
}

// removeAll removes the files in a directory.
func removeAll(t *testing.T, directory string) {
	t.Helper()
	entries, err := os.ReadDir(directory)
	if err != nil {
		t.Error(err)
	}
	for _, e := range entries {
		if err := os.RemoveAll(directory + "/" + e.Name()); err != nil {
			t.Error(err)
		}
	}
}

func TestDemoFitsTheTerminal(t *testing.T) {
	for _, width := range []int{80, 40} {
		f, _ := newDemoFake(t)
		f.columns = width
		stdout, _ := f.runs(t, 0, "demo")
		for line := range strings.Lines(stdout) {
			line = strings.TrimSuffix(line, "\n")
			if columns(line) > width && len(strings.Fields(line)) > 2 && !strings.Contains(line, os.TempDir()) {
				t.Errorf("%d columns, want at most %d: %q", columns(line), width, line)
			}
		}
	}
}
