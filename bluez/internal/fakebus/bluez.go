package fakebus

import (
	"context"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
)

// Names of BlueZ on the bus.
const (
	bluezName        = "org.bluez"
	bluezPath        = dbus.ObjectPath("/org/bluez")
	objectManager    = "org.freedesktop.DBus.ObjectManager"
	properties       = "org.freedesktop.DBus.Properties"
	introspectable   = "org.freedesktop.DBus.Introspectable"
	adapterInterface = "org.bluez.Adapter1"
	deviceInterface  = "org.bluez.Device1"
	profileManager   = "org.bluez.ProfileManager1"
	profileInterface = "org.bluez.Profile1"
	agentManager     = "org.bluez.AgentManager1"
	agentInterface   = "org.bluez.Agent1"
	errorArgs        = "org.freedesktop.DBus.Error.InvalidArgs"
)

// A BlueZ is a scripted bluetoothd. Its methods are safe for concurrent use. A test
// scripts single calls (Fail, Hold, HoldReply, Handle), changes objects (AddAdapter,
// AddDevice, Object.Set), restarts it (Stop, Start), calls clients (Profile, Agent)
// and reads what clients did (Calls, Profiles, Agents).
//
// The lock of the bus guards all fields.
type BlueZ struct {
	bus *Bus

	peer     *peer           // nil: bluetoothd does not run
	ctx      context.Context // of the process
	kill     context.CancelFunc
	serial   uint32
	waiting  map[uint32]chan *Message // for replies to bluetoothd's calls
	objects  map[dbus.ObjectPath]*Object
	profiles []*Profile
	agents   []*Agent // in the order of default_agents: the first is the default
	scripts  []*script
	calls    []*Message

	agentTimeout time.Duration
}

// NewBlueZ starts a system bus (see New) with a bluetoothd that has no adapters.
func NewBlueZ(t testing.TB) *BlueZ {
	t.Helper()
	z := New(t).NewBlueZ()
	z.Start()
	return z
}

// NewBlueZ returns a bluetoothd that has not started yet.
func (b *Bus) NewBlueZ() *BlueZ {
	z := &BlueZ{bus: b, ctx: b.ctx, objects: make(map[dbus.ObjectPath]*Object), agentTimeout: time.Minute}
	b.mu.Lock()
	defer b.mu.Unlock()
	z.export(bluezPath, map[string]map[string]any{agentManager: {}, profileManager: {}})
	return z
}

// Bus returns the bus that z is a client of.
func (z *BlueZ) Bus() *Bus { return z.bus }

// Start starts bluetoothd: it connects to the bus with a new unique name, owns
// org.bluez and then announces its adapters and devices. These are the ones of the
// time before, without temporary devices, which were neither paired nor used; registrations and
// discoveries are gone.
func (z *BlueZ) Start() {
	b := z.bus
	b.mu.Lock()
	defer b.mu.Unlock()
	if z.peer != nil || b.closed {
		return
	}
	p := newPeer(nil)
	b.join(p)
	z.peer, b.owners[bluezName] = p, p
	z.ctx, z.kill = context.WithCancel(b.ctx)
	p.rules = []rule{{"sender": busName, "member": "NameOwnerChanged"}}
	z.waiting = make(map[uint32]chan *Message)
	b.ownerChanged(bluezName, "", p.name)
	for _, path := range slices.Sorted(maps.Keys(z.objects)) {
		if path != bluezPath {
			z.objects[path].announce()
		}
	}
	b.working.Go(func() { z.run(p) })
}

// Stop ends bluetoothd as SIGKILL does: clients learn of it from the bus alone.
func (z *BlueZ) Stop() {
	z.bus.mu.Lock()
	defer z.bus.mu.Unlock()
	z.stop()
}

// Exit ends bluetoothd as SIGTERM does: it releases profiles and agents, and removes
// its objects (main in src/main.c). Devices that are not temporary are back after
// Start.
func (z *BlueZ) Exit() {
	z.bus.mu.Lock()
	defer z.bus.mu.Unlock()
	if z.peer == nil {
		return
	}
	for _, p := range z.profiles {
		z.tell(p.Owner, p.Path, profileInterface, "Release")
	}
	for _, a := range z.agents {
		a.tell("Release")
	}
	objects := maps.Clone(z.objects)
	for _, a := range z.adapters() {
		a.remove()
	}
	z.stop()
	maps.Copy(z.objects, objects)
	z.reset()
}

