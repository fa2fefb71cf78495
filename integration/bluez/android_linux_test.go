package bluez_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/bluez"
	"github.com/go-rfcomm/rfcomm/internal/test/android"
	"github.com/go-rfcomm/rfcomm/internal/test/conntest"
	"github.com/go-rfcomm/rfcomm/internal/test/daemons"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
	"github.com/go-rfcomm/rfcomm/rfcommtest"
	"github.com/go-rfcomm/rfcomm/sdp"
)

// appService is the service of an app of one's own.
var appService = sdp.UUID{0x8f, 0x4d, 0x1e, 0x60, 0x5b, 0x2a, 0x4c, 0x17, 0x9a, 0x3e, 0x21, 0x0c, 0x77, 0xd4, 0x0b, 0x02}

// listenFor publishes a service until the end of the test.
func listenFor(t *testing.T, o bluez.ListenOptions) *bluez.Listener {
	t.Helper()
	l, err := bluez.Listen(t.Context(), &o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// dialAs dials a service of far as a phone does, and limits the time.
func (a *air) dialAs(t *testing.T, p android.Phone, service sdp.UUID) (*rfcomm.Conn, error) {
	t.Helper()
	p.Adapter = a.near.Addr()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	return p.Dial(ctx, a.far.Addr(), service)
}

// wantDialed checks that a phone connects to a listener, in both directions.
func (a *air) wantDialed(t *testing.T, p android.Phone, service sdp.UUID, l *bluez.Listener) {
	t.Helper()
	dialed, err := a.dialAs(t, p, service)
	if err != nil {
		t.Errorf("%+v: %v", p, err)
		return
	}
	defer dialed.Close()
	accepted, err := l.AcceptRFCOMM()
	if err != nil {
		t.Fatal(err)
	}
	defer accepted.Close()
	conntest.Send(t, dialed, "ping")
	conntest.Receive(t, accepted, "ping")
	conntest.Send(t, accepted, "pong")
	conntest.Receive(t, dialed, "pong")
}

// bondAtFar returns what bluetoothd says of near at the adapter of far.
func (a *air) bondAtFar(t *testing.T, c *bluez.Client) (paired, bonded bool) {
	t.Helper()
	d, err := adapterOf(t, c, a.far).Device(t.Context(), a.near.Addr())
	if err != nil {
		t.Fatal(err)
	}
	p, err := d.Properties(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return p.Paired, p.Bonded
}

// phones is the number of controllers that dial. Each pairs once at most, so that
// no bond has to be removed.
const phones = 7

// with returns an air whose near controller is a phone.
func (a *air) with(phone int) *air {
	other := *a
	if phone > 0 {
		other.near = a.Controllers()[phone+1] // the second one is far
	}
	return &other
}

// One bluetoothd serves all parts, since each start takes seconds.
func TestListenServesAndroid(t *testing.T) {
	for _, version := range daemons.Versions() {
		t.Run(version.Name, func(t *testing.T) {
			a := newAir(t, rfcommtest.Config{Controllers: phones + 1}, daemons.Options{BlueZ: version})
			c := connect(t)
			last := a.with(phones - 1)
			t.Run("found", func(t *testing.T) { last.androidFinds(t, c) })
			t.Run("unpaired", func(t *testing.T) { a.androidUnpaired(t, c) })
			t.Run("paired", func(t *testing.T) { last.androidPaired(t, c) })
		})
	}
}

// androidFinds checks that phones find a listener by its UUID, without pairing.
func (a *air) androidFinds(t *testing.T, c *bluez.Client) {
	listeners := map[sdp.UUID]*bluez.Listener{
		appService:     listenFor(t, bluez.ListenOptions{Service: appService, Name: "App"}),
		sdp.SerialPort: listenFor(t, bluez.ListenOptions{Name: "First"}),
	}
	listenFor(t, bluez.ListenOptions{Name: "Second"}) // phones dial the first
	a.meet(t, c, a.far)
	for service := range listeners {
		for _, wide := range []bool{false, true} {
			p := android.Phone{Adapter: a.near.Addr(), Wide: wide}
			records, err := p.Search(t.Context(), a.far.Addr(), service)
			if err != nil || len(records) == 0 {
				t.Errorf("wide %v: a search for %v finds %v, %v", wide, service, records, err)
			}
		}
	}
	if paired, _ := a.bondAtFar(t, c); paired {
		t.Error("the searches have paired the devices")
	}
	if _, err := a.dialAs(t, android.Phone{}, sdp.ObjectPush); err != android.ErrFailed {
		t.Errorf("a dial of an absent service returns %v, want %v", err, android.ErrFailed)
	}
	for service, l := range listeners {
		for _, wide := range []bool{false, true} {
			a.wantDialed(t, android.Phone{Wide: wide}, service, l)
		}
	}
}

// An access describes whether a phone that is not paired gets to a listener, and
// the questions to the default agent of the machine.
type access struct {
	name       string
	long       bool             // left out by -test.short
	security   rfcomm.Security  // of the listener
	capability bluez.Capability // of the default agent; if empty, there is none
	refuses    bool             // the agent does
	secure     bool             // the app requires it

	enters    bool
	bonded    bool
	questions string
}

// accesses are in order: the kernel keeps the capability of an agent that has left
// (adapter_set_io_capability in src/adapter.c). They include no phone that is
// secure and an agent with a display: in the lab, the agent is that of the phone
// as well.
var accesses = []access{
	{name: "no agent", security: rfcomm.SecurityMedium, enters: true, questions: "[]"},
	{name: "no agent, secure", security: rfcomm.SecurityMedium, secure: true, questions: "[]"},
	{name: "no display", long: true, security: rfcomm.SecurityMedium, capability: bluez.NoInputNoOutput, enters: true, questions: "[]"},
	{name: "no display, secure", security: rfcomm.SecurityMedium, capability: bluez.NoInputNoOutput, secure: true, enters: true, bonded: true, questions: "[]"},
	{name: "no display, high", security: rfcomm.SecurityHigh, capability: bluez.NoInputNoOutput, questions: "[]"},
	{name: "display", security: rfcomm.SecurityMedium, capability: bluez.DisplayYesNo, enters: true, questions: "[pair?]"},
	{name: "display, refused", long: true, security: rfcomm.SecurityMedium, capability: bluez.DisplayYesNo, refuses: true, questions: "[pair?]"},
	{name: "display, high", long: true, security: rfcomm.SecurityHigh, capability: bluez.DisplayYesNo, enters: true, bonded: true, questions: "[pair? same?]"},
	{name: "agent with a display has left", long: true, security: rfcomm.SecurityMedium, questions: "[]"},
}

// androidUnpaired checks accesses.
func (a *air) androidUnpaired(t *testing.T, c *bluez.Client) {
	services := map[rfcomm.Security]sdp.UUID{rfcomm.SecurityMedium: sdp.SerialPort, rfcomm.SecurityHigh: appService}
	for security, service := range services {
		l := listenFor(t, bluez.ListenOptions{Security: security, Service: service})
		go func() {
			for {
				conn, err := l.AcceptRFCOMM()
				if err != nil {
					return
				}
				conn.Write([]byte("welcome"))
				conn.Close()
			}
		}()
	}
	for i, tt := range accesses {
		if tt.long && testing.Short() {
			continue
		}
		phone := a.with(i % (phones - 1)) // the last three have phones without a bond
		t.Run(tt.name, func(t *testing.T) { tt.check(t, phone, c, services[tt.security]) })
	}
}

// wantNoLink waits until near has no link, and thus no key of a former one.
func (a *air) wantNoLink(t *testing.T, c *bluez.Client) {
	t.Helper()
	hosttest.Eventually(t, "the end of the link", func() bool {
		d, err := adapterOf(t, c, a.far).Device(t.Context(), a.near.Addr())
		if err != nil {
			return errors.Is(err, bluez.ErrGone)
		}
		p, err := d.Properties(t.Context())
		return err == nil && !p.Connected || errors.Is(err, bluez.ErrGone)
	})
}

// check dials as the phone, and checks the result.
func (tt access) check(t *testing.T, a *air, c *bluez.Client, service sdp.UUID) {
	agent := &person{agrees: !tt.refuses}
	if tt.capability != "" {
		defer userAgent(t, agent, tt.capability).Close()
	}
	a.wantNoLink(t, c)
	if err := a.far.SetScan(rfcommtest.PageScan); err != nil {
		t.Fatal(err)
	}
	if err := adapterOf(t, c, a.near).SetPairable(t.Context(), true); err != nil { // as a phone is
		t.Fatal(err)
	}
	conn, err := a.dialAs(t, android.Phone{Secure: tt.secure}, service)
	t.Log(err)
	if (err == nil) != tt.enters {
		t.Errorf("the phone gets the error %v, want a connection: %v", err, tt.enters)
	}
	if err == nil {
		conntest.Receive(t, conn, "welcome")
		conn.Close()
	}
	// A dial that was refused may have been repeated, and so the question.
	if got := strings.Replace(agent.takeQuestions(), "pair? pair?", "pair?", 1); got != tt.questions {
		t.Errorf("the agent was asked %s, want %s", got, tt.questions)
	}
	if tt.bonded { // bluetoothd stores the key while the phone connects
		hosttest.Eventually(t, "a bond", func() bool { _, bonded := a.bondAtFar(t, c); return bonded })
	} else if _, bonded := a.bondAtFar(t, c); bonded {
		t.Error("the phone has made a bond")
	}
}

// androidPaired checks that a phone that is paired gets to a listener without a
// question.
func (a *air) androidPaired(t *testing.T, c *bluez.Client) {
	agent := userAgent(t, &person{}, bluez.NoInputNoOutput)
	a.wantNoLink(t, c)
	if err := a.meet(t, c, a.far).Pair(t.Context(), &person{agrees: true}, bluez.DisplayYesNo); err != nil {
		t.Fatal(err)
	}
	agent.Close() // later connections need none
	l := listenFor(t, bluez.ListenOptions{Security: rfcomm.SecurityMedium})
	for _, secure := range []bool{true, false} {
		a.Link(a.near, a.far).Disconnect(rfcommtest.RemoteUserTerminated)
		a.wantDialed(t, android.Phone{Secure: secure}, sdp.SerialPort, l)
		if _, bonded := a.bondAtFar(t, c); !bonded {
			t.Error("the bond is lost")
		}
	}
}
