package bluez

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
	"github.com/go-rfcomm/rfcomm/sdp"
)

func TestProfileOptionsValues(t *testing.T) {
	for name, tt := range map[string]struct {
		options ProfileOptions
		want    map[string]any
		remote  sdp.UUID
	}{
		"a vendor's UUID": {
			ProfileOptions{UUID: vendorUUID},
			map[string]any{"Channel": uint16(0)}, vendorUUID,
		},
		"a UUID of which BlueZ knows the channel": {
			ProfileOptions{UUID: sdp.UUID16(0x1101)},
			map[string]any{}, sdp.UUID16(0x1101),
		},
		"a UUID whose other side has another": {
			ProfileOptions{UUID: sdp.UUID16(0x111E), Service: sdp.UUID16(0x111E)},
			map[string]any{"Service": sdp.UUID16(0x111E).String()}, sdp.UUID16(0x111F),
		},
		"a 32-bit UUID": {
			ProfileOptions{UUID: sdp.UUID32(0x11101)},
			map[string]any{"Channel": uint16(0)}, sdp.UUID32(0x11101),
		},
		"a service": {
			ProfileOptions{UUID: vendorUUID, Service: sdp.UUID16(0x1101), Channel: 5},
			map[string]any{"Service": sdp.UUID16(0x1101).String(), "Channel": uint16(5)}, sdp.UUID16(0x1101),
		},
		"a client": {
			ProfileOptions{UUID: vendorUUID, Role: RoleClient},
			map[string]any{"Role": "client"}, vendorUUID,
		},
		"a server with everything": {
			ProfileOptions{
				UUID: vendorUUID, Role: RoleServer, Name: `Tom & "Jerry" <3`, Channel: 30,
				Security: rfcomm.SecurityMedium, SkipAuthorization: true, Version: 0x0102, Features: 7,
			},
			map[string]any{
				"Role": "server", "Name": "Tom &amp; &quot;Jerry&quot; &lt;3", "Channel": uint16(30),
				"RequireAuthentication": true, "RequireAuthorization": false,
				"Version": uint16(0x0102), "Features": uint16(7),
			}, vendorUUID,
		},
		"low security": {
			ProfileOptions{UUID: vendorUUID, Security: rfcomm.SecurityLow},
			map[string]any{"Channel": uint16(0), "RequireAuthentication": false}, vendorUUID,
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newProfileTest(t)
			p, got := f.register(tt.options)
			if got.UUID != tt.options.UUID.String() {
				t.Errorf("the UUID is %q", got.UUID)
			}
			if diff := cmp.Diff(tt.want, variants(got.Options)); diff != "" {
				t.Errorf("the options (-want +got):\n%s", diff)
			}
			if got := p.options.remote(); got != tt.remote {
				t.Errorf("the UUID of the other side is %v, want %v", got, tt.remote)
			}
			if want := (rfcomm.Addr{Channel: tt.options.Channel}); p.Addr() != want {
				t.Errorf("Addr returned %v, want %v", p.Addr(), want)
			}
		})
	}
}

func TestRegisterProfileRefusesOptions(t *testing.T) {
	f := newProfileTest(t)
	for says, o := range map[string]ProfileOptions{
		"no UUID":                   {},
		"invalid Role 3":            {UUID: vendorUUID, Role: 3},
		"invalid channel 31":        {UUID: vendorUUID, Channel: 31},
		"invalid channel -1":        {UUID: vendorUUID, Channel: -1},
		"channel 5 with RoleClient": {UUID: vendorUUID, Role: RoleClient, Channel: 5},
		"no SecurityHigh":           {UUID: vendorUUID, Security: rfcomm.SecurityHigh},
		"invalid Security 9":        {UUID: vendorUUID, Security: 9},
		"negative backlog -1":       {UUID: vendorUUID, Backlog: -1},
	} {
		p, err := f.client.RegisterProfile(t.Context(), o)
		if p != nil || err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("RegisterProfile returned %v, %v; want an error that says %q", p, err, says)
		}
	}
	if calls := f.daemon.Calls(profileManager + ".RegisterProfile"); len(calls) > 0 {
		t.Errorf("bluetoothd was asked %d times", len(calls))
	}
}

