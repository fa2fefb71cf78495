package rfcommtest_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/test/conntest"
	"github.com/go-rfcomm/rfcomm/internal/test/labtest"
	"github.com/go-rfcomm/rfcomm/rfcommtest"
)

// listen listens on a controller.
func listen(t *testing.T, at *rfcommtest.Controller) *rfcomm.Listener {
	t.Helper()
	return conntest.Listen(t, at.Addr())
}

// dial connects a controller to a listener.
func dial(ctx context.Context, from *rfcommtest.Controller, to *rfcomm.Listener) (*rfcomm.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	return conntest.DialContext(ctx, from.Addr(), to.Addr())
}

// connect returns the two ends of a new connection between two controllers.
func connect(t *testing.T, from, to *rfcommtest.Controller) (dialed, accepted *rfcomm.Conn) {
	t.Helper()
	return conntest.Pair(t, from.Addr(), to.Addr())
}

// pass checks that data arrives from one end at the other.
func pass(t *testing.T, from, to io.ReadWriter) {
	t.Helper()
	if _, err := from.Write([]byte("hello")); err != nil {
		t.Error(err)
		return
	}
	if got, err := io.ReadAll(io.LimitReader(to, 5)); err != nil || string(got) != "hello" {
		t.Errorf("read %q, %v", got, err)
	}
}

// two returns a radio with two controllers that have short page timeouts.
func two(t *testing.T, config rfcommtest.Config) (r *rfcommtest.Radio, a, b *rfcommtest.Controller) {
	t.Helper()
	r = rfcommtest.Require(t, config)
	a, b = r.Controllers()[0], r.Controllers()[1]
	a.SetPageTimeout(100 * time.Millisecond)
	b.SetPageTimeout(100 * time.Millisecond)
	return r, a, b
}

func TestRadioConnectsAllPairs(t *testing.T) {
	r := rfcommtest.Require(t, rfcommtest.Config{Controllers: 8})
	began := time.Now()
	n := 0
	for _, from := range r.Controllers() {
		for _, to := range r.Controllers() {
			if from == to {
				continue
			}
			dialed, accepted := connect(t, from, to)
			pass(t, dialed, accepted)
			pass(t, accepted, dialed)
			dialed.Close()
			accepted.Close()
			n++
		}
	}
	t.Logf("%d pairs in %v", n, time.Since(began).Round(time.Millisecond))
}

func TestRadioServesSevenClients(t *testing.T) {
	r := rfcommtest.Require(t, rfcommtest.Config{Controllers: 8})
	server := r.Controllers()[0]
	l := listen(t, server)
	var clients sync.WaitGroup
	for _, c := range r.Controllers()[1:] {
		clients.Go(func() {
			conn, err := dial(t.Context(), c, l)
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			if _, err := conn.Write([]byte(c.Addr().String())); err != nil {
				t.Error(err)
			}
			if got, err := io.ReadAll(conn); err != nil || string(got) != "goodbye" {
				t.Errorf("%s read %q, %v", c.Addr(), got, err)
			}
		})
	}
	var conns []*rfcomm.Conn
	for range r.Controllers()[1:] {
		conn, err := l.AcceptRFCOMM()
		if err != nil {
			t.Fatal(err)
		}
		conns = append(conns, conn) // all are open at the same time
	}
	for _, conn := range conns {
		want := conn.RemoteAddr().(rfcomm.Addr).Device.String()
		if got, err := io.ReadAll(io.LimitReader(conn, int64(len(want)))); err != nil || string(got) != want {
			t.Errorf("from %s came %q, %v", want, got, err)
		}
		if _, err := conn.Write([]byte("goodbye")); err != nil {
			t.Error(err)
		}
		conn.Close()
	}
	clients.Wait()
}

func TestLinkDisconnectReasons(t *testing.T) {
	r, a, b := two(t, rfcommtest.Config{})
	link := r.Link(a, b)
	if link.Disconnect(rfcommtest.RemoteUserTerminated) {
		t.Error("Disconnect = true without a link")
	}
	link.SetSupervisionTimeout(50 * time.Millisecond)
	for reason, want := range map[rfcommtest.Reason]error{
		rfcommtest.ConnectionTimeout:    syscall.ETIMEDOUT,
		rfcommtest.RemoteUserTerminated: io.EOF,
		rfcommtest.RemoteLowResources:   io.EOF,
		rfcommtest.RemotePowerOff:       io.EOF,
	} {
		dialed, accepted := connect(t, a, b)
		if !link.Disconnect(reason) {
			t.Errorf("%v: Disconnect = false with a link", reason)
		}
		for _, c := range []*rfcomm.Conn{dialed, accepted} {
			if _, err := c.Read(make([]byte, 1)); !errors.Is(err, want) {
				t.Errorf("%v: read %v, want %v", reason, err, want)
			}
		}
	}
}

