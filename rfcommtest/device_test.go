package rfcommtest_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/rfcommtest"
)

// withDevices runs a test with two devices on a fake clock. Time passes only
// while all goroutines wait.
func withDevices(t *testing.T, config rfcommtest.Config, test func(t *testing.T, r *rfcommtest.Radio, a, b *rfcommtest.Device)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		config.Controllers = -1
		r, err := rfcommtest.NewRadio(config)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		test(t, r, r.NewDevice(rfcommtest.ControllerConfig{}), r.NewDevice(rfcommtest.ControllerConfig{}))
	})
}

const testPSM = 0x1001

// listenL2CAP listens on a device.
func listenL2CAP(t *testing.T, d *rfcommtest.Device) *rfcommtest.L2CAPListener {
	t.Helper()
	l, err := d.ListenL2CAP(testPSM)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// connectL2CAP returns the two ends of a new channel.
func connectL2CAP(t *testing.T, from, to *rfcommtest.Device) (dialed, accepted *rfcommtest.L2CAPConn) {
	t.Helper()
	l := listenL2CAP(t, to)
	defer l.Close()
	dialed, err := from.DialL2CAP(t.Context(), to.Addr(), testPSM)
	if err != nil {
		t.Fatal(err)
	}
	accepted, err = l.AcceptL2CAP()
	if err != nil {
		t.Fatal(err)
	}
	return dialed, accepted
}

// readPacket reads one packet.
func readPacket(t *testing.T, c io.Reader) string {
	t.Helper()
	b := make([]byte, 70_000)
	n, err := c.Read(b)
	if err != nil {
		t.Fatalf("read: %v", err)
	}
	return string(b[:n])
}

func writePacket(t *testing.T, c io.Writer, packet string) {
	t.Helper()
	if n, err := c.Write([]byte(packet)); n != len(packet) || err != nil {
		t.Fatalf("Write of %d bytes = %d, %v", len(packet), n, err)
	}
}

func TestDevicePacketsKeepBoundaries(t *testing.T) {
	withDevices(t, rfcommtest.Config{ACLLength: 27, ACLBuffers: 2}, func(t *testing.T, r *rfcommtest.Radio, a, b *rfcommtest.Device) {
		dialed, accepted := connectL2CAP(t, a, b)
		packets := []string{"hello", "", "x", strings.Repeat("0123456789abcdef", 42), "end"} // 672 bytes
		for _, ends := range [][2]*rfcommtest.L2CAPConn{{dialed, accepted}, {accepted, dialed}} {
			for _, packet := range packets {
				writePacket(t, ends[0], packet)
			}
			for _, want := range packets {
				if got := readPacket(t, ends[1]); got != want {
					t.Errorf("read %q, want %q", got, want)
				}
			}
		}
		writePacket(t, dialed, "too long")
		writePacket(t, dialed, "next")
		short := make([]byte, 3)
		if n, err := accepted.Read(short); n != 3 || string(short) != "too" || !errors.Is(err, io.ErrShortBuffer) {
			t.Errorf("Read into 3 bytes = %d, %v, %q", n, err, short)
		}
		if got := readPacket(t, accepted); got != "next" {
			t.Errorf("after a long packet came %q", got)
		}
		if _, err := dialed.Write(make([]byte, 673)); !errors.Is(err, syscall.EMSGSIZE) {
			t.Errorf("Write above the MTU: %v", err)
		}
	})
}

func TestDeviceSetMTU(t *testing.T) {
	withDevices(t, rfcommtest.Config{}, func(t *testing.T, r *rfcommtest.Radio, a, b *rfcommtest.Device) {
		for _, mtu := range []int{48, 65535} {
			b.SetMTU(mtu)
			dialed, accepted := connectL2CAP(t, a, b)
			back, there := connectL2CAP(t, b, a)
			for _, ends := range [][2]*rfcommtest.L2CAPConn{{dialed, accepted}, {there, back}} {
				want := strings.Repeat("x", mtu)
				writePacket(t, ends[0], want)
				if got := readPacket(t, ends[1]); got != want {
					t.Errorf("read %d bytes, want %d", len(got), mtu)
				}
				if _, err := ends[0].Write(make([]byte, mtu+1)); !errors.Is(err, syscall.EMSGSIZE) {
					t.Errorf("MTU %d: Write of %d bytes: %v", mtu, mtu+1, err)
				}
				writePacket(t, ends[1], strings.Repeat("y", 672)) // a has the default
			}
		}
		for _, mtu := range []int{47, 65536} {
			func() {
				defer func() {
					if recover() == nil {
						t.Errorf("SetMTU(%d) did not panic", mtu)
					}
				}()
				b.SetMTU(mtu)
			}()
		}
	})
}

func TestDeviceAddrs(t *testing.T) {
	address := rfcomm.BDAddr{2, 0, 0, 0, 0, 0xfe}
	withDevices(t, rfcommtest.Config{Address: address}, func(t *testing.T, r *rfcommtest.Radio, a, b *rfcommtest.Device) {
		dialed, accepted := connectL2CAP(t, a, b)
		for name, tt := range map[string]struct {
			got  net.Addr
			want string
		}{
			"dialed, local":    {dialed.LocalAddr(), "[02:00:00:00:00:FE]:0"},
			"dialed, remote":   {dialed.RemoteAddr(), "[02:00:00:00:00:FF]:4097"},
			"accepted, local":  {accepted.LocalAddr(), "[02:00:00:00:00:FF]:4097"},
			"accepted, remote": {accepted.RemoteAddr(), "[02:00:00:00:00:FE]:0"},
		} {
			if tt.got.String() != tt.want || tt.got.Network() != "l2cap" {
				t.Errorf("%s: %s %s, want %s", name, tt.got.Network(), tt.got, tt.want)
			}
		}
		if a.Name() != "" {
			t.Errorf("a device has the adapter %s", a.Name())
		}
		defer func() {
			if recover() == nil {
				t.Error("NewDevice without a free address did not panic")
			}
		}()
		r.NewDevice(rfcommtest.ControllerConfig{})
	})
}

func TestL2CAPConnCloseEndsPeer(t *testing.T) {
	withDevices(t, rfcommtest.Config{}, func(t *testing.T, r *rfcommtest.Radio, a, b *rfcommtest.Device) {
		dialed, accepted := connectL2CAP(t, a, b)
		writePacket(t, dialed, "last")
		if err := dialed.Close(); err != nil {
			t.Fatal(err)
		}
		if got := readPacket(t, accepted); got != "last" {
			t.Errorf("the peer read %q", got)
		}
		for range 2 {
			if _, err := accepted.Read(make([]byte, 1)); err != io.EOF {
				t.Errorf("then the peer read %v", err)
			}
		}
		if _, err := accepted.Write([]byte("x")); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("the peer's Write: %v", err)
		}
		_, read := dialed.Read(make([]byte, 1))
		_, write := dialed.Write([]byte("x"))
		for name, err := range map[string]error{
			"Read": read, "Write": write, "Close": dialed.Close(), "SetDeadline": dialed.SetDeadline(time.Now()),
		} {
			if !errors.Is(err, net.ErrClosed) {
				t.Errorf("%s after Close: %v", name, err)
			}
		}
		if err := accepted.Close(); err != nil {
			t.Errorf("closing the other end: %v", err)
		}
		connectL2CAP(t, b, a) // over the same link
	})
}