func TestRegisterProfileTwice(t *testing.T) {
	f := newProfileTest(t)
	f.register(ProfileOptions{})
	hosttest.LeavesNothingBehind(t, func() {
		_, err := f.client.RegisterProfile(t.Context(), ProfileOptions{UUID: vendorUUID})
		hosttest.WantMatches(t, err, []error{ErrRegistered}, nil)
	})
}

func TestRegisterProfileChecksChannel(t *testing.T) {
	f := newProfileTest(t)
	f.adapter.TakeChannel(9)
	hosttest.LeavesNothingBehind(t, func() {
		_, err := f.client.RegisterProfile(t.Context(), ProfileOptions{UUID: vendorUUID, Channel: 9})
		hosttest.WantMatches(t, err, []error{ErrNotPublished}, nil)
		for _, says := range []string{"hci0 (02:00:00:00:00:01)", vendorUUID.String(), "channel"} {
			if !strings.Contains(err.Error(), says) {
				t.Errorf("the error %q does not say %q", err, says)
			}
		}
	})
	f.wantProfiles(0)
	f.register(ProfileOptions{Role: RoleClient})
}

func TestRegisterProfileOnAllAdapters(t *testing.T) {
	f := newProfileTest(t)
	f.daemon.AddAdapter("hci1", "02:00:00:00:00:09", nil).TakeChannel(9)
	_, err := f.client.RegisterProfile(t.Context(), ProfileOptions{UUID: vendorUUID, Channel: 9})
	hosttest.WantMatches(t, err, []error{ErrNotPublished}, nil)
	if !strings.Contains(err.Error(), "hci1") || strings.Contains(err.Error(), "hci0") {
		t.Errorf("the error is %q", err)
	}
	if n := len(f.daemon.Profiles()); n != 0 {
		t.Errorf("bluetoothd has %d profiles", n)
	}
}

func TestProfileReportsAddedAdapter(t *testing.T) {
	f := newProfileTest(t)
	reports := make(chan error, 10)
	p, _ := f.register(ProfileOptions{Channel: 9, Report: func(err error) { reports <- err }})
	other := f.daemon.AddAdapter("hci1", "02:00:00:00:00:09", nil) // is well, so not reported
	other.Remove()
	other.TakeChannel(9)
	other.Restore()
	err := hosttest.Receive(t, reports)
	hosttest.WantMatches(t, err, []error{ErrNotPublished}, nil)
	if !strings.Contains(err.Error(), "hci1") || strings.Contains(err.Error(), "hci0") {
		t.Errorf("the error is %q", err)
	}
	hosttest.WantMatches(t, p.Err(), []error{ErrNotPublished}, nil)
	f.wantProfiles(1)
	other.Remove()
	if err := hosttest.Receive(t, reports); err != nil {
		t.Error(err)
	}
	if err := p.Err(); err != nil {
		t.Error(err)
	}
	p.Close()
	hosttest.WantMatches(t, p.Err(), []error{net.ErrClosed}, nil)
}

func TestRegisterProfileWithoutAdapter(t *testing.T) {
	f := newProfileTest(t)
	f.adapter.Remove()
	f.register(ProfileOptions{})
}

func TestProfileAccept(t *testing.T) {
	f := newProfileTest(t)
	p, daemons := f.register(ProfileOptions{})
	accepted := hosttest.InBackground(func() *rfcomm.Conn { return f.accept(p) })
	far := f.handed(daemons, 0)
	near := hosttest.Receive(t, accepted)
	far.wantJoined(near)
	if got := near.RemoteAddr().(rfcomm.Addr).Device.String(); got != "02:00:00:00:00:02" {
		t.Errorf("the device is %s", got)
	}
}