func TestLinkDisconnectAtOneEnd(t *testing.T) {
	r, a, b := two(t, rfcommtest.Config{})
	r.Link(a, b).SetSupervisionTimeout(200 * time.Millisecond)
	dialed, accepted := connect(t, a, b)
	r.Link(a, b).Disconnect(rfcommtest.RemoteLowResources, a)
	if _, err := dialed.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("the end that was informed read %v", err)
	}
	if _, err := accepted.Read(make([]byte, 1)); !errors.Is(err, syscall.ETIMEDOUT) {
		t.Errorf("the other end read %v", err)
	}
}

func TestLinkStallAndResume(t *testing.T) {
	r, a, b := two(t, rfcommtest.Config{})
	dialed, accepted := connect(t, a, b)
	r.Link(a, b).Stall()
	if _, err := dialed.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	accepted.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
	if n, err := accepted.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("read %d bytes, %v, over a stalled link", n, err)
	}
	accepted.SetReadDeadline(time.Time{})
	r.Link(a, b).Resume()
	if got, err := io.ReadAll(io.LimitReader(accepted, 5)); err != nil || string(got) != "hello" {
		t.Errorf("after it: %q, %v", got, err)
	}
}

func TestControllerUnreachable(t *testing.T) {
	for name, tt := range map[string]struct {
		hide, show func(r *rfcommtest.Radio, a, b *rfcommtest.Controller)
		want       error
	}{
		"out of range": {
			func(_ *rfcommtest.Radio, _, b *rfcommtest.Controller) { b.SetReachable(false) },
			func(_ *rfcommtest.Radio, _, b *rfcommtest.Controller) { b.SetReachable(true) },
			syscall.EHOSTDOWN,
		},
		"answers too late": {
			func(r *rfcommtest.Radio, a, b *rfcommtest.Controller) { r.Link(a, b).SetPageTime(time.Hour) },
			func(r *rfcommtest.Radio, a, b *rfcommtest.Controller) { r.Link(a, b).SetPageTime(0) },
			syscall.EHOSTDOWN,
		},
		"stalled": {
			func(r *rfcommtest.Radio, a, b *rfcommtest.Controller) { r.Link(a, b).Stall() },
			func(r *rfcommtest.Radio, a, b *rfcommtest.Controller) { r.Link(a, b).Resume() },
			syscall.EHOSTDOWN,
		},
		"refuses": {
			func(_ *rfcommtest.Radio, _, b *rfcommtest.Controller) { b.Refuse(rfcommtest.LimitedResources) },
			func(_ *rfcommtest.Radio, _, b *rfcommtest.Controller) { b.Refuse(0) },
			syscall.ECONNREFUSED,
		},
		"is down": {
			func(_ *rfcommtest.Radio, _, b *rfcommtest.Controller) { b.Down() },
			func(_ *rfcommtest.Radio, _, b *rfcommtest.Controller) { b.Up() },
			syscall.EHOSTDOWN,
		},
		"is unplugged": {
			func(_ *rfcommtest.Radio, _, b *rfcommtest.Controller) { b.Unplug() },
			func(_ *rfcommtest.Radio, _, b *rfcommtest.Controller) { b.Plug() },
			syscall.EHOSTDOWN,
		},
	} {
		t.Run(name, func(t *testing.T) {
			r, a, b := two(t, rfcommtest.Config{})
			l := listen(t, b)
			tt.hide(r, a, b)
			c, err := dial(t.Context(), a, l)
			if err == nil {
				c.Close()
			}
			if !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
			tt.show(r, a, b)
			connect(t, a, b)
		})
	}
}

func TestLinkSetPageTime(t *testing.T) {
	const pageTime = 300 * time.Millisecond
	r, a, b := two(t, rfcommtest.Config{})
	a.SetPageTimeout(time.Minute)
	r.Link(a, b).SetPageTime(pageTime)
	began := time.Now()
	connect(t, a, b)
	if took := time.Since(began); took < pageTime {
		t.Errorf("it took %v", took)
	}
}

