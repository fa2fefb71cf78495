package bluez_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/bluez"
	"github.com/go-rfcomm/rfcomm/internal/test/conntest"
	"github.com/go-rfcomm/rfcomm/internal/test/daemons"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
	"github.com/go-rfcomm/rfcomm/rfcommtest"
	"github.com/go-rfcomm/rfcomm/sdp"
)

// profileUUID is the UUID of the profiles, of which bluetoothd knows nothing.
var profileUUID = sdp.UUID{0x6c, 0x1a, 0x9d, 0x3c, 0xb1, 0x52, 0x4a, 0x6b, 0x9e, 0x10, 0x0d, 0x5a, 0x5a, 0x25, 0x71, 0x09}

const profileChannel = 22

// A profileLab is a Client of bluetoothd, with a profile on both controllers: the
// near one dials, the far one accepts.
type profileLab struct {
	*air
	client  *bluez.Client
	profile *bluez.Profile
	device  *bluez.Device // the far controller, as bluetoothd knows it on the near one
}

// newProfileLab registers a profile until the end of the test. Its channel is
// profileChannel.
func newProfileLab(t *testing.T, a *air, o bluez.ProfileOptions) *profileLab {
	t.Helper()
	client, err := bluez.Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	l := &profileLab{air: a, client: client}
	l.register(t, o)
	l.device = l.meet(t, l.client, l.far)
	return l
}

// register registers the profile of l until the end of the test.
func (l *profileLab) register(t *testing.T, o bluez.ProfileOptions) {
	t.Helper()
	o.UUID, o.Channel = profileUUID, profileChannel
	o.SkipAuthorization = true // there is no agent
	l.profile = registerProfile(t, l.client, o)
}

// registerProfile registers a profile until the end of the test.
func registerProfile(t *testing.T, client *bluez.Client, o bluez.ProfileOptions) *bluez.Profile {
	t.Helper()
	p, err := client.RegisterProfile(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

// connect dials by bluetoothd, and returns both ends. They are closed at the
// end of the test.
func (l *profileLab) connect(t *testing.T) (dialed, accepted *rfcomm.Conn) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	dialed, err := l.profile.Dial(ctx, l.device)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dialed.Close() })
	return dialed, l.accept(t)
}

// accept returns the next connection of the profile.
func (l *profileLab) accept(t *testing.T) *rfcomm.Conn {
	t.Helper()
	accepted, err := l.profile.AcceptRFCOMM()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { accepted.Close() })
	return accepted
}

// dialDirectly connects to the profile without bluetoothd.
func (l *profileLab) dialDirectly(t *testing.T) *rfcomm.Conn {
	t.Helper()
	return conntest.Dial(t, l.near.Addr(), rfcomm.Addr{Device: l.far.Addr(), Channel: profileChannel})
}

func TestProfile(t *testing.T) {
	forEachBlueZ(t, func(t *testing.T, a *air) {
		reports := make(chan error, 10)
		l := newProfileLab(t, a, bluez.ProfileOptions{
			Name: `Tom & "Jerry" <3`, Backlog: 1, Report: func(err error) { reports <- err },
		})
		t.Run("Accept", l.testAccept)
		t.Run("Dial", l.testDial)
		t.Run("1 MiB each way", l.testMegabytes)
		t.Run("Close ends the connection", l.testClose)
		t.Run("Dial while connected", l.testDialWhileConnected)
		t.Run("disconnect the profile", l.testDisconnectProfile)
		t.Run("disconnect the device", l.testDisconnectDevice)
		t.Run("full queue", l.testFullQueue)
		t.Run("name", l.testName)
		t.Run("leaves nothing behind", l.testLeavesNothingBehind)
		t.Run("channel in use", l.testChannelInUse)
		t.Run("without an agent", l.testWithoutAgent)
		t.Run("with an agent", l.testWithAgent)
		t.Run("SecurityMedium", l.testSecurityMedium)
		t.Run("user nobody", l.testNobody)
		t.Run("restart of bluetoothd", func(t *testing.T) { l.testRestart(t, reports) })
	})
}

func (l *profileLab) testAccept(t *testing.T) {
	dialed := l.dialDirectly(t)
	accepted := l.accept(t)
	if accepted.RemoteAddr() != dialed.LocalAddr() || accepted.LocalAddr() != dialed.RemoteAddr() {
		t.Errorf("the addresses are %v and %v, those of the peer %v and %v",
			accepted.LocalAddr(), accepted.RemoteAddr(), dialed.LocalAddr(), dialed.RemoteAddr())
	}
	conntest.Send(t, dialed, "hello")
	conntest.Receive(t, accepted, "hello")
	conntest.Send(t, accepted, "and back")
	conntest.Receive(t, dialed, "and back")
	dialed.Close()
	conntest.ReceiveEOF(t, accepted)
}

