package bluez

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/bluez/internal/fakebus"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
	"github.com/go-rfcomm/rfcomm/sdp"
)

// A machine is a fake bluetoothd with an adapter and a device, and a Client with
// handles of them.
type machine struct {
	z       *fakebus.BlueZ
	hci0    *fakebus.Adapter
	phone   *fakebus.Device
	client  *Client
	adapter *Adapter
	device  *Device
}

func newMachine(t testing.TB) *machine {
	t.Helper()
	m := &machine{z: fakebus.NewBlueZ(t)}
	m.hci0 = m.z.AddAdapter("hci0", "00:AA:01:00:00:42", nil)
	m.phone = m.z.AddDevice(m.hci0, "00:AA:02:00:00:01", map[string]any{"Trusted": true, "Connected": true})
	var err error
	if m.client, err = Connect(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.client.Close() })
	if m.adapter, err = m.client.Adapter(t.Context(), rfcomm.BDAddr{}); err != nil {
		t.Fatal(err)
	}
	if m.device, err = m.adapter.Device(t.Context(), addressIn(m.phone.Path())); err != nil {
		t.Fatal(err)
	}
	return m
}

// operations are methods of the package with the calls of bluetoothd in which the
// test interrupts them.
var operations = map[string]struct {
	call string
	own  bool // uses a Client of its own, which Close of the Client does not end
	do   func(context.Context, *machine) error
}{
	"Client.Adapters": {objectManager + ".GetManagedObjects", false, func(ctx context.Context, m *machine) error {
		_, err := m.client.Adapters(ctx)
		return err
	}},
	"Client.RegisterProfile": {profileManager + ".RegisterProfile", false, func(ctx context.Context, m *machine) error {
		_, err := m.client.RegisterProfile(ctx, ProfileOptions{UUID: vendorUUID})
		return err
	}},
	"Client.RegisterAgent": {agentManager + ".RegisterAgent", false, func(ctx context.Context, m *machine) error {
		_, err := m.client.RegisterAgent(ctx, RejectAll{}, AgentOptions{Capability: DisplayYesNo, Default: true})
		return err
	}},
	"Client.RegisterAgent, default": {agentManager + ".RequestDefaultAgent", false, func(ctx context.Context, m *machine) error {
		_, err := m.client.RegisterAgent(ctx, RejectAll{}, AgentOptions{Capability: DisplayYesNo, Default: true})
		return err
	}},
	"Adapter.SetAlias": {properties + ".Set", false, func(ctx context.Context, m *machine) error {
		return m.adapter.SetAlias(ctx, "x")
	}},
	"Adapter.Discover": {adapterInterface + ".StartDiscovery", false, func(ctx context.Context, m *machine) error {
		for _, err := range m.adapter.Discover(ctx, nil) {
			return err
		}
		return errors.New("no result")
	}},
	"Adapter.Discover, filter": {adapterInterface + ".SetDiscoveryFilter", false, func(ctx context.Context, m *machine) error {
		for _, err := range m.adapter.Discover(ctx, nil) {
			return err
		}
		return errors.New("no result")
	}},
	"Device.Changes": {objectManager + ".GetManagedObjects", false, func(ctx context.Context, m *machine) error {
		for _, err := range m.device.Changes(ctx) {
			return err
		}
		return errors.New("no result")
	}},
	"Device.SetBlocked": {properties + ".Set", false, func(ctx context.Context, m *machine) error {
		return m.device.SetBlocked(ctx, true)
	}},
	"Device.Disconnect": {deviceInterface + ".Disconnect", false, func(ctx context.Context, m *machine) error {
		return m.device.Disconnect(ctx)
	}},
	"Device.Remove": {adapterInterface + ".RemoveDevice", false, func(ctx context.Context, m *machine) error {
		return m.device.Remove(ctx)
	}},
	"Device.Pair": {deviceInterface + ".Pair", false, func(ctx context.Context, m *machine) error {
		return m.device.Pair(ctx, RejectAll{}, DisplayYesNo)
	}},
	"Device.Pair, agent": {agentManager + ".RegisterAgent", false, func(ctx context.Context, m *machine) error {
		return m.device.Pair(ctx, RejectAll{}, DisplayYesNo)
	}},
	"Publish": {profileManager + ".RegisterProfile", true, func(ctx context.Context, m *machine) error {
		p, err := Publish(ctx, sdp.NewSerialPort("x", 5), nil)
		if err == nil {
			p.Close()
		}
		return err
	}},
	"Publish, check": {objectManager + ".GetManagedObjects", true, func(ctx context.Context, m *machine) error {
		p, err := Publish(ctx, sdp.NewSerialPort("x", 5), nil)
		if err == nil {
			p.Close()
		}
		return err
	}},
}