// The kernel does not survive every Down whose links do not end first.
func TestControllerDownEndsLinksFirst(t *testing.T) {
	var log bytes.Buffer
	r, a, b := two(t, rfcommtest.Config{Log: &log})
	connect(t, a, b)
	if err := a.Down(); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	// Disconnection Complete: success, handle 1, terminated by the local host.
	if ended := []byte{0x04, 0x05, 4, 0, 1, 0, 0x16}; !bytes.Contains(log.Bytes(), ended) {
		t.Errorf("the kernel was not told of the link's end before: there is no % x in the log", ended)
	}
}

func TestControllerDownWhileDataFlows(t *testing.T) {
	r, a, b := two(t, rfcommtest.Config{})
	r.Link(a, b).SetSupervisionTimeout(50 * time.Millisecond)
	for range 10 {
		dialed, accepted := connect(t, a, b)
		var streams sync.WaitGroup
		flows := make(chan struct{})
		for _, c := range []*rfcomm.Conn{dialed, accepted} {
			streams.Go(func() {
				for err := error(nil); err == nil; {
					_, err = c.Write(make([]byte, 4096))
				}
			})
			streams.Go(func() {
				if _, err := io.CopyN(io.Discard, c, 20_000); err != nil {
					t.Errorf("before: %v", err)
				}
				flows <- struct{}{}
				io.Copy(io.Discard, c)
			})
		}
		<-flows
		<-flows
		if err := b.Down(); err != nil {
			t.Fatal(err)
		}
		streams.Wait()
		dialed.Close()
		accepted.Close()
		if err := b.Up(); err != nil {
			t.Fatal(err)
		}
	}
	dialed, accepted := connect(t, a, b)
	pass(t, dialed, accepted)
	pass(t, accepted, dialed)
}

func TestControllerUnplugAndDown(t *testing.T) {
	r, a, b := two(t, rfcommtest.Config{})
	r.Link(a, b).SetSupervisionTimeout(50 * time.Millisecond)
	has := func(want bool) {
		t.Helper()
		all, err := rfcomm.Adapters()
		if err != nil {
			t.Fatal(err)
		}
		found := false
		for _, adapter := range all {
			found = found || adapter.Addr == a.Addr() && adapter.Up && adapter.Name == a.Name()
		}
		if found != want {
			t.Errorf("%s (%s) among %+v: %v, want %v", a.Addr(), a.Name(), all, found, want)
		}
	}
	for name, change := range map[string]struct {
		go_, come func() error
	}{
		"unplugged": {a.Unplug, a.Plug},
		"down":      {a.Down, a.Up},
	} {
		t.Run(name, func(t *testing.T) {
			has(true)
			dialed, accepted := connect(t, a, b)
			if err := change.go_(); err != nil {
				t.Fatal(err)
			}
			has(false)
			if _, err := dialed.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNABORTED) {
				t.Errorf("its own end read %v", err)
			}
			if _, err := accepted.Read(make([]byte, 1)); !errors.Is(err, syscall.ETIMEDOUT) {
				t.Errorf("the other end read %v", err)
			}
			if err := change.come(); err != nil {
				t.Fatal(err)
			}
			connect(t, a, b)
		})
	}
	if err := a.Unplug(); err != nil {
		t.Fatal(err)
	}
	if a.Name() != "" {
		t.Errorf("an unplugged controller has the name %q", a.Name())
	}
	if err := a.Unplug(); err != nil {
		t.Errorf("unplugging it again: %v", err)
	}
	for name, err := range map[string]error{"Down": a.Down(), "Up": a.Up(), "Pair": r.Link(a, b).Pair()} {
		if err == nil || !strings.Contains(err.Error(), "removed") {
			t.Errorf("%s of an unplugged controller: %v", name, err)
		}
	}
}