func (z *BlueZ) stop() {
	if z.peer == nil {
		return
	}
	z.bus.disconnect(z.peer)
	z.peer = nil
	z.kill()
	for _, w := range z.waiting {
		close(w)
	}
	z.waiting, z.profiles, z.agents = nil, nil, nil
	for _, s := range z.scripts {
		s.release()
	}
	z.scripts = nil
	z.reset()
}

// reset gives objects the state that a new bluetoothd finds in the kernel and on the
// disk.
func (z *BlueZ) reset() {
	for path, o := range z.objects {
		o.end(Cancelled)
		switch {
		case o.device != nil && o.device.temporary:
			delete(z.objects, path)
		case o.device != nil:
			o.change(deviceInterface, map[string]any{"RSSI": nil, "TxPower": nil})
		case o.adapter != nil:
			o.change(adapterInterface, map[string]any{"Discovering": false, "Discoverable": false, "Pairable": false, "UUIDs": o.adapter.uuids()})
		}
	}
}

// adapters returns the adapters, sorted by their paths.
func (z *BlueZ) adapters() []*Adapter {
	var adapters []*Adapter
	for _, path := range slices.Sorted(maps.Keys(z.objects)) {
		if a := z.objects[path].adapter; a != nil {
			adapters = append(adapters, a)
		}
	}
	return adapters
}

// Restart is Stop and Start.
func (z *BlueZ) Restart() {
	z.Stop()
	z.Start()
}

// Calls returns the calls that clients made of a method such as
// "org.bluez.Device1.Pair", in their order. The empty method stands for all.
func (z *BlueZ) Calls(method string) []*Message {
	z.bus.mu.Lock()
	defer z.bus.mu.Unlock()
	var calls []*Message
	for _, m := range z.calls {
		if method == "" || m.Method() == method {
			calls = append(calls, m)
		}
	}
	return calls
}

// Emit sends a signal of bluetoothd with any content.
func (z *BlueZ) Emit(path dbus.ObjectPath, iface, member string, body ...any) {
	z.bus.mu.Lock()
	defer z.bus.mu.Unlock()
	z.send(signal(path, iface, member, body...))
}

// run handles the messages of bluetoothd, one after the other.
func (z *BlueZ) run(p *peer) {
	for m := p.next(); m != nil; m = p.next() {
		z.bus.mu.Lock()
		switch {
		case z.peer != p:
			m.closeFiles()
		case m.Type == dbus.TypeMethodCall:
			z.receive(m)
		case m.Type == dbus.TypeSignal:
			if name, to := m.Body[0].(string), m.Body[2].(string); to == "" {
				z.clientLeft(name)
			}
		default:
			z.answered(m)
		}
		z.bus.mu.Unlock()
	}
}

// answered passes a reply to the call that waits for it.
func (z *BlueZ) answered(m *Message) {
	serial, _ := m.Headers[dbus.FieldReplySerial].Value().(uint32)
	if w, ok := z.waiting[serial]; ok {
		delete(z.waiting, serial)
		w <- m
		return
	}
	m.closeFiles()
}

// clientLeft ends what belongs to a client whose connection has closed
// (g_dbus_add_disconnect_watch in src/profile.c and src/agent.c).
func (z *BlueZ) clientLeft(name string) {
	for _, p := range slices.Clone(z.profiles) {
		if p.Owner == name {
			z.removeProfile(p)
		}
	}
	for _, a := range slices.Clone(z.agents) {
		if a.Owner == name {
			z.removeAgent(a)
		}
	}
	for _, o := range z.objects {
		if o.adapter != nil {
			o.adapter.endDiscovery(name)
			delete(o.adapter.filters, name)
		}
		if o.device != nil {
			o.device.requesterLeft(name)
		}
	}
}

// send sends a message of bluetoothd. The caller holds the lock.
func (z *BlueZ) send(m *Message) {
	if z.peer == nil {
		m.closeFiles()
		return
	}
	z.serial++
	m.serial = z.serial
	z.bus.route(z.peer, m)
}