// interruptions end operations while bluetoothd handles a call.
var interruptions = map[string]struct {
	interrupt     func(m *machine, cancel context.CancelFunc)
	match, others []error
}{
	"bluetoothd ends": {
		func(m *machine, _ context.CancelFunc) { m.z.Stop() },
		[]error{ErrNoDaemon}, []error{ErrNoBus, ErrGone, net.ErrClosed},
	},
	"bluetoothd restarts": {
		func(m *machine, _ context.CancelFunc) { m.z.Restart() },
		[]error{ErrNoDaemon}, []error{ErrNoBus, ErrGone, net.ErrClosed},
	},
	"the bus ends": {
		func(m *machine, _ context.CancelFunc) { m.z.Bus().Close() },
		[]error{ErrNoBus}, []error{net.ErrClosed},
	},
	"the bus disconnects": {
		func(m *machine, _ context.CancelFunc) {
			for _, name := range m.z.Bus().Clients() {
				m.z.Bus().Disconnect(name)
			}
		},
		[]error{ErrNoBus}, []error{ErrNoDaemon, net.ErrClosed},
	},
	"the context ends": {
		func(_ *machine, cancel context.CancelFunc) { cancel() },
		[]error{context.Canceled}, []error{ErrNoDaemon, ErrNoBus, net.ErrClosed},
	},
	"the Client is closed": {
		func(m *machine, _ context.CancelFunc) { m.client.Close() },
		[]error{net.ErrClosed}, []error{ErrNoDaemon, ErrNoBus},
	},
}

// Whatever ends an operation while bluetoothd handles its call, the operation
// returns, with the error of the cause in one line, and leaves nothing behind.
func TestOperationsEndWithTheirCause(t *testing.T) {
	for operation, o := range operations {
		for interruption, i := range interruptions {
			if o.own && interruption == "the Client is closed" {
				continue
			}
			t.Run(operation+"/"+interruption, func(t *testing.T) {
				hosttest.CheckLeaksAtEnd(t)
				m := newMachine(t)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				hold := m.z.Hold(o.call)
				ended := hosttest.InBackground(func() error { return o.do(ctx, m) })
				hold.Await(t)
				i.interrupt(m, cancel)
				err := hosttest.Receive(t, ended)
				hosttest.WantMatches(t, err, i.match, i.others)
				if err != nil && strings.Contains(err.Error(), "\n") {
					t.Errorf("several lines: %v", err)
				}
				hold.Release()
			})
		}
	}
}

// Close of a Client ends its pairings, although they have connections of their own,
// and returns when no method of an agent runs any more.
func TestClientCloseEndsPair(t *testing.T) {
	hosttest.CheckLeaksAtEnd(t)
	m := newMachine(t)
	m.phone.OnPair(fakebus.Compare(1))
	asked, returned := make(chan bool), false
	agent := &clerk{wait: func(ctx context.Context) {
		close(asked)
		<-ctx.Done()
		returned = true
	}}
	paired := hosttest.InBackground(func() error { return m.device.Pair(t.Context(), agent, DisplayYesNo) })
	hosttest.Receive(t, asked)
	m.client.Close()
	if !returned {
		t.Error("Close returned before the agent did")
	}
	hosttest.WantMatches(t, hosttest.Receive(t, paired), []error{net.ErrClosed}, []error{ErrNoBus, context.Canceled})
	hosttest.Eventually(t, "the end in bluetoothd", func() bool { return !m.phone.Pairing() })
}

// loops are the iterators of the package. They call first after the first value.
var loops = map[string]func(ctx context.Context, m *machine, first func()) error{
	"Adapter.Discover": func(ctx context.Context, m *machine, first func()) error {
		m.hci0.InRange("00:AA:02:00:00:09", map[string]any{"Name": "x"})
		for _, err := range m.adapter.Discover(ctx, &DiscoverOptions{Duration: -1}) {
			if err != nil {
				return err
			}
			first()
		}
		return nil
	},
	"Device.Changes": func(ctx context.Context, m *machine, first func()) error {
		for _, err := range m.device.Changes(ctx) {
			if err != nil {
				return err
			}
			first()
		}
		return nil
	},
}

func TestLoopsEndWithTheirCause(t *testing.T) {
	for loop, run := range loops {
		for interruption, i := range interruptions {
			t.Run(loop+"/"+interruption, func(t *testing.T) {
				hosttest.CheckLeaksAtEnd(t)
				m := newMachine(t)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				began := make(chan bool, 10)
				ended := hosttest.InBackground(func() error { return run(ctx, m, func() { offer(began, true) }) })
				hosttest.Receive(t, began)
				i.interrupt(m, cancel)
				hosttest.WantMatches(t, hosttest.Receive(t, ended), i.match, i.others)
			})
		}
	}
}