// profileRounds returns how often a test repeats something: less often with -short.
func profileRounds(long, short int) int {
	if testing.Short() {
		return short
	}
	return long
}

func (l *profileLab) testDial(t *testing.T) {
	want := rfcomm.Addr{Device: l.far.Addr(), Channel: profileChannel}
	for i := range profileRounds(20, 5) {
		dialed, accepted := l.connect(t)
		if dialed.RemoteAddr() != want {
			t.Errorf("the peer is %v, want %v", dialed.RemoteAddr(), want)
		}
		conntest.Send(t, dialed, fmt.Sprint("round ", i))
		conntest.Receive(t, accepted, fmt.Sprint("round ", i))
		// The ends close in turn, and the next dial follows at once.
		first, second := dialed, accepted
		if i%2 == 0 {
			first, second = second, first
		}
		first.Close()
		conntest.ReceiveEOF(t, second)
		second.Close()
	}
}

func (l *profileLab) testMegabytes(t *testing.T) {
	dialed, accepted := l.connect(t)
	there, back := transfer(dialed, accepted), transfer(accepted, dialed)
	for _, way := range []<-chan error{there, back} {
		if err := hosttest.Receive(t, way); err != nil {
			t.Error(err)
		}
	}
}

// transfer sends 1 MiB, less with -short, and checks what arrives.
func transfer(from, to *rfcomm.Conn) <-chan error {
	data := make([]byte, profileRounds(1<<20, 1<<17))
	rand.Read(data)
	written := hosttest.InBackground(func() error { _, err := from.Write(data); return err })
	return hosttest.InBackground(func() error {
		got := make([]byte, len(data))
		_, err := io.ReadFull(to, got)
		if err == nil && !bytes.Equal(got, data) {
			err = errors.New("the data differs")
		}
		return errors.Join(err, <-written)
	})
}

func (l *profileLab) testClose(t *testing.T) {
	for name, first := range map[string]func(dialed, accepted *rfcomm.Conn) (first, second *rfcomm.Conn){
		"dialed":   func(dialed, accepted *rfcomm.Conn) (*rfcomm.Conn, *rfcomm.Conn) { return dialed, accepted },
		"accepted": func(dialed, accepted *rfcomm.Conn) (*rfcomm.Conn, *rfcomm.Conn) { return accepted, dialed },
	} {
		t.Run(name, func(t *testing.T) {
			closed, other := first(l.connect(t))
			conntest.Send(t, closed, "goodbye")
			if err := closed.Close(); err != nil {
				t.Error(err)
			}
			conntest.Receive(t, other, "goodbye")
			conntest.ReceiveEOF(t, other)
		})
	}
}

func (l *profileLab) testDialWhileConnected(t *testing.T) {
	dialed, accepted := l.connect(t)
	_, err := l.profile.Dial(t.Context(), l.device)
	hosttest.WantMatches(t, err, []error{bluez.ErrConnected}, nil)
	_, err = conntest.DialContext(t.Context(), l.near.Addr(), dialed.RemoteAddr())
	hosttest.WantMatches(t, err, []error{syscall.EBUSY}, nil)
	if !strings.Contains(err.Error(), "this process has a connection") {
		t.Errorf("the error %q does not say who has the connection", err)
	}
	conntest.Send(t, dialed, "still here")
	conntest.Receive(t, accepted, "still here")
}

// callDevice calls a method of the far controller's device.
func (l *profileLab) callDevice(t *testing.T, method string, arguments ...string) {
	t.Helper()
	object := fmt.Sprintf("/org/bluez/%s/dev_%s", l.device.Adapter().Name(), strings.ReplaceAll(l.far.Addr().String(), ":", "_"))
	_, err := daemons.SystemBus(t).Call("org.bluez", object, "org.bluez.Device1."+method, arguments...)
	if err != nil {
		t.Error(err)
	}
}

func (l *profileLab) testDisconnectProfile(t *testing.T) {
	dialed, accepted := l.connect(t)
	l.callDevice(t, "DisconnectProfile", "string:"+profileUUID.String())
	conntest.ReceiveEOF(t, dialed)
	conntest.ReceiveEOF(t, accepted)
}

func (l *profileLab) testDisconnectDevice(t *testing.T) {
	dialed, accepted := l.connect(t)
	if err := l.device.Disconnect(t.Context()); err != nil {
		t.Error(err)
	}
	conntest.ReceiveEOF(t, dialed)
	conntest.ReceiveEOF(t, accepted)
}