func TestL2CAPConnCloseWakesRead(t *testing.T) {
	withDevices(t, rfcommtest.Config{}, func(t *testing.T, r *rfcommtest.Radio, a, b *rfcommtest.Device) {
		dialed, _ := connectL2CAP(t, a, b)
		go func() {
			time.Sleep(time.Second)
			dialed.Close()
		}()
		if _, err := dialed.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Read: %v", err)
		}
	})
}

func TestL2CAPConnDeadlines(t *testing.T) {
	withDevices(t, rfcommtest.Config{}, func(t *testing.T, r *rfcommtest.Radio, a, b *rfcommtest.Device) {
		dialed, accepted := connectL2CAP(t, a, b)
		began := time.Now()
		timedOut := func(name string, err error, want time.Duration) {
			t.Helper()
			took := time.Since(began)
			if e, ok := errors.AsType[net.Error](err); !ok || !e.Timeout() || !errors.Is(err, os.ErrDeadlineExceeded) || took != want {
				t.Errorf("%s: %v after %v, want a timeout after %v", name, err, took, want)
			}
		}
		dialed.SetReadDeadline(began.Add(time.Second))
		_, err := dialed.Read(make([]byte, 1))
		timedOut("Read", err, time.Second)

		// The controller takes 8 packets over a stalled link; one more is
		// queued.
		r.Link(a.Controller, b.Controller).Stall()
		dialed.SetWriteDeadline(began.Add(3 * time.Second))
		n := 0
		for err = nil; err == nil; n++ {
			_, err = dialed.Write([]byte{byte(n)})
		}
		timedOut("Write", err, 3*time.Second)
		r.Link(a.Controller, b.Controller).Resume()
		dialed.SetDeadline(time.Time{})
		writePacket(t, dialed, "end")
		for i := range n - 1 {
			if got := readPacket(t, accepted); got != string([]byte{byte(i)}) {
				t.Errorf("packet %d is %q", i, got)
			}
		}
		if got := readPacket(t, accepted); n != 10 || got != "end" {
			t.Errorf("after %d packets came %q", n-1, got)
		}
	})
}

