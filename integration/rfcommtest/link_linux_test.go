package rfcommtest_test

import (
	"errors"
	"io"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/rfcommtest"
)

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
		dialed, accepted := settled(t, a, b)
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

// settled returns the two ends of a connection over which both kernels have sent
// everything that follows its set-up, since data has passed. A kernel that sends
// while it loses the link can lose the errno (l2cap_sock_sendmsg).
func settled(t *testing.T, a, b *rfcommtest.Controller) (dialed, accepted *rfcomm.Conn) {
	t.Helper()
	dialed, accepted = connect(t, a, b)
	pass(t, dialed, accepted)
	pass(t, accepted, dialed)
	return dialed, accepted
}

func TestLinkDisconnectAtOneEnd(t *testing.T) {
	r, a, b := two(t, rfcommtest.Config{})
	r.Link(a, b).SetSupervisionTimeout(200 * time.Millisecond)
	dialed, accepted := settled(t, a, b)
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

func TestLinkSetPageDelay(t *testing.T) {
	const pageTime = 300 * time.Millisecond
	r, a, b := two(t, rfcommtest.Config{})
	l := listen(t, b)
	r.Link(a, b).SetPageDelay(pageTime)
	a.SetPageTimeout(pageTime / 3)
	if _, err := dial(t.Context(), a, l); !errors.Is(err, syscall.EHOSTDOWN) {
		t.Errorf("with a shorter page timeout: %v, want EHOSTDOWN", err)
	}
	a.SetPageTimeout(time.Minute)
	began := time.Now()
	connect(t, a, b)
	if took := time.Since(began); took < pageTime {
		t.Errorf("it took %v", took)
	}
}

func TestLinkSetDelay(t *testing.T) {
	const delay = 100 * time.Millisecond
	r, a, b := two(t, rfcommtest.Config{})
	a.SetPageTimeout(time.Minute)
	r.Link(a, b).SetDelay(delay)
	dialed, accepted := connect(t, a, b) // the delay applies to a link that begins later
	for _, ends := range [][2]*rfcomm.Conn{{dialed, accepted}, {accepted, dialed}} {
		began := time.Now()
		if _, err := ends[0].Write([]byte("a")); err != nil {
			t.Fatal(err)
		}
		if _, err := ends[1].Read(make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took < delay {
			t.Errorf("data took %v", took)
		}
	}
}

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
		// A frame causes at most one frame of credits. That frame takes a
		// return slot, which would be empty otherwise, or two slots of its own.
		if bigs != frames || credits < 0 || credits > frames || slots < frames*tt.slots || slots > frames*tt.slots+2*credits {
			t.Errorf("%d bytes by %v: %d slots, %d large packets and %d frames of credits, want %d slots and %d packets", tt.size, tt.types, slots, bigs, credits, frames*tt.slots, frames)
		}
		if use.Duration() != time.Duration(use.Slots)*625*time.Microsecond || a.Airtime().Slots != use.Slots {
			t.Errorf("%d slots are %v, of the controller %d", use.Slots, use.Duration(), a.Airtime().Slots)
		}
	}
}

// quiet waits until the air has been idle for 50 ms, and returns the
// total air time.
func quiet(t *testing.T, link *rfcommtest.Link) rfcommtest.Airtime {
	t.Helper()
	use := link.Airtime()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); {
		time.Sleep(50 * time.Millisecond)
		before := use
		if use = link.Airtime(); use.Slots == before.Slots {
			return use
		}
	}
	t.Fatal("the air does not become idle")
	return use
}