// testFullQueue fills the queue with a connection in one direction, and dials in
// the other one.
func (l *profileLab) testFullQueue(t *testing.T) {
	first := l.dialDirectly(t)
	conntest.Send(t, first, "hello")
	back := conntest.Dial(t, l.far.Addr(), rfcomm.Addr{Device: l.near.Addr(), Channel: profileChannel})
	conntest.ReceiveEOF(t, back)
	conntest.Receive(t, l.accept(t), "hello")
}

// testName searches for the service as a peer does.
func (l *profileLab) testName(t *testing.T) {
	dialer := sdp.Dialer{RFCOMM: rfcomm.Dialer{LocalAddr: rfcomm.Addr{Device: l.near.Addr()}}}
	records, err := dialer.Search(t.Context(), l.far.Addr(), profileUUID)
	if err != nil || len(records) != 1 {
		t.Fatalf("%d records, %v", len(records), err)
	}
	if got := records[0].Name(); got != `Tom & "Jerry" <3` {
		t.Errorf("the name is %q", got)
	}
	if got, ok := records[0].Channel(); got != profileChannel || !ok {
		t.Errorf("the channel is %d", got)
	}
}

func (l *profileLab) testLeavesNothingBehind(t *testing.T) {
	before := l.daemonFiles(t)
	hosttest.LeavesNothingBehind(t, func() {
		for i := range profileRounds(200, 20) {
			dialed, err := conntest.DialContext(t.Context(), l.near.Addr(), rfcomm.Addr{Device: l.far.Addr(), Channel: profileChannel})
			if err != nil {
				t.Fatal(err)
			}
			accepted, err := l.profile.AcceptRFCOMM()
			if err != nil {
				t.Fatal(err)
			}
			first, second := dialed, accepted
			if i%2 == 0 {
				first, second = second, first
			}
			first.Close()
			conntest.ReceiveEOF(t, second)
			second.Close()
		}
	})
	hosttest.Eventually(t, "bluetoothd has closed its duplicates", func() bool { return l.daemonFiles(t) <= before })
}

// daemonFiles returns the number of descriptors that bluetoothd has open.
func (l *profileLab) daemonFiles(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", l.bluetoothd.PID()))
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

// otherUUID is the UUID of profiles with other options, on another channel.
var otherUUID = sdp.UUID{0x6c, 0x1a, 0x9d, 0x3c, 0xb1, 0x52, 0x4a, 0x6b, 0x9e, 0x10, 0x0d, 0x5a, 0x5a, 0x25, 0x71, 0x0a}

const otherChannel = 23

func (l *profileLab) testChannelInUse(t *testing.T) {
	taken := conntest.ListenAt(t, rfcomm.Addr{Device: l.far.Addr(), Channel: otherChannel})
	_, err := l.client.RegisterProfile(t.Context(), bluez.ProfileOptions{UUID: otherUUID, Channel: otherChannel})
	hosttest.WantMatches(t, err, []error{bluez.ErrNotPublished}, nil)
	if says := l.far.Name(); !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), l.near.Name()) {
		t.Errorf("the error is %q; want that it names %s alone", err, says)
	}
	taken.Close()
	registerProfile(t, l.client, bluez.ProfileOptions{UUID: otherUUID, Channel: otherChannel})
}

// bluetoothd asks the agent about devices that are not trusted. There is none.
func (l *profileLab) testWithoutAgent(t *testing.T) {
	registerProfile(t, l.client, bluez.ProfileOptions{UUID: otherUUID, Channel: otherChannel})
	l.wantRefused(t)
}

// dialOther connects to the channel otherChannel.
func (l *profileLab) dialOther(t *testing.T) (*rfcomm.Conn, error) {
	t.Helper()
	return conntest.DialContext(t.Context(), l.near.Addr(), rfcomm.Addr{Device: l.far.Addr(), Channel: otherChannel})
}

func (l *profileLab) wantRefused(t *testing.T) {
	t.Helper()
	c, err := l.dialOther(t)
	if err == nil {
		c.Close()
	}
	hosttest.WantMatches(t, err, []error{syscall.ECONNREFUSED}, nil)
}

// A doorman decides which devices may connect to profiles. All may pair.
type doorman struct {
	bluez.RejectAll
	answers chan error
	asked   chan string
}

func (d *doorman) AuthorizePairing(context.Context, *bluez.Device) error { return nil }

func (d *doorman) AuthorizeService(ctx context.Context, device *bluez.Device, service sdp.UUID) error {
	d.asked <- fmt.Sprint(device.Address(), " ", service)
	select {
	case answer := <-d.answers:
		return answer
	case <-ctx.Done():
		return ctx.Err()
	}
}

