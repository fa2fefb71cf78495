package rfcommtest_test

import (
	"context"
	"errors"
	"io"
	"syscall"
	"testing"
	"time"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
	"github.com/go-rfcomm/rfcomm/internal/test/mux"
	"github.com/go-rfcomm/rfcomm/rfcommtest"
)

// withDevice returns a radio with one controller of the kernel and a device.
func withDevice(t *testing.T) (*rfcommtest.Radio, *rfcommtest.Controller, *rfcommtest.Device) {
	t.Helper()
	r := rfcommtest.Require(t, rfcommtest.Config{Controllers: 1})
	return r, r.Controllers()[0], r.NewDevice(rfcommtest.ControllerConfig{})
}

// accept returns the next channel to RFCOMM that the kernel opens.
func accept(t *testing.T, l *rfcommtest.L2CAPListener) *rfcommtest.L2CAPConn {
	t.Helper()
	c, err := l.AcceptL2CAP()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// play answers the frames of the kernel, until the L2CAP channel ends, as a
// server that sends back the data it receives.
func play(c *rfcommtest.L2CAPConn) {
	defer c.Close()
	buffer := make([]byte, 2048)
	for {
		n, err := c.Read(buffer)
		if err != nil {
			return
		}
		f, _ := mux.Parse(buffer[:n])
		answers := f.Answers()
		if f.DLCI != 0 && len(f.Data) > 0 {
			answers = append(answers, mux.Frame(f.DLCI, mux.UIH, f.Data...))
		}
		for _, answer := range answers {
			c.Write(answer)
		}
	}
}

func TestDeviceServesKernelDial(t *testing.T) {
	_, phone, device := withDevice(t)
	l, err := device.ListenL2CAP(mux.PSM)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for range 3 {
		served := hosttest.InBackground(func() error {
			play(accept(t, l))
			return nil
		})
		conn, err := dialDevice(t, phone, device, 0)
		if err != nil {
			t.Fatal(err)
		}
		pass(t, conn, conn)
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
		hosttest.Receive(t, served)
	}
}

// dialDevice dials channel 5 of a device with the kernel's RFCOMM.
func dialDevice(t *testing.T, from *rfcommtest.Controller, to *rfcommtest.Device, security rfcomm.Security) (*rfcomm.Conn, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	d := rfcomm.Dialer{LocalAddr: rfcomm.Addr{Device: from.Addr()}, Security: security}
	return d.DialRFCOMM(ctx, rfcomm.Addr{Device: to.Addr(), Channel: 5})
}

// dialKernel makes the device dial an RFCOMM listener of the phone, frame by frame.
// It returns both ends, and the number of the connection in the device's frames.
func dialKernel(t *testing.T, device *rfcommtest.Device, phone *rfcommtest.Controller, l *rfcomm.Listener) (c *rfcommtest.L2CAPConn, conn *rfcomm.Conn, dlci byte) {
	t.Helper()
	c, err := device.DialL2CAP(t.Context(), phone.Addr(), mux.PSM)
	if err != nil {
		t.Fatal(err)
	}
	dlci = byte(l.Addr().(rfcomm.Addr).Channel << 1)
	for _, f := range [][]byte{mux.Frame(0, mux.SABM), mux.Negotiation(dlci, 100), mux.Frame(dlci, mux.SABM)} {
		if _, err := c.Write(f); err != nil {
			t.Fatal(err)
		}
	}
	conn, err = l.AcceptRFCOMM()
	if err != nil {
		t.Fatal(err)
	}
	return c, conn, dlci
}

// The device is a client of the kernel's RFCOMM, and ends the session without a
// word.
func TestDeviceDialsKernel(t *testing.T) {
	_, phone, device := withDevice(t)
	l := listen(t, phone)
	c, conn, dlci := dialKernel(t, device, phone, l)
	defer conn.Close()
	if from := conn.RemoteAddr().(rfcomm.Addr).Device; from != device.Addr() {
		t.Errorf("the kernel accepted a connection from %s, want %s", from, device.Addr())
	}
	if _, err := c.Write(mux.Frame(dlci, mux.UIH, []byte("hello")...)); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(io.LimitReader(conn, 5)); err != nil || string(got) != "hello" {
		t.Errorf("read %q, %v", got, err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if _, err := conn.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("after the end of the session: %v", err)
	}
}

func TestDeviceRefusesKernelDial(t *testing.T) {
	_, phone, device := withDevice(t)
	if _, err := dialDevice(t, phone, device, 0); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("without a listener: %v", err)
	}
	l, err := device.ListenL2CAP(mux.PSM)
	if err != nil {
		t.Fatal(err)
	}
	const noResources = 4
	l.Refuse(noResources)
	if _, err := dialDevice(t, phone, device, 0); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("without resources: %v", err)
	}
	l.Refuse(0)
	go func() { // a multiplexer that refuses every channel
		c, err := l.AcceptL2CAP()
		if err != nil {
			return
		}
		buffer := make([]byte, 2048)
		for {
			n, err := c.Read(buffer)
			if err != nil {
				return
			}
			f, _ := mux.Parse(buffer[:n])
			answers := f.Answers()
			if kind, _, _ := f.Command(); kind == mux.ParameterNegotiation || f.DLCI != 0 {
				answers = [][]byte{mux.Frame(10, mux.DM)}
			}
			for _, answer := range answers {
				c.Write(answer)
			}
		}
	}()
	if _, err := dialDevice(t, phone, device, 0); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("with DM: %v", err)
	}
}

