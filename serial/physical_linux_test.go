package serial

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

// A master is that of a pseudo terminal, whose slave is the port of a test.
type master struct {
	*os.File
	port string // the name of the slave
}

func newMaster(t testing.TB) master {
	t.Helper()
	file, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	raw, err := file.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var number uint32
	raw.Control(func(fd uintptr) {
		if number, err = unix.IoctlGetUint32(int(fd), unix.TIOCGPTN); err == nil {
			err = unix.IoctlSetPointerInt(int(fd), unix.TIOCSPTLCK, 0)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return master{file, fmt.Sprintf("/dev/pts/%d", number)}
}

// openLine opens a port that the end of the test closes.
func openLine(t *testing.T, name string, o *LineOptions) *PhysicalPort {
	t.Helper()
	p, err := OpenLine(name, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

// allBytes returns n bytes that contain each value.
func allBytes(n int) []byte {
	data := make([]byte, n)
	for i := range data {
		data[i] = byte(i + i>>8)
	}
	return data
}

func TestPhysicalPortPassesAllBytes(t *testing.T) {
	wire := newMaster(t)
	port := openLine(t, wire.port, nil)
	data := allBytes(1 << 20)
	for _, c := range []struct {
		name string
		from io.Writer
		to   io.Reader
	}{{"to the port", wire, port}, {"from the port", port, wire}} {
		go c.from.Write(data)
		got := make([]byte, len(data))
		if _, err := io.ReadFull(c.to, got); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, data) {
			t.Errorf("%s, the data was altered", c.name)
		}
	}
}

func TestPhysicalPortReadAfterHangUp(t *testing.T) {
	wire := newMaster(t)
	port := openLine(t, wire.port, nil)
	read := hosttest.InBackground(func() error { _, err := port.Read(make([]byte, 1)); return err })
	hosttest.AwaitPolling(t, "Read")
	wire.Close()
	_, writeErr := port.Write([]byte("x"))
	_, signalsErr := port.Signals()
	for op, err := range map[string]error{"read": hosttest.Receive(t, read), "write": writeErr} {
		want := op + " " + wire.port + ": input/output error (the port was unplugged or hung up)"
		if !errors.Is(err, syscall.EIO) || err.Error() != want {
			t.Errorf("the error is %q, want %q", err, want)
		}
	}
	if signalsErr == nil {
		t.Error("Signals succeeds after the hang-up")
	}
}

func TestPhysicalPortCloseEndsCalls(t *testing.T) {
	wire := newMaster(t)
	port := openLine(t, wire.port, nil)
	read := hosttest.InBackground(func() error { _, err := port.Read(make([]byte, 1)); return err })
	hosttest.AwaitPolling(t, "Read")
	write := hosttest.InBackground(func() error { _, err := port.Write(make([]byte, 1<<20)); return err })
	hosttest.AwaitPolling(t, "Write")
	if err := port.Close(); err != nil {
		t.Error(err)
	}
	_, signals := port.Signals()
	errs := []error{hosttest.Receive(t, read), hosttest.Receive(t, write), signals, port.SetSignals(DTR, 0), port.Drain(), port.SetDeadline(time.Time{}), port.Close()}
	for i, err := range errs {
		if !errors.Is(err, net.ErrClosed) || !errors.Is(err, os.ErrClosed) || !strings.HasSuffix(err.Error(), ": the port is closed") {
			t.Errorf("error %d is %v, want that of a closed port", i, err)
		}
	}
}

// A deadline that is set during Close must not make a pending Write wait again,
// for which Close waits.
func TestPhysicalPortCloseEndsDeadlines(t *testing.T) {
	port := openLine(t, newMaster(t).port, nil)
	port.uart.writeMu.Lock() // as a Write does
	closed := hosttest.InBackground(port.Close)
	hosttest.Eventually(t, "Close has begun", port.uart.isClosed)
	for _, set := range []func(time.Time) error{port.SetDeadline, port.SetReadDeadline, port.SetWriteDeadline} {
		if err := set(time.Time{}); !errors.Is(err, net.ErrClosed) {
			t.Errorf("the error is %v, want that of a closed port", err)
		}
	}
	port.uart.writeMu.Unlock()
	if err := hosttest.Receive(t, closed); err != nil {
		t.Error(err)
	}
}

func TestPhysicalPortDeadlines(t *testing.T) {
	wire := newMaster(t)
	port := openLine(t, wire.port, nil)
	if err := port.SetDeadline(time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	_, readErr := port.Read(make([]byte, 1))
	_, writeErr := port.Write(make([]byte, 1<<20))
	for _, err := range []error{readErr, writeErr} {
		if timeout := net.Error(nil); !errors.Is(err, os.ErrDeadlineExceeded) || !errors.As(err, &timeout) || !timeout.Timeout() {
			t.Errorf("the error is %v, want a timeout", err)
		}
	}
	if err := port.SetDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	go wire.Write([]byte("x"))
	if _, err := port.Read(make([]byte, 1)); err != nil {
		t.Error("after the deadline was removed: ", err)
	}
}

// The errno of a USB adapter that does not answer is not a deadline.
func TestPhysicalPortErrnoIsNoTimeout(t *testing.T) {
	port := openLine(t, newMaster(t).port, nil)
	for _, err := range []error{
		port.pathError("read", port.uart.explain(syscall.ETIMEDOUT)),
		port.pathError("get signals of", port.uart.explain(os.NewSyscallError("ioctl", syscall.ETIMEDOUT))),
		&fs.PathError{Op: "open", Path: port.Name(), Err: explainOpen(port.Name(), syscall.ETIMEDOUT)},
	} {
		hosttest.WantErrno(t, err, syscall.ETIMEDOUT)
		if err.(*fs.PathError).Timeout() {
			t.Errorf("%v is a timeout", err)
		}
	}
}

func TestPhysicalPortWriteIsBounded(t *testing.T) {
	wire := newMaster(t)
	port := openLine(t, wire.port, nil)
	var n int
	write := hosttest.InBackground(func() (err error) { n, err = port.Write(make([]byte, 8<<20)); return err })
	hosttest.AwaitPolling(t, "Write")
	port.SetWriteDeadline(time.Unix(1, 0))
	if err := hosttest.Receive(t, write); !errors.Is(err, os.ErrDeadlineExceeded) || n == 0 || n > 1<<20 {
		t.Errorf("nobody reads, and Write returned %d bytes and %v, want a timeout after some KiB", n, err)
	}
	got := make([]byte, n)
	if _, err := io.ReadFull(wire, got); err != nil {
		t.Error(err)
	}
}

func TestOpenLineClaimsPort(t *testing.T) {
	wire := newMaster(t)
	port := openLine(t, wire.port, nil)
	_, err := OpenLine(wire.port, nil)
	want := "open " + wire.port + ": device or resource busy (another program uses the port)"
	if !errors.Is(err, syscall.EBUSY) || err.Error() != want {
		t.Errorf("the error is %v, want %s", err, want)
	}
	port.Close()
	openLine(t, wire.port, nil)
}

func TestOpenLineNamesCause(t *testing.T) {
	directory := t.TempDir()
	file := filepath.Join(directory, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	missing := filepath.Join(directory, "missing")
	for _, c := range []struct {
		name    string
		options *LineOptions
		match   error
		text    string
	}{
		{missing, nil, fs.ErrNotExist, "open " + missing + ": no such file or directory"},
		{file, nil, syscall.ENOTTY, "open " + file + ": inappropriate ioctl for device (not a serial port)"},
		{directory, nil, syscall.EISDIR, "open " + directory + ": is a directory"},
		{newMaster(t).port, &LineOptions{DataBits: 7, Parity: EvenParity, StopBits: 2}, syscall.EINVAL, "invalid argument (the port cannot have the format 7E2)"},
	} {
		_, err := OpenLine(c.name, c.options)
		if !errors.Is(err, c.match) || !strings.HasSuffix(err.Error(), c.text) {
			t.Errorf("the error is %v, want %s", err, c.text)
		}
	}
}

func TestWhoMayOpenNamesOwner(t *testing.T) {
	file := filepath.Join(t.TempDir(), "port")
	for mode, want := range map[fs.FileMode]string{
		0o600: "only " + userName(uint32(os.Getuid())) + " may open the port",
		0o640: "only " + userName(uint32(os.Getuid())) + " may open the port",
		0o660: "the port belongs to group " + groupName(uint32(os.Getgid())) + ": add the user",
	} {
		if err := errors.Join(os.WriteFile(file, nil, 0o600), os.Chmod(file, mode)); err != nil {
			t.Fatal(err)
		}
		if got := whoMayOpen(file); !strings.HasPrefix(got, want) {
			t.Errorf("mode %o: got %q, want %q", mode, got, want)
		}
	}
	if got, want := whoMayOpen(file+"/none"), "not even"; !strings.HasPrefix(got, want) {
		t.Errorf("a missing file: got %q, want %q", got, want)
	}
}

func TestOpenLineLeavesNothingBehind(t *testing.T) {
	wire := newMaster(t)
	hosttest.LeavesNothingBehind(t, func() {
		if _, err := OpenLine(wire.port, &LineOptions{DataBits: 5}); err == nil {
			t.Error("a pseudo terminal has 5 data bits")
		}
		port, err := OpenLine(wire.port, nil)
		if err != nil {
			t.Fatal(err)
		}
		port.Close()
	})
}

func TestLineOptionsNamesInvalidValue(t *testing.T) {
	for text, o := range map[string]LineOptions{
		"invalid Baud -1, want":    {Baud: -1},
		"invalid DataBits 9, want": {DataBits: 9},
		"invalid DataBits 4, want": {DataBits: 4},
		"invalid Parity 5, want":   {Parity: 5},
		"invalid Parity -1, want":  {Parity: -1},
		"invalid StopBits 3, want": {StopBits: 3},
		"invalid Flow 3, want":     {Flow: 3},
		"invalid Flow -1, want":    {Flow: -1},
	} {
		_, err := OpenLine("/nowhere", &o)
		if err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("the error is %v, want %s", err, text)
		}
	}
}