func TestL2CAPConnLosesLink(t *testing.T) {
	for reason, want := range map[rfcommtest.Reason]error{
		rfcommtest.ConnectionTimeout:    syscall.ETIMEDOUT,
		rfcommtest.RemoteUserTerminated: syscall.ECONNRESET,
		rfcommtest.Reason(0x3d):         syscall.ENOSYS,
	} {
		withDevices(t, rfcommtest.Config{}, func(t *testing.T, r *rfcommtest.Radio, a, b *rfcommtest.Device) {
			dialed, accepted := connectL2CAP(t, a, b)
			writePacket(t, dialed, "before")
			synctest.Wait()
			r.Link(a.Controller, b.Controller).Disconnect(reason)
			if got := readPacket(t, accepted); got != "before" {
				t.Errorf("read %q", got)
			}
			for _, c := range []*rfcommtest.L2CAPConn{dialed, accepted} {
				_, err := c.Read(make([]byte, 1))
				if e, ok := errors.AsType[net.Error](err); !errors.Is(err, want) || !ok || e.Timeout() {
					t.Errorf("%v: read %v, want %v", reason, err, want)
				}
				if _, err := c.Write([]byte("x")); !errors.Is(err, want) {
					t.Errorf("%v: write %v, want %v", reason, err, want)
				}
			}
			connectL2CAP(t, a, b)
		})
	}
}

func TestDeviceReusesBuffersOfLostLink(t *testing.T) {
	withDevices(t, rfcommtest.Config{}, func(t *testing.T, r *rfcommtest.Radio, a, b *rfcommtest.Device) {
		link := r.Link(a.Controller, b.Controller)
		for range 3 {
			dialed, accepted := connectL2CAP(t, a, b)
			link.Stall()
			for range 8 { // the controller's buffers
				writePacket(t, dialed, "lost")
			}
			synctest.Wait()
			link.Disconnect(rfcommtest.RemoteUserTerminated)
			link.Resume()
			if _, err := accepted.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("read %v", err)
			}
		}
		dialed, accepted := connectL2CAP(t, a, b)
		writePacket(t, dialed, "hello")
		if got := readPacket(t, accepted); got != "hello" {
			t.Errorf("read %q", got)
		}
	})
}

func TestL2CAPListenerCloseEndsPending(t *testing.T) {
	withDevices(t, rfcommtest.Config{}, func(t *testing.T, r *rfcommtest.Radio, a, b *rfcommtest.Device) {
		l := listenL2CAP(t, b)
		c, err := a.DialL2CAP(t.Context(), b.Addr(), testPSM)
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("read %v", err)
		}
		if err := l.Close(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("the second Close: %v", err)
		}
	})
}

