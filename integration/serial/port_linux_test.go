package serial_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/test/conntest"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
	"github.com/go-rfcomm/rfcomm/internal/test/labtest"
	"github.com/go-rfcomm/rfcomm/rfcommtest"
	"github.com/go-rfcomm/rfcomm/serial"
)

// newPort hands a connection over. The Port is closed at the end of the test.
func newPort(t testing.TB, c *rfcomm.Conn) *serial.Port {
	t.Helper()
	p, err := serial.NewPort(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

// everyByte returns length bytes in which every value occurs equally often, in
// an order that does not repeat at the length of a frame.
func everyByte(length int) []byte {
	data := make([]byte, length)
	for i := range data {
		data[i] = byte(i + i/251)
	}
	return data
}

// transfer sends data from one end to the other, and compares the SHA-256 there.
func transfer(t testing.TB, from io.Writer, to io.Reader, data []byte) {
	t.Helper()
	sent := make(chan error, 1)
	go func() {
		_, err := from.Write(data)
		sent <- err
	}()
	sum := sha256.New()
	if n, err := io.CopyN(sum, to, int64(len(data))); err != nil {
		t.Errorf("received %d of %d bytes: %v", n, len(data), err)
	}
	if err := <-sent; err != nil {
		t.Error(err)
	}
	if got, want := [sha256.Size]byte(sum.Sum(nil)), sha256.Sum256(data); got != want {
		t.Errorf("the SHA-256 is %x, want %x", got, want)
	}
}

const megabyte = 1 << 20

// connectLab returns a connection between the adapters of the lab, whose radio
// is faster than that of newAir.
func connectLab(t testing.TB) (dialed, accepted *rfcomm.Conn) {
	t.Helper()
	requireLab(t)
	leavesNoDevice(t)
	lab := labtest.Require(t)
	return conntest.Pair(t, lab.Dialer(), lab.Device())
}

func TestPortTransfersEveryByte(t *testing.T) {
	dialed, accepted := connectLab(t)
	port := newPort(t, dialed)
	data := everyByte(4 * megabyte)
	for _, tt := range []struct {
		name     string
		from, to net.Conn
	}{{"to the peer", port, accepted}, {"from the peer", accepted, port}} {
		t.Run(tt.name, func(t *testing.T) {
			start := time.Now()
			transfer(t, tt.from, tt.to, data)
			t.Logf("%.2f MB/s", float64(len(data))/1e6/time.Since(start).Seconds())
		})
	}
}

func TestPortOfAcceptedConn(t *testing.T) {
	dialed, accepted := newAir(t).connect(t)
	port := newPort(t, accepted)
	if got, want := port.LocalAddr(), accepted.LocalAddr(); got != want {
		t.Errorf("the local address is %v, want %v", got, want)
	}
	if got, want := port.RemoteAddr(), accepted.RemoteAddr(); got != want {
		t.Errorf("the remote address is %v, want %v", got, want)
	}
	conntest.Send(t, dialed, "to the port")
	conntest.Receive(t, port, "to the port")
	conntest.Send(t, port, "to the peer")
	conntest.Receive(t, dialed, "to the peer")
}

// Both ends of a connection can be ttys.
func TestPortOfBothEnds(t *testing.T) {
	dialed, accepted := newAir(t).connect(t)
	near, far := newPort(t, dialed), newPort(t, accepted)
	if near.Name() != "/dev/rfcomm0" || far.Name() != "/dev/rfcomm1" {
		t.Errorf("the names are %q and %q", near.Name(), far.Name())
	}
	conntest.Send(t, near, "\x00\x03\r\n\x11\x13\xff")
	conntest.Receive(t, far, "\x00\x03\r\n\x11\x13\xff")
}

func TestPortIsListed(t *testing.T) {
	a := newAir(t)
	dialed, _ := a.connect(t)
	remote := dialed.RemoteAddr().(rfcomm.Addr)
	local := dialed.LocalAddr().(rfcomm.Addr)
	port := newPort(t, dialed)
	want := fmt.Sprintf("rfcomm0: %s -> %s channel %d connected [reuse-dlc release-on-hup tty-attached]",
		local.Device, remote.Device, remote.Channel)
	if got := show(t); got != want {
		t.Errorf("rfcomm -a prints\n%q, want\n%q", got, want)
	}
	wantDevices(t, serial.DeviceInfo{
		Name: port.Name(), Local: local, Remote: remote, State: serial.DeviceConnected, Open: true,
	})
}

func TestPortCloseRemovesTTY(t *testing.T) {
	dialed, accepted := newAir(t).connect(t)
	port := newPort(t, dialed)
	conntest.Send(t, port, "last")
	if err := port.Close(); err != nil {
		t.Error(err)
	}
	wantNoDevice(t)
	conntest.Receive(t, accepted, "last")
	conntest.ReceiveEOF(t, accepted)
	wantClosed(t, port)
}

// wantClosed calls all methods of a closed Port.
func wantClosed(t *testing.T, p *serial.Port) {
	t.Helper()
	for name, call := range map[string]func() error{
		"Read":             func() error { _, err := p.Read(make([]byte, 1)); return err },
		"Write":            func() error { _, err := p.Write([]byte("x")); return err },
		"Drain":            p.Drain,
		"Close":            p.Close,
		"SetDeadline":      func() error { return p.SetDeadline(time.Now()) },
		"SetReadDeadline":  func() error { return p.SetReadDeadline(time.Now()) },
		"SetWriteDeadline": func() error { return p.SetWriteDeadline(time.Now()) },
	} {
		err := call()
		if _, ok := err.(*net.OpError); !ok || !errors.Is(err, net.ErrClosed) {
			t.Errorf("after Close, %s returns %v; want a *net.OpError that matches net.ErrClosed", name, err)
		}
	}
}

func TestPortReadsEndOfPeer(t *testing.T) {
	dialed, accepted := newAir(t).connect(t)
	port := newPort(t, dialed)
	conntest.Send(t, accepted, "last")
	conntest.Receive(t, port, "last")
	accepted.Close()
	conntest.ReceiveEOF(t, port)
	for _, call := range []func() error{
		func() error { _, err := port.Write([]byte("x")); return err },
		port.Drain,
	} {
		if err := call(); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("after the end, got %v, want ECONNRESET", err)
		}
	}
}

// reasons are HCI reasons for the end of a link, with the end that a Conn reads.
var reasons = map[rfcommtest.Reason]error{
	0x05: syscall.EACCES,
	0x08: syscall.ETIMEDOUT,
	0x13: io.EOF,
	0x14: io.EOF,
	0x15: io.EOF,
	0x16: syscall.ECONNABORTED,
	0x22: syscall.ENOSYS,
}

func TestPortReadsErrnoOfLostLink(t *testing.T) {
	a := newAir(t)
	for reason, want := range reasons {
		t.Run(fmt.Sprintf("%#02x", uint8(reason)), func(t *testing.T) {
			dialed, accepted := a.connect(t)
			ports := []*serial.Port{newPort(t, dialed), newPort(t, accepted)}
			a.link().Disconnect(reason)
			for _, port := range ports {
				wantLinkEnd(t, port, want)
				port.Close()
			}
		})
	}
}

// wantLinkEnd reads and writes at the end of a link.
func wantLinkEnd(t *testing.T, p *serial.Port, want error) {
	t.Helper()
	n, err := p.Read(make([]byte, 10))
	if n != 0 || !errors.Is(err, want) || want == io.EOF && err != io.EOF {
		t.Errorf("Read returned %d, %v; want 0, %v", n, err, want)
	}
	if timeout, ok := err.(net.Error); ok && timeout.Timeout() {
		t.Errorf("%v is a timeout", err)
	}
	if want == io.EOF {
		want = syscall.ECONNRESET
	}
	if n, err := p.Write([]byte("x")); n != 0 || !errors.Is(err, want) {
		t.Errorf("Write returned %d, %v; want 0, %v", n, err, want)
	}
}

func TestPortDeadlines(t *testing.T) {
	dialed, accepted := newAir(t).connect(t)
	port := newPort(t, dialed)
	for range 2 {
		port.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
		_, err := port.Read(make([]byte, 1))
		wantTimeout(t, err)
	}
	port.SetReadDeadline(time.Time{})

	written := conntest.FillWithin(t, port, 200*time.Millisecond)
	if limit := 200_000; written > limit {
		t.Errorf("%d bytes could be written while the peer reads nothing, want at most %d", written, limit)
	}
	t.Logf("%d bytes are written while the peer reads nothing", written)
	port.SetWriteDeadline(time.Now().Add(10 * time.Millisecond))
	wantTimeout(t, port.Drain())
	port.SetWriteDeadline(time.Time{})

	go io.CopyN(io.Discard, accepted, int64(written))
	if err := port.Drain(); err != nil {
		t.Error(err)
	}
	conntest.Send(t, port, "after")
}

func wantTimeout(t *testing.T, err error) {
	t.Helper()
	timeout, ok := err.(net.Error)
	if !ok || !timeout.Timeout() || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("got %v, want a timeout", err)
	}
}

