package serial_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
	"github.com/go-rfcomm/rfcomm/serial"
)

// The ports of the lab's machine whose data lines are joined.
const (
	firstPort  = "/dev/ttyS1"
	secondPort = "/dev/ttyS2"
)

// modemOut1, modemOut2 and modemLoop are TIOCM_OUT1, TIOCM_OUT2 and TIOCM_LOOP.
const (
	modemOut1 = 0x2000
	modemOut2 = 0x4000
	modemLoop = 0x8000
)

// openPort opens a port until the end of the test.
func openPort(t testing.TB, name string, o *serial.LineOptions) *serial.PhysicalPort {
	t.Helper()
	p, err := serial.OpenLine(name, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

// ports opens both ports with the same settings.
func ports(t testing.TB, o *serial.LineOptions) (a, b *serial.PhysicalPort) {
	t.Helper()
	requireLab(t)
	return openPort(t, firstPort, o), openPort(t, secondPort, o)
}

// A looped port has its outputs joined to its own inputs, and its data lines
// too: DTR to DSR, RTS to CTS, OUT1 to RI, OUT2 to CD. OUT1 and OUT2 are outputs
// of the hardware alone.
type looped struct {
	*serial.PhysicalPort
	other *os.File // of the same port
}

// openLooped opens a port until the end of the test.
func openLooped(t testing.TB, o *serial.LineOptions) looped {
	t.Helper()
	requireLab(t)
	other := openNode(t, firstPort) // before OpenLine makes the access exclusive
	l := looped{openPort(t, firstPort, o), other}
	l.change(t, modemLoop, 0)
	t.Cleanup(func() { l.change(t, modemOut2, modemLoop|modemOut1) })
	return l
}

// change sets and clears outputs.
func (l looped) change(t testing.TB, set, clear int) {
	t.Helper()
	control(t, l.other, func(fd int) error {
		return errors.Join(unix.IoctlSetPointerInt(fd, unix.TIOCMBIS, set), unix.IoctlSetPointerInt(fd, unix.TIOCMBIC, clear))
	})
}

// flowRTS turns flow control off and on. The kernel then looks at CTS, since the
// emulated port raises no interrupt when CTS changes in a loop.
func (l looped) flowRTS(t testing.TB, on bool) {
	t.Helper()
	control(t, l.other, func(fd int) error {
		settings, err := unix.IoctlGetTermios(fd, unix.TCGETS)
		if err != nil {
			return err
		}
		settings.Cflag &^= unix.CRTSCTS
		if on {
			settings.Cflag |= unix.CRTSCTS
		}
		return unix.IoctlSetTermios(fd, unix.TCSETS, settings)
	})
}

// control calls f with the descriptor of a file.
func control(t testing.TB, file *os.File, f func(fd int) error) {
	t.Helper()
	raw, err := file.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	raw.Control(func(fd uintptr) { err = f(int(fd)) })
	if err != nil {
		t.Fatal(err)
	}
}

// text returns n bytes that contain no control characters.
func text(n int) []byte {
	data := make([]byte, n)
	for i := range data {
		data[i] = byte(' ' + (i+i>>8)%95)
	}
	return data
}

// allBytes returns n bytes that contain each value.
func allBytes(n int) []byte {
	data := make([]byte, n)
	for i := range data {
		data[i] = byte(i + i>>8)
	}
	return data
}

// wantRead reads data and compares it.
func wantRead(t testing.TB, from io.Reader, want []byte) {
	t.Helper()
	got := make([]byte, len(want))
	if n, err := io.ReadFull(from, got); err != nil {
		t.Fatalf("read %d of %d bytes: %v", n, len(want), err)
	}
	if !bytes.Equal(got, want) {
		t.Error("the data was altered")
	}
}

func TestPhysicalPortBothWays(t *testing.T) {
	for _, o := range []serial.LineOptions{{}, {Baud: 31250, Parity: serial.EvenParity, StopBits: 2}, {Baud: 115200, Flow: serial.FlowRTS}} {
		a, b := ports(t, &o)
		data := allBytes(4 << 10)
		began := time.Now()
		wrote := hosttest.InBackground(func() error {
			_, err := a.Write(data)
			return errors.Join(err, a.Drain())
		})
		go b.Write(data)
		wantRead(t, a, data)
		wantRead(t, b, data)
		t.Logf("%+v: %d KiB each way in %v", o, len(data)>>10, time.Since(began).Round(time.Millisecond))
		if err := errors.Join(hosttest.Receive(t, wrote), a.Close(), b.Close()); err != nil {
			t.Error(err)
		}
	}
}

func TestPhysicalPortSignals(t *testing.T) {
	p := openLooped(t, nil)
	for _, step := range []struct {
		set, clear serial.Signals
		out1, out2 bool
		want       serial.Signals
	}{
		{set: serial.DTR | serial.RTS, want: serial.DTR | serial.RTS | serial.DSR | serial.CTS},
		{clear: serial.DTR, want: serial.RTS | serial.CTS},
		{set: serial.DTR, clear: serial.RTS, out1: true, want: serial.DTR | serial.DSR | serial.RI},
		{clear: serial.DTR, out2: true, want: serial.CD},
		{set: serial.RTS, out1: true, out2: true, want: serial.RTS | serial.CTS | serial.RI | serial.CD},
	} {
		p.change(t, outputs(step.out1, step.out2), outputs(!step.out1, !step.out2))
		if err := p.SetSignals(step.set, step.clear); err != nil {
			t.Fatal(err)
		}
		if got, err := p.Signals(); err != nil || got != step.want {
			t.Errorf("%+v: the signals are %v, %v", step, got, err)
		}
	}
}

// outputs returns OUT1 and OUT2 as ioctl(2) encodes them.
func outputs(out1, out2 bool) (bits int) {
	if out1 {
		bits |= modemOut1
	}
	if out2 {
		bits |= modemOut2
	}
	return bits
}

func TestOpenLineFlowRTS(t *testing.T) {
	p := openLooped(t, &serial.LineOptions{Flow: serial.FlowRTS})
	if err := p.SetSignals(0, serial.RTS); err != nil {
		t.Error(err)
	}
	if signals, err := p.Signals(); err != nil || signals&serial.CTS == 0 {
		t.Errorf("RTS was cleared, although it belongs to the kernel: CTS is clear, %v", err)
	}
	p.flowRTS(t, false)
	p.change(t, 0, unix.TIOCM_RTS)
	p.flowRTS(t, true)
	wantHeld(t, p.PhysicalPort)
	p.flowRTS(t, false)
	wantReleased(t, p.PhysicalPort, p.PhysicalPort)
}

// hold makes the second port send XOFF. It returns when the first port, a, has
// stopped, with the number of bytes that a was given. release sends XON.
func hold(t *testing.T, a *serial.PhysicalPort) (written int, release func()) {
	t.Helper()
	other, err := unix.Open(secondPort, unix.O_RDWR|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
	if err != nil { // root is not kept out
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(other) })
	flow := func(action int) {
		t.Helper()
		if err := unix.IoctlSetInt(other, unix.TCXONC, action); err != nil {
			t.Fatal(err)
		}
	}
	flow(unix.TCIOFF)
	hosttest.Eventually(t, "the port is held", func() bool {
		a.SetWriteDeadline(time.Now().Add(20 * time.Millisecond))
		n, _ := a.Write([]byte("x")) // 0 if the deadline is over
		written += n
		return n > 0 && errors.Is(a.Drain(), os.ErrDeadlineExceeded)
	})
	a.SetWriteDeadline(time.Time{})
	return written, func() { flow(unix.TCION) }
}

func TestOpenLineFlowXON(t *testing.T) {
	a, b := ports(t, &serial.LineOptions{Flow: serial.FlowXON})
	written, release := hold(t, a)
	release()
	if err := a.Drain(); err != nil {
		t.Error(err)
	}
	wantRead(t, b, bytes.Repeat([]byte("x"), written))
}

// The kernel itself would wait for 30 s.
func TestPhysicalPortCloseWhileHeld(t *testing.T) {
	a, _ := ports(t, &serial.LineOptions{Flow: serial.FlowXON})
	hold(t, a)
	write := hosttest.InBackground(func() error { _, err := a.Write(text(1 << 20)); return err })
	hosttest.AwaitPolling(t, "Write")
	began := time.Now()
	if err := a.Close(); err != nil {
		t.Error(err)
	}
	if err := hosttest.Receive(t, write); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Write returned %v, want net.ErrClosed", err)
	}
	if took := time.Since(began); took > 15*time.Second {
		t.Errorf("Close took %v", took)
	}
}

// wantHeld checks that flow control holds the data of p.
func wantHeld(t *testing.T, p *serial.PhysicalPort) {
	t.Helper()
	if _, err := p.Write([]byte("held")); err != nil {
		t.Fatal(err)
	}
	p.SetDeadline(time.Now().Add(100 * time.Millisecond))
	if err := p.Drain(); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("Drain of a held port returned %v, want a timeout", err)
	}
	if n, err := p.Write(make([]byte, 1<<20)); !errors.Is(err, os.ErrDeadlineExceeded) || n > 1<<16 {
		t.Errorf("Write to a held port returned %d bytes and %v, want a timeout after some KiB", n, err)
	}
	p.SetDeadline(time.Time{})
}

