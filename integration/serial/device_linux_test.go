package serial_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/test/conntest"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
	"github.com/go-rfcomm/rfcomm/internal/test/labtest"
	"github.com/go-rfcomm/rfcomm/rfcommtest"
	"github.com/go-rfcomm/rfcomm/serial"
)

// forEachKind runs a test for the kernel's tty and for a pty.
func forEachKind(t *testing.T, test func(t *testing.T, a *air, kind serial.Kind)) {
	t.Helper()
	requireLab(t)
	for _, kind := range []serial.Kind{serial.TTY, serial.PTY} {
		t.Run(kind.String(), func(t *testing.T) { test(t, newAir(t), kind) })
	}
}

// dialing returns a Connect that dials an address from an adapter.
func dialing(from rfcomm.BDAddr, to net.Addr) func(context.Context) (net.Conn, error) {
	return func(ctx context.Context) (net.Conn, error) {
		c, err := conntest.DialContext(ctx, from, to)
		if err != nil {
			return nil, err // not a nil *rfcomm.Conn
		}
		return c, nil
	}
}

// openDevice opens a Device until the end of the test, and returns the peer of
// its first connection.
func (a *air) openDevice(t *testing.T, l *rfcomm.Listener, o serial.DeviceOptions) (*serial.Device, *rfcomm.Conn) {
	t.Helper()
	return openDevice(t, a.near.Addr(), l, o)
}

func openDevice(t *testing.T, from rfcomm.BDAddr, l *rfcomm.Listener, o serial.DeviceOptions) (*serial.Device, *rfcomm.Conn) {
	t.Helper()
	o.Connect = dialing(from, l.Addr())
	d, err := serial.Open(t.Context(), &o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	if o.Kind != serial.Auto && d.Kind() != o.Kind {
		t.Errorf("the device is a %v, want a %v", d.Kind(), o.Kind)
	}
	return d, conntest.Accept(t, l)
}

// exchange sends data both ways at once, and compares the received data with it.
func exchange(t *testing.T, a, b io.ReadWriter, data []byte) {
	t.Helper()
	var group sync.WaitGroup
	defer group.Wait()
	for _, end := range []struct {
		name string
		io.ReadWriter
	}{{"first", a}, {"second", b}} {
		group.Go(func() {
			if n, err := end.Write(data); err != nil {
				t.Errorf("the %s end has written %d bytes: %v", end.name, n, err)
			}
		})
		group.Go(func() {
			sum := sha256.New()
			n, err := io.CopyN(sum, end, int64(len(data)))
			if [32]byte(sum.Sum(nil)) != sha256.Sum256(data) {
				t.Errorf("the %s end has read %d bytes, not those sent: %v", end.name, n, err)
			}
		})
	}
}

// wantHangUp checks that a program is hung up.
func wantHangUp(t *testing.T, program *os.File) {
	t.Helper()
	data := make([]byte, 100)
	if n, err := program.Read(data); n != 0 || err != io.EOF && !errors.Is(err, syscall.EIO) {
		t.Errorf("read %q, %v; want a hang-up", data[:n], err)
	}
}

func TestDeviceCarriesEveryByte(t *testing.T) {
	requireLab(t)
	lab := labtest.Require(t) // its radio is faster than that of newAir
	for _, kind := range []serial.Kind{serial.TTY, serial.PTY} {
		t.Run(kind.String(), func(t *testing.T) {
			leavesNoDevice(t)
			l := conntest.Listen(t, lab.Device())
			d, peer := openDevice(t, lab.Dialer(), l, serial.DeviceOptions{Kind: kind})
			size := 4 << 20
			if kind == serial.TTY && testing.Short() { // the tests of Port transfer more
				size = 256 << 10
			}
			exchange(t, openNode(t, d.Name()), peer, everyByte(size))
		})
	}
}

func TestDeviceOutlivesPrograms(t *testing.T) {
	forEachKind(t, func(t *testing.T, a *air, kind serial.Kind) {
		path := filepath.Join(t.TempDir(), "instrument")
		d, peer := a.openDevice(t, a.listen(t), serial.DeviceOptions{Kind: kind, Link: path})
		if d.Name() != path {
			t.Errorf("the name is %s", d.Name())
		}
		for range 3 {
			program := openNode(t, path)
			conntest.Send(t, peer, "to the program")
			wantText(t, program, "to the program")
			if _, err := io.WriteString(program, "to the peer"); err != nil {
				t.Fatal(err)
			}
			conntest.Receive(t, peer, "to the peer")
			program.Close()
		}
		d.Close()
		conntest.ReceiveEOF(t, peer)
		if _, err := os.Lstat(path); !os.IsNotExist(err) {
			t.Errorf("the link remains: %v", err)
		}
	})
}

// wantText reads a text.
func wantText(t *testing.T, from io.Reader, want string) {
	t.Helper()
	got := make([]byte, len(want))
	if n, err := io.ReadFull(from, got); string(got[:n]) != want {
		t.Fatalf("read %q, %v; want %q", got[:n], err, want)
	}
}

func TestDeviceEndsWithItsPeer(t *testing.T) {
	forEachKind(t, func(t *testing.T, a *air, kind serial.Kind) {
		d, peer := a.openDevice(t, a.listen(t), serial.DeviceOptions{Kind: kind})
		program := openNode(t, d.Name())
		peer.Close()
		if err := d.Wait(); err != io.EOF {
			t.Errorf("Wait: %v, want io.EOF", err)
		}
		wantHangUp(t, program)
		program.Close()
	})
}

func TestDeviceEndsWithItsLink(t *testing.T) {
	forEachKind(t, func(t *testing.T, a *air, kind serial.Kind) {
		d, _ := a.openDevice(t, a.listen(t), serial.DeviceOptions{Kind: kind})
		program := openNode(t, d.Name())
		a.link().Disconnect(rfcommtest.ConnectionTimeout)
		err := d.Wait()
		hosttest.WantErrno(t, err, syscall.ETIMEDOUT)
		wantHangUp(t, program)
		program.Close()
	})
}

func TestDeviceKeepRedials(t *testing.T) {
	forEachKind(t, func(t *testing.T, a *air, kind serial.Kind) {
		path := filepath.Join(t.TempDir(), "instrument")
		l := a.listen(t)
		d, peer := a.openDevice(t, l, serial.DeviceOptions{Kind: kind, Link: path, Keep: true})
		for range 2 {
			program := openNode(t, path)
			peer.Close()
			wantHangUp(t, program)
			program.Close()
			peer = conntest.Accept(t, l)
			conntest.Send(t, peer, "again")
			hosttest.Eventually(t, "the link is back", func() bool {
				_, err := os.Stat(path)
				return err == nil
			})
			program = openNode(t, path)
			wantText(t, program, "again")
			program.Close()
		}
		hosttest.Eventually(t, "3 connections are counted", func() bool { return d.Stats().Connections == 3 })
	})
}

func TestDeviceTakesTTYAsRoot(t *testing.T) {
	a := newAir(t)
	var opened serial.Event
	d, _ := a.openDevice(t, a.listen(t), serial.DeviceOptions{Report: func(e serial.Event) {
		if e.State == serial.StateOpen {
			opened = e
		}
	}})
	if d.Kind() != serial.TTY || opened.Reason != "" || !strings.HasPrefix(opened.Name, "/dev/rfcomm") {
		t.Errorf("opened %+v, want a tty", opened)
	}
}