func TestPortCloseWakesCalls(t *testing.T) {
	a := newAir(t)
	for name, tt := range map[string]struct {
		method string
		call   func(p *serial.Port) error
	}{
		"Read":  {"(*FD).RawRead", func(p *serial.Port) error { _, err := p.Read(make([]byte, 1)); return err }},
		"Write": {"(*FD).RawWrite", func(p *serial.Port) error { _, err := p.Write(everyByte(megabyte)); return err }},
	} {
		t.Run(name, func(t *testing.T) {
			dialed, _ := a.connect(t)
			port := newPort(t, dialed)
			done := make(chan error, 1)
			go func() { done <- tt.call(port) }()
			hosttest.AwaitPolling(t, tt.method)
			port.Close()
			if err := hosttest.Receive(t, done); !errors.Is(err, net.ErrClosed) {
				t.Errorf("got %v, want net.ErrClosed", err)
			}
			wantNoDevice(t)
		})
	}
}

// The kernel would wait 30 s for the peer to accept the queued data.
func TestPortCloseGivesUp(t *testing.T) {
	dialed, accepted := newAir(t).connect(t)
	port := newPort(t, dialed)
	conntest.FillWithin(t, port, 200*time.Millisecond)
	port.SetWriteDeadline(time.Time{})
	drained := make(chan error, 1)
	go func() { drained <- port.Drain() }()
	hosttest.AwaitPolling(t, "(*FD).RawWrite")

	start := time.Now()
	port.Close()
	if err := hosttest.Receive(t, drained); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Drain returned %v, want net.ErrClosed", err)
	}
	wantNoDevice(t)
	t.Logf("Close took %v", time.Since(start))
	if _, err := io.Copy(io.Discard, accepted); err != nil {
		t.Error(err)
	}
}