// After a pairing, the kernel has enabled Secure Simple Pairing. It then pairs
// with every device whose services it dials, and encrypts the link.
func TestDevicePairsWithKernel(t *testing.T) {
	r, phone, other := two(t, rfcommtest.Config{})
	if err := r.Link(phone, other).Pair(); err != nil {
		t.Fatal(err)
	}
	device := r.NewDevice(rfcommtest.ControllerConfig{})
	link := r.Link(phone, device.Controller)
	l, err := device.ListenL2CAP(mux.PSM)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		go func() {
			if c, err := l.AcceptL2CAP(); err == nil {
				play(c)
			}
		}()
		conn, err := dialDevice(t, phone, device, rfcomm.SecurityMedium)
		if err != nil {
			t.Fatal(err)
		}
		if level, err := conn.Security(); level != rfcomm.SecurityMedium || err != nil {
			t.Errorf("Security = %v, %v; want medium", level, err)
		}
		pass(t, conn, conn)
		conn.Close()
		link.Disconnect(rfcommtest.RemoteUserTerminated)
	}
	if err := link.SpoilKey(phone); err != nil {
		t.Fatal(err)
	}
	if _, err := device.DialL2CAP(t.Context(), phone.Addr(), mux.PSM); !errors.Is(err, syscall.EACCES) {
		t.Errorf("the kernel has a wrong key, and the device's dial returns %v", err)
	}
}

// After a pairing, the kernel refuses services over links that are not
// encrypted.
func TestDeviceEncryptsForKernel(t *testing.T) {
	r, phone, other := two(t, rfcommtest.Config{})
	if err := r.Link(phone, other).Pair(); err != nil {
		t.Fatal(err)
	}
	device := r.NewDevice(rfcommtest.ControllerConfig{})
	l := listen(t, phone)
	for range 3 {
		c, conn, _ := dialKernel(t, device, phone, l)
		if level, err := conn.Security(); level != rfcomm.SecurityMedium || err != nil {
			t.Errorf("Security = %v, %v; want medium", level, err)
		}
		conn.Close()
		c.Close()
		r.Link(phone, device.Controller).Disconnect(rfcommtest.RemoteUserTerminated)
	}
}

// The device is like a serial adapter with a fixed PIN.
func TestDevicePairsByPIN(t *testing.T) {
	r, phone, _ := withDevice(t)
	if err := phone.SetPIN("1234"); err != nil {
		t.Fatal(err)
	}
	for pin, same := range map[string]bool{"1234": true, "4321": false} {
		device := r.NewDevice(rfcommtest.ControllerConfig{Version: rfcommtest.Version20, Name: "HC-05"})
		if err := device.SetPIN(pin); err != nil {
			t.Fatal(err)
		}
		l, err := device.ListenL2CAP(mux.PSM)
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			for {
				c, err := l.AcceptL2CAP()
				if err != nil {
					return
				}
				play(c)
			}
		}()
		conn, err := dialDevice(t, phone, device, rfcomm.SecurityMedium)
		if (err == nil) != same {
			t.Errorf("with the PIN %s: %v", pin, err)
		}
		t.Log(err)
		if err == nil {
			pass(t, conn, conn)
			conn.Close()
		}
		l.Close()
	}
}