func TestDeviceDownAndUp(t *testing.T) {
	withDevices(t, rfcommtest.Config{}, func(t *testing.T, r *rfcommtest.Radio, a, b *rfcommtest.Device) {
		l := listenL2CAP(t, b)
		dialed, err := a.DialL2CAP(t.Context(), b.Addr(), testPSM)
		if err != nil {
			t.Fatal(err)
		}
		accepted, err := l.AcceptL2CAP()
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		if err := b.Down(); err != nil {
			t.Fatal(err)
		}
		if _, err := dialed.Read(make([]byte, 1)); !errors.Is(err, syscall.ETIMEDOUT) || time.Since(began) != 20*time.Second {
			t.Errorf("the other end read %v after %v", err, time.Since(began))
		}
		if _, err := a.DialL2CAP(t.Context(), b.Addr(), testPSM); !errors.Is(err, syscall.EHOSTDOWN) {
			t.Errorf("dialing it: %v", err)
		}
		if _, err := b.DialL2CAP(t.Context(), a.Addr(), testPSM); err == nil || !strings.Contains(err.Error(), "switched off") {
			t.Errorf("dialing from it: %v", err)
		}
		if err := b.Up(); err != nil {
			t.Fatal(err)
		}
		if _, err := accepted.Read(make([]byte, 1)); err == nil || !strings.Contains(err.Error(), "switched off") {
			t.Errorf("its own end read %v", err)
		}
		if _, err := a.DialL2CAP(t.Context(), b.Addr(), testPSM); err != nil {
			t.Error(err)
		}
		if _, err := l.Accept(); err != nil { // the listener remains
			t.Error(err)
		}
	})
}

func TestDeviceDialL2CAPErrors(t *testing.T) {
	withDevices(t, rfcommtest.Config{}, func(t *testing.T, r *rfcommtest.Radio, a, b *rfcommtest.Device) {
		dial := func() error {
			_, err := a.DialL2CAP(t.Context(), b.Addr(), testPSM)
			return err
		}
		if err := dial(); !errors.Is(err, syscall.ECONNREFUSED) || !strings.Contains(err.Error(), "PSM not supported") {
			t.Errorf("without a listener: %v", err)
		}
		l := listenL2CAP(t, b)
		if _, err := b.ListenL2CAP(testPSM); !errors.Is(err, syscall.EADDRINUSE) {
			t.Errorf("a second listener: %v", err)
		}
		l.Refuse(3)
		if err := dial(); !errors.Is(err, syscall.ECONNREFUSED) || !strings.Contains(err.Error(), "security block") {
			t.Errorf("with Refuse: %v", err)
		}
		l.Refuse(0)
		if err := dial(); err != nil {
			t.Error(err)
		}
		c, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		c.Close()
		r.Link(a.Controller, b.Controller).Disconnect(rfcommtest.RemoteUserTerminated)
		b.Refuse(rfcommtest.SecurityReasons)
		if err := dial(); !errors.Is(err, syscall.ECONNREFUSED) || !strings.Contains(err.Error(), "0x0e") {
			t.Errorf("a refused page: %v", err)
		}
		b.Refuse(0)
		b.SetReachable(false)
		if err := dial(); !errors.Is(err, syscall.EHOSTDOWN) {
			t.Errorf("out of range: %v", err)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Accept after Close: %v", err)
		}
	})
}

func TestDeviceDialL2CAPEndsWithContext(t *testing.T) {
	withDevices(t, rfcommtest.Config{}, func(t *testing.T, r *rfcommtest.Radio, a, b *rfcommtest.Device) {
		l := listenL2CAP(t, b)
		dial := func() {
			t.Helper()
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			began := time.Now()
			if _, err := a.DialL2CAP(ctx, b.Addr(), testPSM); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(began) != time.Second {
				t.Errorf("%v after %v", err, time.Since(began))
			}
		}
		r.Link(a.Controller, b.Controller).Stall()
		dial() // pages
		r.Link(a.Controller, b.Controller).Resume()
		b.HandleFrame(func(rfcomm.BDAddr, uint16, []byte) bool { return true })
		dial() // gets no answer
		b.HandleFrame(nil)
		if _, err := a.DialL2CAP(t.Context(), b.Addr(), testPSM); err != nil {
			t.Error(err)
		}
		l.SetDeadline(time.Now().Add(time.Second))
		if _, err := l.Accept(); err != nil {
			t.Error(err)
		}
		if _, err := l.Accept(); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("Accept: %v", err)
		}
	})
}