func TestNewPortRefusesEndedConn(t *testing.T) {
	a := newAir(t)
	for name, end := range map[string]func(dialed, accepted *rfcomm.Conn){
		"peer closed": func(dialed, accepted *rfcomm.Conn) { accepted.Close(); awaitEnd(dialed) },
		"end was read": func(dialed, accepted *rfcomm.Conn) {
			accepted.Close()
			io.Copy(io.Discard, dialed)
		},
	} {
		t.Run(name, func(t *testing.T) {
			dialed, accepted := a.connect(t)
			end(dialed, accepted)
			_, err := serial.NewPort(t.Context(), dialed)
			if _, ok := err.(*net.OpError); !ok || !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("got the error %v, want ECONNRESET", err)
			}
			wantUndone(t, dialed)
		})
	}
}

// awaitEnd waits for the end of a connection without reading.
func awaitEnd(c *rfcomm.Conn) {
	for {
		if _, err := c.Write([]byte("x")); err != nil {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

// wantUndone checks that a NewPort that failed has closed the connection and left
// no tty.
func wantUndone(t *testing.T, c *rfcomm.Conn) {
	t.Helper()
	if left := devices(t); left != "" {
		t.Errorf("left behind: %s", left)
	}
	if err := c.Close(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("the connection was not closed: Close returned %v", err)
	}
}

func TestNewPortRefusesDoneContext(t *testing.T) {
	dialed, accepted := newAir(t).connect(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := serial.NewPort(ctx, dialed); !errors.Is(err, context.Canceled) {
		t.Errorf("got the error %v, want context.Canceled", err)
	}
	wantUndone(t, dialed)
	conntest.ReceiveEOF(t, accepted)
}

func TestPortReadsEarlyData(t *testing.T) {
	a := newAir(t)
	dialed, accepted := a.connect(t)
	const greeting = "\x01\x03\x11\x13greeting\r\n"
	conntest.Send(t, accepted, greeting)
	a.arrive(t)
	port := newPort(t, dialed)
	if n, err := port.Read(make([]byte, 0)); n != 0 || err != nil {
		t.Errorf("Read into an empty buffer returned %d, %v", n, err)
	}
	conntest.Receive(t, port, greeting[:3])
	conntest.Send(t, accepted, " and more")
	conntest.Receive(t, port, greeting[3:]+" and more")
	wantNoEcho(t, port, accepted)
}

// arrive waits until everything that far has sent so far has arrived at near: the
// connections of a link share an RFCOMM session, which keeps the order.
func (a *air) arrive(t testing.TB) {
	t.Helper()
	dialed, accepted := a.connect(t)
	conntest.Send(t, accepted, "x")
	conntest.Receive(t, dialed, "x")
}

// wantNoEcho checks that the peer receives the next written bytes first.
func wantNoEcho(t testing.TB, port, peer net.Conn) {
	t.Helper()
	conntest.Send(t, port, "answer")
	conntest.Receive(t, peer, "answer")
}

// wantDevices compares the devices of the machine.
func wantDevices(t testing.TB, want ...serial.DeviceInfo) {
	t.Helper()
	got, err := serial.Devices()
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
		t.Errorf("the devices are\n%+v, want\n%+v", got, want)
	}
}