// Frames of 1012 bytes fill a 3-DH5 packet exactly. Frames of 1016 bytes need another
// packet (Core Specification, Volume 2, Part B, section 6.5.4).
func TestLinkAirtimeCountsSlots(t *testing.T) {
	const frames = 200
	for _, tt := range []struct {
		size  int
		types rfcommtest.PacketTypes
		slots int // for one frame
		big   rfcommtest.PacketTypes
	}{
		{1012, rfcommtest.EDR3, 6, rfcommtest.ThreeDH5},
		{1016, rfcommtest.EDR3, 8, rfcommtest.ThreeDH5},
		{670, rfcommtest.EDR2, 6, rfcommtest.TwoDH5},
		{330, rfcommtest.BasicRate, 6, rfcommtest.DH5},
	} {
		r, a, b := two(t, rfcommtest.Config{})
		dialed, accepted := connect(t, a, b)
		pass(t, dialed, accepted) // after the initial credits
		r.Link(a, b).SimulateAirtime(tt.types)
		before := quiet(t, r.Link(a, b))
		go func() {
			for range frames {
				dialed.Write(make([]byte, tt.size))
			}
		}()
		if n, err := io.CopyN(io.Discard, accepted, frames*int64(tt.size)); err != nil {
			t.Fatalf("%d bytes, %v", n, err)
		}
		use := quiet(t, r.Link(a, b))
		slots, bigs := use.Slots-before.Slots, use.Packets[tt.big]-before.Packets[tt.big]
		ones := 0 // packets of one slot: the ends of frames, and credits from the peer
		for _, one := range []rfcommtest.PacketTypes{rfcommtest.DM1, rfcommtest.DH1, rfcommtest.TwoDH1, rfcommtest.ThreeDH1} {
			ones += use.Packets[one] - before.Packets[one]
		}
		const bigSlots = 5 + 1
		credits := ones - frames*(tt.slots-bigSlots)/2
		// A frame causes at most one frame of credits. That frame takes a return
		// slot, which would be empty otherwise, or two slots of its own.
		if bigs != frames || credits < 0 || credits > frames || slots < frames*tt.slots || slots > frames*tt.slots+2*credits {
			t.Errorf("%d bytes by %v: %d slots, %d large packets and %d frames of credits, want %d slots and %d packets", tt.size, tt.types, slots, bigs, credits, frames*tt.slots, frames)
		}
		if use.Duration() != time.Duration(use.Slots)*625*time.Microsecond || a.Airtime().Slots != use.Slots {
			t.Errorf("%d slots are %v, of the controller %d", use.Slots, use.Duration(), a.Airtime().Slots)
		}
	}
}

// quiet waits until the air has been idle for 50 ms, and returns the total air time.
func quiet(t *testing.T, link *rfcommtest.Link) rfcommtest.Airtime {
	t.Helper()
	use := link.Airtime()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); {
		time.Sleep(50 * time.Millisecond)
		before := use
		if use = link.Airtime(); use.Slots == before.Slots {
			return use
		}
	}
	t.Fatal("the air does not become idle")
	return use
}

