package bluez

import (
	"net"
	"sync"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/bluez/internal/fakebus"
	"github.com/go-rfcomm/rfcomm/internal/handover"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
	"github.com/go-rfcomm/rfcomm/sdp"
)

// vendorUUID is a UUID of which bluetoothd knows nothing.
var vendorUUID = sdp.UUID{0x6c, 0x1a, 0x9d, 0x3c, 0xb1, 0x52, 0x4a, 0x6b, 0x9e, 0x10, 0x0d, 0x5a, 0x5a, 0x25, 0x71, 0x09}

// A profileTest is a fake bluetoothd with an adapter and two devices, and a
// Client.
type profileTest struct {
	t       testing.TB
	daemon  *fakebus.BlueZ
	adapter *fakebus.Adapter
	devices [2]*fakebus.Device
	client  *Client
}

func newProfileTest(t testing.TB) *profileTest {
	t.Helper()
	acceptUnixSockets(t)
	f := &profileTest{t: t, daemon: fakebus.NewBlueZ(t)}
	f.adapter = f.daemon.AddAdapter("hci0", "02:00:00:00:00:01", nil)
	for i, address := range []string{"02:00:00:00:00:02", "02:00:00:00:00:03"} {
		f.devices[i] = f.daemon.AddDevice(f.adapter, address, nil)
	}
	client, err := Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	f.client = client
	return f
}

// acceptUnixSockets makes Unix sockets stand in for RFCOMM sockets until the
// end of the test.
func acceptUnixSockets(t testing.TB) {
	real := handover.Conn
	t.Cleanup(func() { handover.Conn = real })
	handover.Conn = func(s handover.Socket) (net.Conn, handover.Held, error) {
		s.Any = true
		return real(s)
	}
}

// register registers a profile and returns it as bluetoothd has it, too.
func (f *profileTest) register(o ProfileOptions) (*Profile, *fakebus.Profile) {
	f.t.Helper()
	if o.UUID == (sdp.UUID{}) {
		o.UUID = vendorUUID
	}
	p, err := f.client.RegisterProfile(f.t.Context(), o)
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { p.Close() })
	all := f.daemon.Profiles()
	if len(all) == 0 {
		f.t.Fatal("bluetoothd has no profile")
	}
	return p, all[len(all)-1]
}

// device returns a device as Dial takes it.
func (f *profileTest) device(i int) *Device {
	f.t.Helper()
	address, err := rfcomm.ParseBDAddr(f.devices[i].Get(deviceInterface, "Address").(string))
	if err != nil {
		f.t.Fatal(err)
	}
	d, err := f.client.Device(f.t.Context(), address)
	if err != nil {
		f.t.Fatal(err)
	}
	return d
}

// A farEnd is the peer of a connection that bluetoothd hands over.
type farEnd struct {
	t testing.TB
	net.Conn
}

// hand hands a connection with a device over, as bluetoothd does, and returns
// the far end and the answer, for which it waits until the test ends. bluetoothd
// keeps a duplicate of the descriptor until then.
func (f *profileTest) hand(p *fakebus.Profile, device int) (far *farEnd, err error) {
	f.t.Helper()
	near, peer := hosttest.UnixPair(f.t)
	kept, err := unix.Dup(near)
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(sync.OnceFunc(func() { unix.Close(kept) }))
	conn, _, err := handover.Conn(handover.Socket{FD: peer})
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { conn.Close() })
	return &farEnd{f.t, conn}, p.NewConnection(f.t.Context(), f.devices[device].Path(), near, nil)
}

// handed is hand for a connection that must be taken.
func (f *profileTest) handed(p *fakebus.Profile, device int) *farEnd {
	f.t.Helper()
	far, err := f.hand(p, device)
	if err != nil {
		f.t.Fatal(err)
	}
	return far
}

// wantEnd checks that the connection has ended.
func (e *farEnd) wantEnd() {
	e.t.Helper()
	e.SetReadDeadline(time.Now().Add(time.Minute))
	if n, err := e.Read(make([]byte, 1)); n != 0 || err == nil || isTimeout(err) {
		e.t.Errorf("the peer read %d bytes, %v; want the end of the connection", n, err)
	}
}

func isTimeout(err error) bool {
	timeout, ok := err.(net.Error)
	return ok && timeout.Timeout()
}

// wantJoined checks that the ends belong to one connection.
func (e *farEnd) wantJoined(near net.Conn) {
	e.t.Helper()
	if _, err := near.Write([]byte("hello")); err != nil {
		e.t.Error(err)
	}
	e.SetReadDeadline(time.Now().Add(time.Minute))
	buf := make([]byte, 10)
	if n, err := e.Read(buf); string(buf[:n]) != "hello" || err != nil {
		e.t.Errorf("the peer read %q, %v", buf[:n], err)
	}
}

// accept returns the next connection of a profile.
func (f *profileTest) accept(p *Profile) *rfcomm.Conn {
	f.t.Helper()
	c, err := p.AcceptRFCOMM()
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { c.Close() })
	return c
}

// serveConnects makes bluetoothd answer calls of ConnectProfile by f.
func (f *profileTest) serveConnects(serve func(c *fakebus.Call)) {
	f.daemon.Handle("org.bluez.Device1.ConnectProfile", serve)
}

// wantProfiles checks the number of profiles that bluetoothd has.
func (f *profileTest) wantProfiles(n int) {
	f.t.Helper()
	hosttest.Eventually(f.t, "the profiles of bluetoothd", func() bool { return len(f.daemon.Profiles()) == n })
}

// variants returns the values of options.
func variants(options map[string]dbus.Variant) map[string]any {
	values := make(map[string]any)
	for name, v := range options {
		values[name] = v.Value()
	}
	return values
}