func TestProfileAcceptInOrder(t *testing.T) {
	f := newProfileTest(t)
	p, daemons := f.register(ProfileOptions{})
	var fars []*farEnd
	for i := range 5 {
		fars = append(fars, f.handed(daemons, i%2))
	}
	for _, far := range fars {
		far.wantJoined(f.accept(p))
	}
}

func TestProfileConnCloseEndsConnection(t *testing.T) {
	f := newProfileTest(t)
	p, daemons := f.register(ProfileOptions{})
	far := f.handed(daemons, 0)
	if err := f.accept(p).Close(); err != nil {
		t.Error(err)
	}
	far.wantEnd()
}

func TestProfileRefusesWhenQueueIsFull(t *testing.T) {
	f := newProfileTest(t)
	p, daemons := f.register(ProfileOptions{Backlog: 2})
	first, second := f.handed(daemons, 0), f.handed(daemons, 0)
	third, err := f.hand(daemons, 1)
	if err == nil || !strings.Contains(err.Error(), "wait") {
		t.Errorf("the answer is the error %v", err)
	}
	third.wantEnd()
	first.wantJoined(f.accept(p))
	fourth := f.handed(daemons, 1)
	second.wantJoined(f.accept(p))
	fourth.wantJoined(f.accept(p))
}

func TestProfileRefusesOtherSockets(t *testing.T) {
	f := newProfileTest(t)
	_, daemons := f.register(ProfileOptions{})
	hosttest.LeavesNothingBehind(t, func() {
		r, w, err := pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Close(w)
		if err := daemons.NewConnection(t.Context(), f.devices[0].Path(), r, nil); err == nil {
			t.Error("a pipe was accepted")
		}
	})
}

// pipe returns the descriptors of a pipe, which cannot be a connection.
func pipe() (r, w int, err error) {
	var fds [2]int
	err = unix.Pipe2(fds[:], unix.O_CLOEXEC)
	return fds[0], fds[1], err
}

func TestProfileRequestDisconnection(t *testing.T) {
	f := newProfileTest(t)
	p, daemons := f.register(ProfileOptions{})
	acceptedFar := f.handed(daemons, 0)
	accepted := f.accept(p)
	otherFar := f.handed(daemons, 1)
	queuedFar := f.handed(daemons, 0)
	if err := daemons.RequestDisconnection(t.Context(), f.devices[0].Path()); err != nil {
		t.Fatal(err)
	}
	acceptedFar.wantEnd()
	if _, err := accepted.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("Read returned the error %v, want io.EOF", err)
	}
	if err := accepted.Close(); err != nil {
		t.Error(err)
	}
	queuedFar.wantEnd()
	otherFar.wantJoined(f.accept(p))
	if err := daemons.RequestDisconnection(t.Context(), f.devices[0].Path()); err != nil {
		t.Error(err)
	}
}

func TestProfileAnswersReleaseAndCancel(t *testing.T) {
	f := newProfileTest(t)
	p, daemons := f.register(ProfileOptions{})
	for _, method := range []string{"Release", "Cancel"} {
		if _, err := daemons.Call(t.Context(), method); err != nil {
			t.Errorf("%s: %v", method, err)
		}
	}
	f.handed(daemons, 0).wantJoined(f.accept(p))
}

func TestProfileCloseUnregisters(t *testing.T) {
	f := newProfileTest(t)
	p, daemons := f.register(ProfileOptions{})
	far := f.handed(daemons, 0)
	accepted := f.accept(p)
	waiting := hosttest.InBackground(func() error { _, err := p.Accept(); return err })
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	if n := len(f.daemon.Profiles()); n != 0 {
		t.Errorf("bluetoothd has %d profiles", n)
	}
	hosttest.WantMatches(t, hosttest.Receive(t, waiting), []error{net.ErrClosed}, nil)
	far.wantJoined(accepted)
	hosttest.WantMatches(t, p.Close(), []error{net.ErrClosed}, nil)
}

func TestProfileCloseClosesQueue(t *testing.T) {
	f := newProfileTest(t)
	p, daemons := f.register(ProfileOptions{})
	queued := f.handed(daemons, 0)
	p.Close()
	queued.wantEnd()
}

