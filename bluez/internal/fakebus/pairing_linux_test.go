package fakebus

import (
	"context"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

// agent is an Agent1 with fixed answers.
type agent struct {
	pin      string
	passkey  uint32
	err      *dbus.Error
	block    chan bool // questions wait for it
	asked    chan string
	canceled chan bool
}

func newAgent(t testing.TB, c *client, capability string) *agent {
	t.Helper()
	a := &agent{asked: make(chan string, 10), canceled: make(chan bool, 10)}
	if err := c.Export(a, "/agent", agentInterface); err != nil {
		t.Fatal(err)
	}
	if _, err := c.call(bluezPath, agentManager+".RegisterAgent", dbus.ObjectPath("/agent"), capability); err != "" {
		t.Fatal(err)
	}
	return a
}

func (a *agent) answer(question string) *dbus.Error {
	a.asked <- question
	if a.block != nil {
		<-a.block
	}
	return a.err
}

func (a *agent) RequestPinCode(dbus.ObjectPath) (string, *dbus.Error) { return a.pin, a.answer("PIN") }
func (a *agent) RequestPasskey(dbus.ObjectPath) (uint32, *dbus.Error) {
	return a.passkey, a.answer("passkey")
}
func (a *agent) RequestConfirmation(dbus.ObjectPath, uint32) *dbus.Error {
	return a.answer("confirmation")
}
func (a *agent) RequestAuthorization(dbus.ObjectPath) *dbus.Error { return a.answer("authorization") }
func (a *agent) AuthorizeService(_ dbus.ObjectPath, uuid string) *dbus.Error {
	return a.answer("service " + uuid)
}
func (a *agent) DisplayPasskey(dbus.ObjectPath, uint32, uint16) *dbus.Error {
	return a.answer("shown")
}
func (a *agent) Cancel() *dbus.Error {
	a.canceled <- true
	return nil
}

// newDevice returns a bluetoothd with an adapter and a device.
func newDevice(t testing.TB) (*BlueZ, *Device) {
	t.Helper()
	z := NewBlueZ(t)
	return z, z.AddDevice(z.AddAdapter("hci0", "00:00:00:00:00:01", nil), "00:00:00:00:00:02", nil)
}

func TestPairAsksAgent(t *testing.T) {
	hosttest.CheckLeaksAtEnd(t)
	z, d := newDevice(t)
	failed := "org.bluez.Error.AuthenticationFailed: Authentication Failed"
	rejected := newError("org.bluez.Error.Rejected", "")
	for name, tt := range map[string]struct {
		pair  PairFunc
		agent agent
		want  string
	}{
		"just works":   {JustWorks, agent{}, ""},
		"comparison":   {Compare(1), agent{}, ""},
		"other number": {Compare(1), agent{err: rejected}, failed},
		"PIN":          {PIN("0000"), agent{pin: "0000"}, ""},
		"wrong PIN":    {PIN("0000"), agent{pin: "1234"}, failed},
		"long PIN":     {PIN("0000"), agent{pin: "12345678901234567"}, failed},
		"passkey":      {Passkey(7), agent{passkey: 7}, ""},
		"wrong key":    {Passkey(7), agent{passkey: 8}, failed},
	} {
		t.Run(name, func(t *testing.T) {
			c := connect(t)
			a := newAgent(t, c, "")
			a.pin, a.passkey, a.err = tt.agent.pin, tt.agent.passkey, tt.agent.err
			d.OnPair(tt.pair)
			_, err := c.call(d.Path(), deviceInterface+".Pair")
			want(t, "Pair", err, tt.want)
			if d.Is("Paired") != (tt.want == "") || d.Is("Bonded") != (tt.want == "") {
				t.Errorf("Paired %v, Bonded %v", d.Is("Paired"), d.Is("Bonded"))
			}
			d.Set(deviceInterface, map[string]any{"Paired": false, "Bonded": false})
			c.Close()
			hosttest.Eventually(t, "no agent", func() bool { return len(z.Agents()) == 0 })
		})
	}
}

func TestPairWithoutPairableIsNotKept(t *testing.T) {
	hosttest.CheckLeaksAtEnd(t)
	_, d := newDevice(t)
	c := connect(t)
	_, err := c.call(d.Path(), deviceInterface+".Pair")
	want(t, "Pair", err, "")
	if !d.Is("Paired") || d.Is("Bonded") {
		t.Errorf("Paired %v, Bonded %v", d.Is("Paired"), d.Is("Bonded"))
	}
}

func TestCancelPairing(t *testing.T) {
	hosttest.CheckLeaksAtEnd(t)
	_, d := newDevice(t)
	c := connect(t)
	a := newAgent(t, c, "")
	a.block = make(chan bool)
	d.OnPair(Compare(1))
	call := c.Object(bluezName, d.Path()).Go(deviceInterface+".Pair", 0, nil)
	hosttest.Receive(t, a.asked)
	_, err := c.call(d.Path(), deviceInterface+".Pair")
	want(t, "second Pair", err, "org.bluez.Error.InProgress: In Progress")
	_, err = c.call(d.Path(), deviceInterface+".CancelPairing")
	want(t, "CancelPairing", err, "")
	want(t, "Pair", describe(hosttest.Receive(t, call.Done).Err), "org.bluez.Error.AuthenticationCanceled: Authentication Canceled")
	hosttest.Receive(t, a.canceled)
	close(a.block)

	// Without a pairing, the call removes the bond.
	d.Set(deviceInterface, map[string]any{"Paired": true, "Bonded": true})
	_, err = c.call(d.Path(), deviceInterface+".Pair")
	want(t, "Pair of a bonded device", err, "org.bluez.Error.AlreadyExists: Already Exists")
	_, err = c.call(d.Path(), deviceInterface+".CancelPairing")
	want(t, "CancelPairing", err, "org.bluez.Error.DoesNotExist: Does Not Exist")
	if d.Is("Bonded") {
		t.Error("the bond is kept")
	}
}

func TestPairEndsWithConnection(t *testing.T) {
	hosttest.CheckLeaksAtEnd(t)
	_, d := newDevice(t)
	canceled := make(chan bool, 1)
	d.OnPair(func(ctx context.Context, p *Pairing) Status {
		status := NoAnswer(ctx, p)
		canceled <- true
		return status
	})
	c := connect(t)
	c.Object(bluezName, d.Path()).Go(deviceInterface+".Pair", 0, nil)
	hosttest.Eventually(t, "pairing", d.Pairing)
	c.Close()
	hosttest.Receive(t, canceled)
	hosttest.Eventually(t, "the end of the pairing", func() bool { return !d.Pairing() && !d.Is("Connected") })
}

func TestPairSucceedsBeforeConnectionEnds(t *testing.T) {
	hosttest.CheckLeaksAtEnd(t)
	z, d := newDevice(t)
	keep := connect(t)
	newAgent(t, keep, "") // makes the adapter pairable
	hosttest.Eventually(t, "Pairable", func() bool { return d.adapter.Get(adapterInterface, "Pairable") == true })
	c := connect(t)
	h := z.HoldReply(deviceInterface + ".Pair")
	c.Object(bluezName, d.Path()).Go(deviceInterface+".Pair", 0, nil)
	h.Await(t)
	c.Close()
	h.Release()
	hosttest.Eventually(t, "one client", func() bool { return len(z.Bus().Clients()) == 1 })
	if !d.Is("Bonded") {
		t.Error("the end of the connection removed the bond")
	}
}

func TestAskTimesOut(t *testing.T) {
	hosttest.CheckLeaksAtEnd(t)
	z, d := newDevice(t)
	z.SetAgentTimeout(time.Millisecond)
	c := connect(t)
	a := newAgent(t, c, "")
	a.block = make(chan bool)
	defer close(a.block)
	d.OnPair(Compare(1))
	_, err := c.call(d.Path(), deviceInterface+".Pair")
	want(t, "Pair", err, "org.bluez.Error.AuthenticationFailed: Authentication Failed")
	hosttest.Receive(t, a.canceled)
}

func TestAgentsFirstIsDefault(t *testing.T) {
	hosttest.CheckLeaksAtEnd(t)
	z, d := newDevice(t)
	first, second := connect(t), connect(t)
	newAgent(t, first, "DisplayYesNo")
	b := newAgent(t, second, "")
	owner := func() string { return z.Agents()[0].Owner }
	if owner() != first.Names()[0] || z.Agents()[1].Capability != "KeyboardDisplay" {
		t.Errorf("default agent of %s", owner())
	}
	_, err := second.call(bluezPath, agentManager+".RegisterAgent", dbus.ObjectPath("/other"), "")
	want(t, "second agent", err, "org.bluez.Error.AlreadyExists: Already Exists")
	_, err = second.call(bluezPath, agentManager+".RequestDefaultAgent", dbus.ObjectPath("/other"))
	want(t, "unknown agent", err, "org.bluez.Error.DoesNotExist: Does Not Exist")
	_, err = second.call(bluezPath, agentManager+".RequestDefaultAgent", dbus.ObjectPath("/agent"))
	want(t, "RequestDefaultAgent", err, "")
	if status := d.PairFrom(context.Background(), func(ctx context.Context, p *Pairing) Status {
		return p.outcome(ctx, p.RequestAuthorization(ctx))
	}); status != Success {
		t.Errorf("pairing: %s", status)
	}
	if got := hosttest.Receive(t, b.asked); got != "authorization" {
		t.Errorf("asked for %s", got)
	}
	register(t, first, "/p", serialPort, nil)
	if err := d.Authorize(context.Background(), z.Profiles()[0]); err != nil || hosttest.Receive(t, b.asked) != "service "+serialPort {
		t.Errorf("Authorize: %v", err)
	}
	second.Close()
	hosttest.Eventually(t, "another default agent", func() bool { return len(z.Agents()) == 1 && owner() == first.Names()[0] })
	first.Close()
	hosttest.Eventually(t, "no longer pairable", func() bool { return d.adapter.Get(adapterInterface, "Pairable") == false })
	if err := d.Authorize(context.Background(), &Profile{z: z}); err != errNoAgent {
		t.Errorf("Authorize without an agent: %v", err)
	}
}