// forgetPairing removes the controllers from each other's devices. Without an
// agent, they have paired and have not stored the key. bluetoothd refuses to
// pair them again without a question while an agent exists (JustWorksRepairing in
// main.conf).
func (l *profileLab) forgetPairing(t *testing.T) {
	t.Helper()
	for _, ends := range [][2]*rfcommtest.Controller{{l.near, l.far}, {l.far, l.near}} {
		device, err := adapterOf(t, l.client, ends[0]).Device(t.Context(), ends[1].Addr())
		if err == nil {
			err = device.Remove(t.Context())
		}
		if err != nil && !errors.Is(err, bluez.ErrGone) {
			t.Fatal(err)
		}
	}
	l.device = l.meet(t, l.client, l.far)
}

func (l *profileLab) testWithAgent(t *testing.T) {
	agent := &doorman{answers: make(chan error, 1), asked: make(chan string, 1)}
	registration, err := l.client.RegisterAgent(t.Context(), agent, bluez.AgentOptions{Capability: bluez.NoInputNoOutput, Default: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { registration.Close() })
	l.forgetPairing(t)
	p := registerProfile(t, l.client, bluez.ProfileOptions{UUID: otherUUID, Channel: otherChannel})
	wantAsked := func() {
		if got, want := hosttest.Receive(t, agent.asked), fmt.Sprint(l.near.Addr(), " ", otherUUID); got != want {
			t.Errorf("the agent was asked about %q, want %q", got, want)
		}
	}
	wantAccepted := func() {
		dialed, err := l.dialOther(t)
		if err != nil {
			t.Fatal(err)
		}
		defer dialed.Close()
		accepted, err := p.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer accepted.Close()
		conntest.Send(t, dialed, "hello")
		conntest.Receive(t, accepted, "hello")
	}
	agent.answers <- errors.New("no")
	l.wantRefused(t)
	wantAsked()
	agent.answers <- nil
	wantAccepted()
	wantAsked()
	adapter := adapterOf(t, l.client, l.far)
	device, err := adapter.Device(t.Context(), l.near.Addr())
	if err != nil {
		t.Fatal(err)
	}
	if err := device.SetTrusted(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	wantAccepted() // without a question, for which there is no answer
}

// testSecurityMedium does not dial by bluetoothd, which may have read the
// device's services before this one was registered.
func (l *profileLab) testSecurityMedium(t *testing.T) {
	p := registerProfile(t, l.client, bluez.ProfileOptions{
		UUID: otherUUID, Channel: otherChannel, Security: rfcomm.SecurityMedium, SkipAuthorization: true,
	})
	dialed, err := l.dialOther(t)
	if err != nil {
		t.Fatal(err)
	}
	defer dialed.Close()
	accepted, err := p.AcceptRFCOMM()
	if err != nil {
		t.Fatal(err)
	}
	defer accepted.Close()
	for _, c := range []*rfcomm.Conn{dialed, accepted} {
		if security, err := c.Security(); security < rfcomm.SecurityMedium || err != nil {
			t.Errorf("the link has %v, %v", security, err)
		}
	}
}

func init() {
	programs["profile"] = func(ctx context.Context, _ []string) error {
		client, err := bluez.Connect(ctx)
		if err != nil {
			return err
		}
		defer client.Close()
		p, err := client.RegisterProfile(ctx, bluez.ProfileOptions{UUID: otherUUID, Channel: otherChannel, SkipAuthorization: true})
		if err != nil {
			return err
		}
		fmt.Println("registered")
		c, err := p.AcceptRFCOMM()
		if err != nil {
			return err
		}
		if _, err := io.WriteString(c, "hello"); err != nil {
			return err
		}
		<-ctx.Done()
		return c.Close()
	}
}

// testNobody also checks that the end of a process ends its connections.
func (l *profileLab) testNobody(t *testing.T) {
	for name, end := range map[string]func(p *process){
		"closes": func(p *process) {
			if complaints := p.end(); complaints != "" {
				t.Error(complaints)
			}
		},
		"killed": func(p *process) { p.command.Process.Kill() },
	} {
		t.Run(name, func(t *testing.T) {
			p := startAsNobody(t, "profile")
			p.wantLine("registered")
			c := conntest.Dial(t, l.near.Addr(), rfcomm.Addr{Device: l.far.Addr(), Channel: otherChannel})
			conntest.Receive(t, c, "hello")
			end(p)
			conntest.ReceiveEOF(t, c)
			p.end()
		})
	}
}

func (l *profileLab) testRestart(t *testing.T, reports <-chan error) {
	l.bluetoothd.Kill()
	hosttest.WantMatches(t, hosttest.Receive(t, reports), []error{bluez.ErrNoDaemon}, nil)
	l.bluetoothd.Restart()
	if err := hosttest.Receive(t, reports); err != nil {
		t.Fatal(err)
	}
	l.device = l.meet(t, l.client, l.far)
	dialed, accepted := l.connect(t)
	conntest.Send(t, dialed, "hello")
	conntest.Receive(t, accepted, "hello")
}