func TestProfileEndsWithClient(t *testing.T) {
	f := newProfileTest(t)
	p, daemons := f.register(ProfileOptions{})
	queued := f.handed(daemons, 0)
	f.client.Close()
	queued.wantEnd()
	_, err := p.Accept()
	hosttest.WantMatches(t, err, []error{net.ErrClosed}, []error{ErrNoBus})
	p.Close()
}

func TestProfileEndsWithBus(t *testing.T) {
	f := newProfileTest(t)
	p, _ := f.register(ProfileOptions{})
	f.daemon.Bus().Close()
	_, err := p.Accept()
	hosttest.WantMatches(t, err, []error{ErrNoBus}, []error{net.ErrClosed})
	if err := p.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	hosttest.WantMatches(t, p.Err(), []error{net.ErrClosed}, nil)
}

func TestProfileDialAfterCloseCallsNothing(t *testing.T) {
	f := newProfileTest(t)
	p, _ := f.register(ProfileOptions{})
	device := f.device(0)
	connects := f.daemon.Hold("org.bluez.Device1.ConnectProfile")
	p.Close()
	_, err := p.Dial(t.Context(), device)
	hosttest.WantMatches(t, err, []error{net.ErrClosed}, nil)
	if connects.Arrived() {
		t.Error("Dial called ConnectProfile")
	}
}

func TestProfileRegistersAgainAfterRestart(t *testing.T) {
	f := newProfileTest(t)
	reports := make(chan error, 10)
	p, _ := f.register(ProfileOptions{Name: "Test", Report: func(err error) { reports <- err }})
	f.daemon.Stop()
	hosttest.WantMatches(t, hosttest.Receive(t, reports), []error{ErrNoDaemon}, nil)
	f.daemon.Start()
	if err := hosttest.Receive(t, reports); err != nil {
		t.Fatal(err)
	}
	all := f.daemon.Profiles()
	if len(all) != 1 || all[0].UUID != vendorUUID.String() || all[0].Option("Name") != "Test" {
		t.Fatalf("bluetoothd has the profiles %v", all)
	}
	f.handed(all[0], 0).wantJoined(f.accept(p))
}

// A registration that succeeds in bluetoothd after the caller has given up must
// not keep the UUID.
func TestRegisterProfileAbandoned(t *testing.T) {
	f := newProfileTest(t)
	hold := f.daemon.HoldReply(profileManager + ".RegisterProfile")
	ctx, cancel := context.WithCancel(t.Context())
	result := hosttest.InBackground(func() error {
		_, err := f.client.RegisterProfile(ctx, ProfileOptions{UUID: vendorUUID})
		return err
	})
	hold.Await(t)
	cancel()
	hosttest.WantMatches(t, hosttest.Receive(t, result), []error{context.Canceled}, nil)
	hold.Release()
	f.wantProfiles(0)
	f.register(ProfileOptions{})
}

func TestProfileLeavesNothingBehind(t *testing.T) {
	f := newProfileTest(t)
	hosttest.LeavesNothingBehind(t, func() {
		t.Run("200 connections", func(t *testing.T) {
			f.t = t
			p, daemons := f.register(ProfileOptions{})
			for i := range 200 {
				far := f.handed(daemons, i%2)
				near := f.accept(p)
				if i%2 == 0 {
					near.Close()
				} else {
					far.Close()
				}
			}
			p.mu.Lock()
			defer p.mu.Unlock()
			if n := len(p.open); n > 1 {
				t.Errorf("the profile holds %d connections that have ended", n)
			}
		})
	})
}

func TestProfileErrorsAreOpErrors(t *testing.T) {
	f := newProfileTest(t)
	p, _ := f.register(ProfileOptions{Channel: 7})
	p.Close()
	_, err := p.Accept()
	var op *net.OpError
	if !errors.As(err, &op) || op.Op != "accept" || op.Net != "rfcomm" || op.Addr != p.Addr() {
		t.Errorf("got the error %#v", err)
	}
}