// The kernel is still closing sessions when Close begins.
func TestRadioCloseAfterLinksEnd(t *testing.T) {
	for range 5 {
		r, a, b := two(t, rfcommtest.Config{})
		connect(t, a, b)
		connect(t, b, a)
		r.Link(a, b).Disconnect(rfcommtest.RemoteUserTerminated)
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
	_, a, b := two(t, rfcommtest.Config{})
	dialed, accepted := connect(t, a, b)
	pass(t, dialed, accepted)
}

func TestLinkPairEncrypts(t *testing.T) {
	r, a, b := two(t, rfcommtest.Config{})
	if err := r.Link(a, b).Pair(); err != nil {
		t.Fatal(err)
	}
	encrypted(t, a, b)
	encrypted(t, b, a)
}

// The pairs have controllers in common, and each pairing needs both controllers.
func TestLinkPairAtOnce(t *testing.T) {
	r := rfcommtest.Require(t, rfcommtest.Config{Controllers: 3})
	c := r.Controllers()
	var group sync.WaitGroup
	for _, pair := range [][2]int{{0, 1}, {1, 2}, {2, 0}, {1, 0}} {
		group.Go(func() {
			if err := r.Link(c[pair[0]], c[pair[1]]).Pair(); err != nil {
				t.Errorf("%d with %d: %v", pair[0], pair[1], err)
			}
		})
	}
	group.Wait()
	encrypted(t, c[0], c[1])
	encrypted(t, c[2], c[0])
}

// Once an adapter has been paired, the kernel also asks an agent about its pairings
// with other adapters.
func TestLinkPairWithThirdController(t *testing.T) {
	r := rfcommtest.Require(t, rfcommtest.Config{Controllers: 3})
	c := r.Controllers()
	if err := r.Link(c[0], c[1]).Pair(); err != nil {
		t.Fatal(err)
	}
	if err := r.Link(c[1], c[2]).Pair(); err != nil {
		t.Fatal(err)
	}
	encrypted(t, c[1], c[2])
	encrypted(t, c[0], c[1])
}

// A controller that was unplugged has lost its key, and the other one still has its
// key.
func TestLinkPairAgain(t *testing.T) {
	r, a, b := two(t, rfcommtest.Config{})
	for range 2 {
		if err := r.Link(a, b).Pair(); err != nil {
			t.Fatal(err)
		}
	}
	encrypted(t, a, b)
	r.Link(a, b).Disconnect(rfcommtest.RemoteUserTerminated)
	if err := errors.Join(b.Unplug(), b.Plug()); err != nil {
		t.Fatal(err)
	}
	if err := r.Link(a, b).Pair(); err != nil {
		t.Fatal(err)
	}
	encrypted(t, a, b)
}

// encrypted checks that two controllers can have an encrypted connection.
func encrypted(t *testing.T, a, b *rfcommtest.Controller) {
	t.Helper()
	l := conntest.ListenWith(t, rfcomm.ListenConfig{Security: rfcomm.SecurityMedium}, b.Addr())
	defer l.Close()
	d := rfcomm.Dialer{LocalAddr: rfcomm.Addr{Device: a.Addr()}, Security: rfcomm.SecurityMedium, Timeout: time.Minute}
	c, err := d.DialRFCOMM(t.Context(), conntest.AddrOf(l))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if got, err := c.Security(); got != rfcomm.SecurityMedium || err != nil {
		t.Errorf("Security = %v, %v; want medium", got, err)
	}
}

func TestRadioCloseIsFinal(t *testing.T) {
	r, a, _ := two(t, rfcommtest.Config{})
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{"Plug": a.Plug(), "Up": a.Up(), "Down": a.Down()} {
		if err == nil || !strings.Contains(err.Error(), "closed") || a.Name() != "" {
			t.Errorf("%s: %v; the controller's name is %q", name, err, a.Name())
		}
	}
}

func TestConfigLogIsReadByBtmon(t *testing.T) {
	var log bytes.Buffer
	r, a, b := two(t, rfcommtest.Config{Log: &log})
	dialed, accepted := connect(t, a, b)
	pass(t, dialed, accepted)
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(path, log.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("btmon", "-r", path).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, part := range []string{"New Index: " + a.Addr().String(), "Create Connection", "Connect Request", "RFCOMM: Set Async Balance Mode", "68 65 6c 6c 6f", "Delete Index: " + b.Addr().String()} {
		if !strings.Contains(string(out), part) {
			t.Errorf("btmon does not print %q:\n%s", part, out)
		}
	}
}

func TestRadioCloseReturnsLogError(t *testing.T) {
	r, err := rfcommtest.NewRadio(rfcommtest.Config{Log: brokenWriter{}})
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := r.Close(); !errors.Is(err, errBroken) {
			t.Errorf("Close: %v", err)
		}
	}
}

var errBroken = errors.New("disk is full")

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errBroken }

func TestConfigBufferSizes(t *testing.T) {
	for _, config := range []rfcommtest.Config{
		{ACLLength: 310, ACLBuffers: 10},
		{ACLLength: 27, ACLBuffers: 1},
		{ACLLength: 679, ACLBuffers: 255, PacketTypes: rfcommtest.EDR2},
		{PacketTypes: rfcommtest.BasicRate},
	} {
		_, a, b := two(t, config)
		dialed, accepted := connect(t, a, b)
		const size = 100_000
		go dialed.Write(make([]byte, size))
		if n, err := io.CopyN(io.Discard, accepted, size); err != nil {
			t.Errorf("%+v: %d bytes, %v", config, n, err)
		}
	}
}

// warnings matches the kernel's warnings about Bluetooth. Others, such as late timers,
// are due to the emulation.
var warnings = regexp.MustCompile(`(?i)bluetooth|hci|rfcomm|l2cap|WARNING|BUG|refcount|list_`)

func TestRadioCausesNoKernelWarning(t *testing.T) {
	for _, line := range labtest.Require(t).KernelWarnings() {
		if warnings.MatchString(line) {
			t.Errorf("the kernel warned: %s", line)
		}
	}
}