func TestDevicesDialEachOtherAtOnce(t *testing.T) {
	withDevices(t, rfcommtest.Config{}, func(t *testing.T, r *rfcommtest.Radio, a, b *rfcommtest.Device) {
		r.Link(a.Controller, b.Controller).SetDelay(10 * time.Millisecond)
		errs := make(chan error, 4)
		for _, way := range [][2]*rfcommtest.Device{{a, b}, {b, a}} {
			listenL2CAP(t, way[1])
			for range 2 {
				go func() {
					_, err := way[0].DialL2CAP(t.Context(), way[1].Addr(), testPSM)
					errs <- err
				}()
			}
		}
		for range 4 {
			if err := <-errs; err != nil {
				t.Error(err)
			}
		}
	})
}

// A packet above the MTU of its receiver is lost, as in Linux
// (l2cap_data_channel).
func TestDeviceIgnoresPacketsAboveMTU(t *testing.T) {
	withDevices(t, rfcommtest.Config{}, func(t *testing.T, r *rfcommtest.Radio, a, b *rfcommtest.Device) {
		b.SetMTU(48)
		dialed, accepted := connectL2CAP(t, a, b)
		_, remote := dialed.CIDs()
		for _, size := range []int{49, 48} {
			if err := a.SendFrame(t.Context(), b.Addr(), remote, make([]byte, size)); err != nil {
				t.Fatal(err)
			}
		}
		if got := readPacket(t, accepted); len(got) != 48 {
			t.Errorf("read %d bytes, want 48", len(got))
		}
	})
}

// The header of a frame has two bytes for its length.
func TestDeviceSendFrameTooLong(t *testing.T) {
	withDevices(t, rfcommtest.Config{}, func(t *testing.T, r *rfcommtest.Radio, a, b *rfcommtest.Device) {
		if err := a.SendFrame(t.Context(), b.Addr(), 0x40, make([]byte, 65536)); !errors.Is(err, syscall.EMSGSIZE) {
			t.Errorf("65536 bytes: %v, want EMSGSIZE", err)
		}
		if err := a.SendFrame(t.Context(), b.Addr(), 0x40, make([]byte, 65535)); err != nil {
			t.Errorf("65535 bytes: %v", err)
		}
	})
}

