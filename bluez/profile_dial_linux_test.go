package bluez

import (
	"context"
	"net"
	"strings"
	"testing"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/bluez/internal/fakebus"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
	"github.com/go-rfcomm/rfcomm/sdp"
)

// dialing makes bluetoothd answer ConnectProfile by a connection, like the real
// one: the reply to the call follows the answer to NewConnection. The channel
// receives the far ends of the connections.
func (f *profileTest) dialing(daemons *fakebus.Profile) <-chan *farEnd {
	return f.dialingAfter(daemons, func() {})
}

// dialingAfter is dialing that calls a function before it connects.
func (f *profileTest) dialingAfter(daemons *fakebus.Profile, before func()) <-chan *farEnd {
	fars := make(chan *farEnd, 10)
	f.serveConnects(func(c *fakebus.Call) {
		before()
		far, err := f.hand(daemons, f.index(c))
		fars <- far // before the reply, after which the next call can come
		if err != nil {
			c.Fail("org.bluez.Error.Failed", "br-connection-refused")
		} else {
			c.Reply()
		}
	})
	return fars
}

// index returns the number of the device of a call.
func (f *profileTest) index(c *fakebus.Call) int {
	if c.Path() == f.devices[0].Path() {
		return 0
	}
	return 1
}

func TestProfileDial(t *testing.T) {
	f := newProfileTest(t)
	p, daemons := f.register(ProfileOptions{})
	fars := f.dialing(daemons)
	for i := range 2 {
		conn, err := p.Dial(t.Context(), f.device(i))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		hosttest.Receive(t, fars).wantJoined(conn)
	}
	calls := f.daemon.Calls(deviceInterface + ".ConnectProfile")
	if got := calls[0].Body[0]; got != vendorUUID.String() {
		t.Errorf("ConnectProfile was called with the UUID %v", got)
	}
}

func TestProfileDialLeavesOthersToAccept(t *testing.T) {
	f := newProfileTest(t)
	p, daemons := f.register(ProfileOptions{})
	incoming := make(chan *farEnd, 2)
	f.serveConnects(func(c *fakebus.Call) {
		incoming <- f.handed(daemons, 1)
		far := f.handed(daemons, 0)
		incoming <- f.handed(daemons, 0)
		c.Reply()
		incoming <- far
	})
	conn, err := p.Dial(t.Context(), f.device(0))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for range 2 {
		hosttest.Receive(t, incoming).wantJoined(f.accept(p))
	}
	hosttest.Receive(t, incoming).wantJoined(conn)
}

func TestProfileDialWhileConnected(t *testing.T) {
	f := newProfileTest(t)
	p, daemons := f.register(ProfileOptions{})
	far := f.handed(daemons, 0)
	accepted := f.accept(p)
	f.serveConnects(func(c *fakebus.Call) { c.Reply() })
	_, err := p.Dial(t.Context(), f.device(0))
	hosttest.WantMatches(t, err, []error{ErrConnected}, nil)
	far.wantJoined(accepted)
}

// bluetoothd may see a moment later than this process that a connection was
// closed. The device is then still connected for it.
func TestProfileDialAfterClose(t *testing.T) {
	f := newProfileTest(t)
	p, daemons := f.register(ProfileOptions{})
	f.handed(daemons, 0)
	f.accept(p).Close()
	first := true
	f.serveConnects(func(c *fakebus.Call) {
		if !first {
			f.hand(daemons, 0)
		}
		first = false
		c.Reply()
	})
	conn, err := p.Dial(t.Context(), f.device(0))
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
}

func TestProfileDialErrors(t *testing.T) {
	f := newProfileTest(t)
	p, _ := f.register(ProfileOptions{})
	f.daemon.Fail(deviceInterface+".ConnectProfile", "org.bluez.Error.Failed", "br-connection-page-timeout")
	_, err := p.Dial(t.Context(), f.device(0))
	hosttest.WantMatches(t, err, []error{ErrUnreachable}, nil)
	for _, says := range []string{"bluez: dial the profile " + vendorUUID.String() + " of 02:00:00:00:00:02: ", "br-connection-page-timeout"} {
		if !strings.Contains(err.Error(), says) {
			t.Errorf("the error %q does not say %q", err, says)
		}
	}

	device := f.device(0)
	f.devices[0].Remove()
	_, err = p.Dial(t.Context(), device)
	hosttest.WantMatches(t, err, []error{ErrGone}, nil)

	server, _ := f.register(ProfileOptions{UUID: sdp.UUID16(0x1101), Role: RoleServer})
	if _, err := server.Dial(t.Context(), f.device(1)); err == nil {
		t.Error("a server dials")
	}
}

func TestProfileDialRetriesWhileBusy(t *testing.T) {
	f := newProfileTest(t)
	p, daemons := f.register(ProfileOptions{})
	f.daemon.Fail(deviceInterface+".ConnectProfile", "org.bluez.Error.InProgress", "br-connection-busy")
	fars := f.dialing(daemons)
	conn, err := p.Dial(t.Context(), f.device(0))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	hosttest.Receive(t, fars).wantJoined(conn)
}

func TestProfileDialCancelled(t *testing.T) {
	f := newProfileTest(t)
	p, daemons := f.register(ProfileOptions{})
	called, release := make(chan bool, 2), make(chan bool)
	fars := f.dialingAfter(daemons, func() {
		called <- true
		<-release
	})
	ctx, cancel := context.WithCancel(t.Context())
	first := hosttest.InBackground(func() error { _, err := p.Dial(ctx, f.device(0)); return err })
	hosttest.Receive(t, called)
	cancel()
	hosttest.WantMatches(t, hosttest.Receive(t, first), []error{context.Canceled}, nil)

	// The next Dial waits for the end of the first call.
	device := f.device(0)
	second := hosttest.InBackground(func() *rfcomm.Conn {
		conn, err := p.Dial(t.Context(), device)
		if err != nil {
			t.Error(err)
		}
		return conn
	})
	hosttest.AwaitSelecting(t, "(*Profile).reserve")
	close(release)
	hosttest.Receive(t, fars).wantEnd()
	conn := hosttest.Receive(t, second)
	if conn == nil {
		t.FailNow()
	}
	defer conn.Close()
	hosttest.Receive(t, fars).wantJoined(conn)
}

func TestProfileCloseEndsDial(t *testing.T) {
	for name, end := range map[string]func(p *Profile, c *Client){
		"Profile": func(p *Profile, _ *Client) { p.Close() },
		"Client":  func(_ *Profile, c *Client) { c.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			f := newProfileTest(t)
			p, _ := f.register(ProfileOptions{})
			hold := f.daemon.Hold(deviceInterface + ".ConnectProfile")
			device := f.device(0)
			dial := hosttest.InBackground(func() error { _, err := p.Dial(t.Context(), device); return err })
			hold.Await(t)
			end(p, f.client)
			hosttest.WantMatches(t, hosttest.Receive(t, dial), []error{net.ErrClosed}, nil)
			hold.Release()
		})
	}
}

func TestProfileDialWhenBluetoothdEnds(t *testing.T) {
	f := newProfileTest(t)
	p, _ := f.register(ProfileOptions{})
	hold := f.daemon.Hold(deviceInterface + ".ConnectProfile")
	device := f.device(0)
	dial := hosttest.InBackground(func() error { _, err := p.Dial(t.Context(), device); return err })
	hold.Await(t)
	f.daemon.Stop()
	hosttest.WantMatches(t, hosttest.Receive(t, dial), []error{ErrNoDaemon}, nil)
}