// wantReleased checks that one port sends the held data to another, or itself.
func wantReleased(t *testing.T, from, to *serial.PhysicalPort) {
	t.Helper()
	wantRead(t, to, []byte("held"))
	go io.Copy(io.Discard, to)
	if err := from.Drain(); err != nil {
		t.Error(err)
	}
}

func TestOpenLineFlowNeedsNoReader(t *testing.T) {
	a, b := ports(t, &serial.LineOptions{Flow: serial.FlowXON})
	data := text(16 << 10)
	a.SetWriteDeadline(time.Now().Add(time.Second))
	n, err := a.Write(data) // b does not read
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("b does not read, and Write returned %d and %v, want a timeout", n, err)
	}
	t.Logf("%d bytes without a reader", n)
	a.SetWriteDeadline(time.Time{})
	go a.Write(data[n:])
	wantRead(t, b, data)
}

func TestOpenLineRefusesSpeed(t *testing.T) {
	requireLab(t)
	_, err := serial.OpenLine(firstPort, &serial.LineOptions{Baud: 230400})
	if !errors.Is(err, syscall.EINVAL) || !strings.Contains(err.Error(), "cannot have a speed of 230400 bits per second") {
		t.Errorf("the error is %v, want one that names the speed", err)
	}
	openPort(t, firstPort, &serial.LineOptions{Baud: 115200})
}

func TestOpenLineNamesMissingHardware(t *testing.T) {
	requireLab(t)
	_, err := serial.OpenLine("/dev/ttyS3", nil)
	if !errors.Is(err, syscall.EIO) || !strings.HasSuffix(err.Error(), "(the name has no hardware)") {
		t.Errorf("the error is %v, want EIO, and that there is no hardware", err)
	}
}