// T.FailNow ends the goroutine that calls it, also if it is not that of the
// test.
func TestDeviceHandleFrameGoexit(t *testing.T) {
	withDevices(t, rfcommtest.Config{}, func(t *testing.T, r *rfcommtest.Radio, a, b *rfcommtest.Device) {
		b.HandleFrame(func(rfcomm.BDAddr, uint16, []byte) bool {
			runtime.Goexit()
			return false
		})
		if err := a.SendFrame(t.Context(), b.Addr(), 0x40, nil); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
}

// unhex decodes a frame that is written with spaces.
func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The frames are those of Volume 3, Part A, section 4. The channel has the
// identifier 0x0040 at both ends.
func TestDeviceAnswersSignalling(t *testing.T) {
	for name, tt := range map[string]struct{ request, want string }{
		"echo":                           {"08 05 03 00 61 62 63", "09 05 03 00 61 62 63"},
		"features":                       {"0a 05 02 00 02 00", "0b 05 08 00 02 00 00 00 80 00 00 00"},
		"fixed channels":                 {"0a 05 02 00 03 00", "0b 05 0c 00 03 00 00 00 02 00 00 00 00 00 00 00"},
		"unknown information":            {"0a 05 02 00 09 00", "0b 05 04 00 09 00 01 00"},
		"unknown command":                {"1f 05 00 00", "01 05 02 00 00 00"},
		"a short request":                {"02 05 02 00 01 10", "01 05 02 00 00 00"},
		"a request that is cut short":    {"0a 05 02 00 02", "01 05 02 00 00 00"},
		"a header that is cut short":     {"0a 05", "01 05 02 00 00 00"},
		"one byte":                       {"0a", "01 00 02 00 00 00"},
		"two requests":                   {"08 05 00 00 08 06 00 00", "09 05 00 00"},
		"an unknown PSM":                 {"02 05 04 00 03 00 41 00", "03 05 08 00 00 00 41 00 02 00 00 00"},
		"an invalid Source CID":          {"02 05 04 00 01 10 01 00", "03 05 08 00 00 00 01 00 06 00 00 00"},
		"a Source CID in use":            {"02 05 04 00 01 10 40 00", "03 05 08 00 00 00 40 00 07 00 00 00"},
		"another channel":                {"02 05 04 00 01 10 41 00", "03 05 08 00 41 00 41 00 00 00 00 00"},
		"an MTU":                         {"04 05 08 00 40 00 00 00 01 02 30 00", "05 05 06 00 40 00 00 00 00 00"},
		"an MTU below the minimum":       {"04 05 08 00 40 00 00 00 01 02 2f 00", "05 05 0a 00 40 00 00 00 01 00 01 02 30 00"},
		"an MTU and more to come":        {"04 05 08 00 40 00 01 00 01 02 30 00", "05 05 06 00 40 00 01 00 00 00"},
		"enhanced retransmission mode":   {"04 05 0f 00 40 00 00 00 04 09 03 0a 03 d0 07 e0 2e f2 03", "05 05 11 00 40 00 00 00 01 00 04 09 00 00 00 00 00 00 00 00 00"},
		"basic mode":                     {"04 05 0f 00 40 00 00 00 04 09 00 00 00 00 00 00 00 00 00", "05 05 06 00 40 00 00 00 00 00"},
		"a flush timeout":                {"04 05 08 00 40 00 00 00 02 02 ff ff", "05 05 06 00 40 00 00 00 00 00"},
		"an unknown option":              {"04 05 07 00 40 00 00 00 55 01 00", "05 05 08 00 40 00 00 00 03 00 55 00"},
		"an unknown hint":                {"04 05 07 00 40 00 00 00 d5 01 00", "05 05 06 00 40 00 00 00 00 00"},
		"an option that is cut short":    {"04 05 07 00 40 00 00 00 01 02 00", "05 05 06 00 40 00 00 00 02 00"},
		"an option of the wrong length":  {"04 05 07 00 40 00 00 00 01 01 00", "05 05 06 00 40 00 00 00 02 00"},
		"options of an unknown channel":  {"04 05 04 00 99 00 00 00", "01 05 06 00 02 00 99 00 00 00"},
		"the end of an unknown channel":  {"06 05 04 00 99 00 40 00", "01 05 06 00 02 00 99 00 40 00"},
		"the end of a channel":           {"06 05 04 00 40 00 40 00", "07 05 04 00 40 00 40 00"},
		"the end with a wrong other end": {"06 05 04 00 40 00 99 00 08 05 00 00", "09 05 00 00"},
		"unexpected responses":           {"03 05 08 00 41 00 40 00 00 00 00 00 05 05 06 00 40 00 00 00 00 00 07 05 04 00 40 00 40 00 01 05 02 00 00 00 0b 05 04 00 01 00 01 00 08 05 00 00", "09 05 00 00"},
	} {
		t.Run(name, func(t *testing.T) {
			withDevices(t, rfcommtest.Config{}, func(t *testing.T, r *rfcommtest.Radio, a, b *rfcommtest.Device) {
				connectL2CAP(t, a, b)
				listenL2CAP(t, b)
				answers := make(chan []byte, 10)
				a.HandleFrame(func(peer rfcomm.BDAddr, cid uint16, payload []byte) bool {
					if cid != 1 || peer != b.Addr() {
						t.Errorf("a frame from %s on channel %d", peer, cid)
					}
					answers <- payload
					return true
				})
				if err := a.SendFrame(t.Context(), b.Addr(), 1, unhex(t, tt.request)); err != nil {
					t.Fatal(err)
				}
				if got := <-answers; !bytes.Equal(got, unhex(t, tt.want)) {
					t.Errorf("the answer is % x, want %s", got, tt.want)
				}
			})
		})
	}
}

// All services except SDP require encryption if both hosts have enabled Secure
// Simple Pairing.
func TestDeviceDialL2CAPEncrypts(t *testing.T) {
	const sdp = 1
	for name, tt := range map[string]struct {
		psm  uint16
		b    rfcommtest.ControllerConfig
		want bool
	}{
		"a service":              {testPSM, rfcommtest.ControllerConfig{}, true},
		"SDP":                    {sdp, rfcommtest.ControllerConfig{}, false},
		"a 2.0 device":           {testPSM, rfcommtest.ControllerConfig{Version: rfcommtest.Version20}, false},
		"without simple pairing": {testPSM, rfcommtest.ControllerConfig{Without: rfcommtest.SimplePairing}, false},
	} {
		t.Run(name, func(t *testing.T) {
			var packets bytes.Buffer
			withDevices(t, rfcommtest.Config{Log: &packets}, func(t *testing.T, r *rfcommtest.Radio, a, _ *rfcommtest.Device) {
				b := r.NewDevice(tt.b)
				for _, way := range [][2]*rfcommtest.Device{{a, b}, {b, a}} {
					l, err := way[1].ListenL2CAP(tt.psm)
					if err != nil {
						t.Fatal(err)
					}
					for range 2 { // with and without a link
						began := time.Now()
						c, err := way[0].DialL2CAP(t.Context(), way[1].Addr(), tt.psm)
						if took := time.Since(began); err != nil || took != 0 {
							t.Fatalf("DialL2CAP returned %v after %v", err, took)
						}
						writePacket(t, c, "secret")
						accepted, err := l.Accept()
						if err != nil {
							t.Fatal(err)
						}
						if got := readPacket(t, accepted); got != "secret" {
							t.Errorf("read %q", got)
						}
					}
				}
			})
			if got := bytes.Count(packets.Bytes(), setEncryption); (got == 1) != tt.want || got > 1 {
				t.Errorf("encryption was requested %d times, want it: %v", got, tt.want)
			}
		})
	}
}

// A peer that closes a channel at once has opened it before.
func TestDeviceDialL2CAPClosedAtOnce(t *testing.T) {
	withDevices(t, rfcommtest.Config{}, func(t *testing.T, r *rfcommtest.Radio, a, b *rfcommtest.Device) {
		l := listenL2CAP(t, b)
		for range 200 {
			go func() {
				c, err := l.Accept()
				if err != nil {
					t.Error(err)
					return
				}
				c.Write([]byte("bye"))
				c.Close()
			}()
			c, err := a.DialL2CAP(t.Context(), b.Addr(), testPSM)
			if err != nil {
				t.Fatalf("dial: %v", err)
			}
			if got := readPacket(t, c); got != "bye" {
				t.Errorf("read %q", got)
			}
			if _, err := c.Read(make([]byte, 1)); err != io.EOF {
				t.Errorf("then %v", err)
			}
			c.Close()
		}
	})
}

func TestDeviceSetSecureConnections(t *testing.T) {
	changed := func(mode byte) []byte { return []byte{0x08, 4, 0, 1, 0, mode} } // HCI_Encryption_Change at a
	for both, want := range map[bool][]byte{false: changed(1), true: changed(2)} {
		var packets bytes.Buffer
		withDevices(t, rfcommtest.Config{Log: &packets}, func(t *testing.T, r *rfcommtest.Radio, a, b *rfcommtest.Device) {
			if err := errors.Join(a.SetSecureConnections(true), b.SetSecureConnections(both)); err != nil {
				t.Fatal(err)
			}
			connectL2CAP(t, a, b)
			for _, config := range []rfcommtest.ControllerConfig{{Version: rfcommtest.Version21}, {Without: rfcommtest.SecureConnections}} {
				if err := r.NewDevice(config).SetSecureConnections(true); err == nil {
					t.Errorf("%+v: no error", config)
				}
			}
		})
		if !bytes.Contains(packets.Bytes(), want) {
			t.Errorf("both ends %v: no event % x", both, want)
		}
	}
}

func TestDeviceSetPINKeepsOtherSettings(t *testing.T) {
	var packets bytes.Buffer
	withDevices(t, rfcommtest.Config{Log: &packets}, func(t *testing.T, r *rfcommtest.Radio, a, b *rfcommtest.Device) {
		if err := b.SetPIN("1234"); err != nil {
			t.Fatal(err)
		}
		connectL2CAP(t, a, b)
	})
	if !bytes.Contains(packets.Bytes(), setEncryption) {
		t.Error("encryption was not requested with Secure Simple Pairing")
	}
}

// setEncryption is the opcode and the length of HCI_Set_Connection_Encryption.
var setEncryption = []byte{0x13, 0x04, 0x03}

func TestDeviceSettings(t *testing.T) {
	var packets bytes.Buffer
	withDevices(t, rfcommtest.Config{Log: &packets}, func(t *testing.T, r *rfcommtest.Radio, a, b *rfcommtest.Device) {
		l := listenL2CAP(t, b)
		dial := func() error {
			c, err := a.DialL2CAP(t.Context(), b.Addr(), testPSM)
			if err == nil {
				c.Close()
			}
			return err
		}
		if err := b.SetScan(rfcommtest.InquiryScan); err != nil {
			t.Fatal(err)
		}
		if err := dial(); !errors.Is(err, syscall.EHOSTDOWN) {
			t.Errorf("without page scan: %v", err)
		}
		if err := errors.Join(b.Down(), b.Up()); err != nil { // keeps the setting
			t.Fatal(err)
		}
		if err := dial(); !errors.Is(err, syscall.EHOSTDOWN) {
			t.Errorf("after Up: %v", err)
		}
		if err := errors.Join(b.SetScan(rfcommtest.PageScan), b.SetSimplePairing(false)); err != nil {
			t.Fatal(err)
		}
		if err := dial(); err != nil {
			t.Errorf("with page scan: %v", err)
		}
		if c, err := l.Accept(); err != nil {
			t.Error(err)
		} else {
			c.Close()
		}
	})
	if bytes.Contains(packets.Bytes(), setEncryption) {
		t.Error("encryption was requested without Secure Simple Pairing")
	}
}

func TestDeviceAfterRadioClose(t *testing.T) {
	withDevices(t, rfcommtest.Config{}, func(t *testing.T, r *rfcommtest.Radio, a, b *rfcommtest.Device) {
		l := listenL2CAP(t, b)
		dialed, err := a.DialL2CAP(t.Context(), b.Addr(), testPSM)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		_, read := dialed.Read(make([]byte, 1))
		if read == nil {
			t.Error("Read succeeded")
		}
		late := r.NewDevice(rfcommtest.ControllerConfig{})
		_, accept := l.Accept()
		_, dial := a.DialL2CAP(t.Context(), b.Addr(), testPSM)
		_, listen := late.ListenL2CAP(testPSM)
		for name, err := range map[string]error{
			"Accept": accept, "DialL2CAP": dial, "ListenL2CAP": listen,
			"SendFrame": a.SendFrame(t.Context(), b.Addr(), 1, nil),
			"Up":        a.Up(), "Plug": a.Plug(), "SetPIN": a.SetPIN("1234"), "SetScan": a.SetScan(0),
		} {
			if !errors.Is(err, net.ErrClosed) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if err := errors.Join(a.Down(), a.Unplug()); err != nil {
			t.Error(err)
		}
	})
}

// No timer of a device writes to the log after Close: the one here waits for the
// answer of b to a page.
func TestRadioCloseEndsTimersOfDevices(t *testing.T) {
	var log bytes.Buffer
	withDevices(t, rfcommtest.Config{Log: &log}, func(t *testing.T, r *rfcommtest.Radio, a, b *rfcommtest.Device) {
		c := r.NewDevice(rfcommtest.ControllerConfig{})
		b.HandleFrame(func(rfcomm.BDAddr, uint16, []byte) bool {
			time.Sleep(time.Second)
			return true
		})
		if err := c.SendFrame(t.Context(), b.Addr(), 0x40, nil); err != nil {
			t.Fatal(err)
		}
		synctest.Wait() // b is busy
		go a.DialL2CAP(t.Context(), b.Addr(), testPSM)
		synctest.Wait()
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		before := log.Len()
		time.Sleep(time.Hour)
		if log.Len() != before {
			t.Errorf("%d bytes were logged after Close", log.Len()-before)
		}
	})
}

func TestDeviceIsNoAdapter(t *testing.T) {
	withDevices(t, rfcommtest.Config{}, func(t *testing.T, r *rfcommtest.Radio, a, b *rfcommtest.Device) {
		link := r.Link(a.Controller, b.Controller)
		_, _, connect := link.Connect(t.Context())
		for name, err := range map[string]error{"Pair": link.Pair(), "Connect": connect} {
			if err == nil || !strings.Contains(err.Error(), "Device") {
				t.Errorf("%s: %v", name, err)
			}
		}
		if len(r.Controllers()) != 0 {
			t.Errorf("the radio has %d controllers", len(r.Controllers()))
		}
		defer func() {
			if err := recover(); err == nil || !strings.Contains(err.(string), "Version is 1") {
				t.Errorf("an invalid config: panic %v", err)
			}
		}()
		r.NewDevice(rfcommtest.ControllerConfig{Version: 1})
	})
}
