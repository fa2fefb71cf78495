package bluez

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/godbus/dbus/v5"

	"github.com/go-rfcomm/rfcomm/bluez/internal/fakebus"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
	"github.com/go-rfcomm/rfcomm/sdp"
)

const (
	clientAdapter        = "/org/bluez/hci0"
	clientAdapterAddress = "00:AA:01:00:00:42"
)

// connectClient connects to the bus of the test, until its end.
func connectClient(t testing.TB) *Client {
	t.Helper()
	c, err := Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// clientOfBlueZ returns a bluetoothd with one adapter, and a Client.
func clientOfBlueZ(t testing.TB) (*Client, *fakebus.BlueZ, *fakebus.Adapter) {
	t.Helper()
	z := fakebus.NewBlueZ(t)
	adapter := z.AddAdapter("hci0", clientAdapterAddress, nil)
	return connectClient(t), z, adapter
}

// anotherProgram connects another program to the bus of the test.
func anotherProgram(t testing.TB) *dbus.Conn {
	t.Helper()
	conn, err := dbus.ConnectSystemBus()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// clientName returns the unique name of the only Client.
func clientName(t testing.TB, z *fakebus.BlueZ) string {
	t.Helper()
	names := z.Bus().Clients()
	if len(names) != 1 {
		t.Fatalf("the clients of the bus: %v, want one", names)
	}
	return names[0]
}

func TestConnectIsPrivate(t *testing.T) {
	hosttest.CheckLeaksAtEnd(t)
	z := fakebus.NewBlueZ(t)
	a, b := connectClient(t), connectClient(t)
	if names := z.Bus().Clients(); len(names) != 2 {
		t.Fatalf("two Clients are the connections %v", names)
	}
	a.Close()
	hosttest.Eventually(t, "one client less", func() bool { return len(z.Bus().Clients()) == 1 })
	if _, err := b.objects(t.Context()); err != nil {
		t.Errorf("a call of the other Client: %v", err)
	}
}

func TestConnectContextDoesNotLimitClient(t *testing.T) {
	hosttest.CheckLeaksAtEnd(t)
	fakebus.NewBlueZ(t)
	ctx, cancel := context.WithCancel(t.Context())
	c, err := Connect(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	cancel()
	for range 10 {
		if _, err := c.objects(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestConnectWithoutBluetoothd(t *testing.T) {
	hosttest.CheckLeaksAtEnd(t)
	z := fakebus.New(t).NewBlueZ()
	c := connectClient(t)
	_, err := c.call(t.Context(), clientAdapter, startDiscovery)
	wantLine(t, err, "bluez: StartDiscovery hci0: bluetoothd is not running: ")
	hosttest.WantMatches(t, err, []error{ErrNoDaemon}, []error{ErrNoBus})

	changes := make(chan event, 10)
	defer c.watch(func(e event) { changes <- e })()
	z.Start()
	if e := hosttest.Receive(t, changes); e.kind != daemonStarted {
		t.Fatalf("event %+v", e)
	}
	if _, err := c.objects(t.Context()); err != nil {
		t.Errorf("a call after bluetoothd has started: %v", err)
	}
}

func TestCallConvertsErrors(t *testing.T) {
	hosttest.CheckLeaksAtEnd(t)
	c, z, _ := clientOfBlueZ(t)
	z.Fail(startDiscovery, "org.bluez.Error.NotReady", "Resource Not Ready")
	_, err := c.call(t.Context(), clientAdapter, startDiscovery)
	wantLine(t, err, "bluez: StartDiscovery hci0: the adapter is off: ")
	hosttest.WantMatches(t, err, []error{ErrPowerOff}, []error{ErrBlocked})

	_, err = c.get(t.Context(), clientAdapter, "org.bluez.Adapter1", "Nonsense")
	wantLine(t, err, "bluez: get Nonsense of hci0: not supported ")
	err = c.set(t.Context(), "/org/bluez/hci7", "org.bluez.Adapter1", "Powered", true)
	wantLine(t, err, "bluez: set Powered of hci7: the object does not exist ")
}

func TestCallRefusesOddReplies(t *testing.T) {
	hosttest.CheckLeaksAtEnd(t)
	c, z, _ := clientOfBlueZ(t)
	const line = "bluetoothd replied with values of unexpected types"
	z.Handle(properties+".Get", func(c *fakebus.Call) { c.Reply("not a variant") })
	_, err := c.get(t.Context(), clientAdapter, "org.bluez.Adapter1", "Alias")
	wantLine(t, err, "bluez: get Alias of hci0: "+line[:20])
	for _, body := range [][]any{nil, {"text"}, {map[string]dbus.Variant{}}} {
		z.Restart()
		awaitRestart(t, c)
		z.Handle(objectManager+".GetManagedObjects", func(c *fakebus.Call) { c.Reply(body...) })
		_, err := c.objects(t.Context())
		wantLine(t, err, "bluez: list the objects of bluetoothd: "+line[:20])
	}
}

func TestCallDeniedByThePolicy(t *testing.T) {
	hosttest.CheckLeaksAtEnd(t)
	c, z, _ := clientOfBlueZ(t)
	z.Bus().Refuse(fakebus.AccessDenied)
	_, err := c.objects(t.Context())
	wantLine(t, err, "bluez: list the objects of bluetoothd: denied: permit this user ")
	hosttest.WantMatches(t, err, []error{ErrDenied}, []error{ErrNoBus, ErrNoDaemon})
}

func TestGetAndSetProperties(t *testing.T) {
	hosttest.CheckLeaksAtEnd(t)
	c, _, adapter := clientOfBlueZ(t)
	if err := c.set(t.Context(), clientAdapter, "org.bluez.Adapter1", "Alias", "Thermometer"); err != nil {
		t.Fatal(err)
	}
	if got := adapter.Get("org.bluez.Adapter1", "Alias"); got != "Thermometer" {
		t.Errorf("the alias is %v", got)
	}
	got, err := c.get(t.Context(), clientAdapter, "org.bluez.Adapter1", "Alias")
	if err != nil || got.Value() != "Thermometer" {
		t.Errorf("got the alias %v, %v", got, err)
	}
}

// startDiscovery is the method with which these tests make calls.
const startDiscovery = adapterInterface + ".StartDiscovery"

// heldDiscovery calls StartDiscovery, and returns when the fake bluetoothd holds
// the call. The channel receives the error of the call.
func heldDiscovery(t *testing.T, c *Client, z *fakebus.BlueZ) <-chan error {
	t.Helper()
	hold := z.Hold(startDiscovery)
	result := hosttest.InBackground(func() error {
		_, err := c.call(t.Context(), clientAdapter, startDiscovery)
		return err
	})
	hold.Await(t)
	return result
}

func TestCallEndsWithBluetoothd(t *testing.T) {
	hosttest.CheckLeaksAtEnd(t)
	c, z, _ := clientOfBlueZ(t)
	result := heldDiscovery(t, c, z)
	z.Stop()
	err := hosttest.Receive(t, result)
	wantLine(t, err, "bluez: StartDiscovery hci0: bluetoothd ended before it answered: ")
	hosttest.WantMatches(t, err, []error{ErrNoDaemon}, []error{ErrNoBus})
}

// A call that was meant for a bluetoothd must not reach the next one.
func TestCallStaysWithOneBluetoothd(t *testing.T) {
	hosttest.CheckLeaksAtEnd(t)
	c, z, _ := clientOfBlueZ(t)
	ctx := withOwner(t.Context(), c.events.currentOwner())
	if _, err := c.call(ctx, clientAdapter, startDiscovery); err != nil {
		t.Fatal(err)
	}
	z.Restart()
	_, err := c.call(ctx, clientAdapter, "org.bluez.Adapter1.StopDiscovery")
	hosttest.WantMatches(t, err, []error{ErrNoDaemon}, nil)
	if calls := z.Calls("org.bluez.Adapter1.StopDiscovery"); len(calls) != 0 {
		t.Error("the next bluetoothd received the call")
	}
}

func TestCallEndsWithContext(t *testing.T) {
	hosttest.CheckLeaksAtEnd(t)
	c, z, _ := clientOfBlueZ(t)
	hold := z.Hold(startDiscovery)
	ctx, cancel := context.WithCancel(t.Context())
	result := hosttest.InBackground(func() error {
		_, err := c.call(ctx, clientAdapter, startDiscovery)
		return err
	})
	hold.Await(t)
	cancel()
	hosttest.WantMatches(t, hosttest.Receive(t, result), []error{context.Canceled}, []error{ErrNoDaemon})
	hold.Release() // the late reply is dropped
	if _, err := c.objects(t.Context()); err != nil {
		t.Error(err)
	}
	_, err := c.call(ctx, clientAdapter, "org.bluez.Adapter1.StopDiscovery")
	hosttest.WantMatches(t, err, []error{context.Canceled}, nil)
	if len(z.Calls("org.bluez.Adapter1.StopDiscovery")) != 0 {
		t.Error("a call with a context that is done was sent")
	}
}

func TestCloseEndsCalls(t *testing.T) {
	hosttest.CheckLeaksAtEnd(t)
	c, z, _ := clientOfBlueZ(t)
	result := heldDiscovery(t, c, z)
	c.Close()
	err := hosttest.Receive(t, result)
	wantLine(t, err, "bluez: StartDiscovery hci0: the Client is close")
	hosttest.WantMatches(t, err, []error{net.ErrClosed}, []error{ErrNoBus, ErrNoDaemon})
	_, err = c.call(t.Context(), clientAdapter, startDiscovery)
	hosttest.WantMatches(t, err, []error{net.ErrClosed}, []error{ErrNoBus})
	if err := c.Close(); err != nil {
		t.Errorf("the second Close: %v", err)
	}
}

func TestBusThatEnds(t *testing.T) {
	hosttest.CheckLeaksAtEnd(t)
	c, z, _ := clientOfBlueZ(t)
	events := make(chan event, 10)
	defer c.watch(func(e event) { events <- e })()
	result := heldDiscovery(t, c, z)
	z.Bus().Disconnect(clientName(t, z))
	err := hosttest.Receive(t, result)
	wantLine(t, err, "bluez: StartDiscovery hci0: the system bus has closed the connection: ")
	hosttest.WantMatches(t, err, []error{ErrNoBus}, []error{net.ErrClosed, ErrNoDaemon})
	if e := hosttest.Receive(t, events); e.kind != busGone || c.running() {
		t.Errorf("event %+v, running %t", e, c.running())
	}
	_, err = c.call(t.Context(), clientAdapter, startDiscovery)
	hosttest.WantMatches(t, err, []error{ErrNoBus}, nil)
}

// stuckBus plays a bus that accepts a Client, and then stops reading. Passing is
// its answer whether it passes descriptors.
func stuckBus(t *testing.T, passing string) (stuck <-chan struct{}) {
	t.Helper()
	reached := make(chan struct{})
	closed := make(chan struct{})
	scriptBus(t, func(b *scriptedBus) {
		b.answer("AUTH", "REJECTED EXTERNAL")
		b.answer("AUTH EXTERNAL", "OK 0123")
		b.answer("NEGOTIATE_UNIX_FD", passing)
		b.answer("BEGIN", "")
		for _, reply := range []any{":1.5", nil, nil, ":1.4"} { // Hello, AddMatch twice, GetNameOwner
			b.reply(reply)
		}
		close(reached)
		<-closed
	})
	t.Cleanup(func() { close(closed) })
	return reached
}

// reply reads a call and answers it.
func (b *scriptedBus) reply(value any) {
	call, err := dbus.DecodeMessage(b.in)
	if err != nil {
		b.t.Error(err)
		return
	}
	reply := &dbus.Message{Type: dbus.TypeMethodReply, Headers: map[dbus.HeaderField]dbus.Variant{
		dbus.FieldReplySerial: dbus.MakeVariant(call.Serial()),
		dbus.FieldSender:      dbus.MakeVariant(busName),
	}}
	if value != nil {
		reply.Body = []any{value}
		reply.Headers[dbus.FieldSignature] = dbus.MakeVariant(dbus.SignatureOf(value))
	}
	var encoded bytes.Buffer
	if err := reply.EncodeTo(&encoded, binary.LittleEndian); err != nil {
		b.t.Error(err)
	}
	b.conn.Write(encoded.Bytes())
}

func TestCallWhileBusIsStuck(t *testing.T) {
	hosttest.CheckLeaksAtEnd(t)
	stuck := stuckBus(t, "AGREE_UNIX_FD")
	c := connectClient(t)
	hosttest.Receive(t, stuck)
	text := strings.Repeat("x", 1<<20) // more than the buffers of the socket
	ctx, cancel := context.WithCancel(t.Context())
	first := hosttest.InBackground(func() error {
		_, err := c.call(ctx, clientAdapter, "org.bluez.Adapter1.First", text)
		return err
	})
	hosttest.AwaitPolling(t, "(*busSocket).Write")
	second := hosttest.InBackground(func() error {
		_, err := c.call(t.Context(), clientAdapter, "org.bluez.Adapter1.Second")
		return err
	})
	cancel()
	hosttest.WantMatches(t, hosttest.Receive(t, first), []error{context.Canceled}, nil)
	c.Close()
	hosttest.WantMatches(t, hosttest.Receive(t, second), []error{net.ErrClosed}, nil)
}

func TestRegisterProfileNeedsDescriptors(t *testing.T) {
	hosttest.CheckLeaksAtEnd(t)
	stuckBus(t, "ERROR")
	c := connectClient(t)
	_, err := c.RegisterProfile(t.Context(), ProfileOptions{UUID: sdp.SerialPort})
	wantLine(t, err, "bluez: register a profile: the system bus passes no descriptors: ")
	hosttest.WantMatches(t, err, []error{ErrNotSupported}, nil)
}

func TestCloseLeavesNothingBehind(t *testing.T) {
	_, z, _ := clientOfBlueZ(t)
	hosttest.LeavesNothingBehind(t, func() {
		for range 20 {
			c, err := Connect(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			c.watch(func(event) {})
			c.export("/object", "org.bluez.Profile1", methods{})
			if _, err := c.keep(t.Context(), registration{register: func(context.Context) error { return nil }}); err != nil {
				t.Fatal(err)
			}
			go c.objects(context.Background())
			c.Close()
			if n := len(c.events.watchers); n != 1 && n != 2 {
				t.Errorf("%d watchers", n)
			}
		}
	})
	if names := z.Bus().Clients(); len(names) != 1 {
		t.Errorf("the bus has the clients %v", names)
	}
}

// Close returns when the callbacks have, and no callback runs after it.
func TestCloseWaitsForCallbacks(t *testing.T) {
	hosttest.CheckLeaksAtEnd(t)
	c, _, adapter := clientOfBlueZ(t)
	running, resume := make(chan struct{}), make(chan struct{})
	var mu sync.Mutex
	calls, ended := 0, false
	c.watch(func(event) {
		mu.Lock()
		calls++
		first := calls == 1
		mu.Unlock()
		if first {
			close(running)
			<-resume
			mu.Lock()
			ended = true
			mu.Unlock()
		}
	})
	for i := range 100 {
		adapter.Set("org.bluez.Adapter1", map[string]any{"Alias": fmt.Sprint(i)})
	}
	hosttest.Receive(t, running)
	closed := hosttest.InBackground(c.Close)
	hosttest.Receive(t, c.closed.Done())
	select {
	case <-closed:
		t.Error("Close returned while a callback ran")
	default:
	}
	close(resume)
	hosttest.Receive(t, closed)
	mu.Lock()
	defer mu.Unlock()
	if !ended || calls != 1 {
		t.Errorf("%d callbacks; the first one has ended: %t", calls, ended)
	}
}

func TestWatchKeepsOrderUnderLoad(t *testing.T) {
	hosttest.CheckLeaksAtEnd(t)
	c, _, adapter := clientOfBlueZ(t)
	const count = 2000
	var got []uint32
	done := make(chan struct{})
	defer c.watch(func(e event) {
		got = append(got, e.changed["Class"].Value().(uint32))
		if len(got) == count {
			close(done)
		}
	})()
	for i := range uint32(count) {
		adapter.Set("org.bluez.Adapter1", map[string]any{"Class": i})
	}
	hosttest.Receive(t, done)
	if !slices.IsSorted(got) {
		t.Error("events out of order")
	}
}

func TestWatchReportsChanges(t *testing.T) {
	hosttest.CheckLeaksAtEnd(t)
	c, z, adapter := clientOfBlueZ(t)
	events := make(chan event, 10)
	defer c.watch(func(e event) { events <- e })()
	device := z.AddDevice(adapter, "00:AA:01:00:00:43", map[string]any{"RSSI": int16(-50)})
	device.Set("org.bluez.Device1", map[string]any{"RSSI": nil, "Alias": "Phone"})
	device.Remove()
	added, changed, removed := hosttest.Receive(t, events), hosttest.Receive(t, events), hosttest.Receive(t, events)
	if added.kind != interfacesAdded || added.path != device.Path() || added.added["org.bluez.Device1"]["RSSI"].Value() != int16(-50) {
		t.Errorf("added: %+v", added)
	}
	if changed.kind != propertiesChanged || changed.path != device.Path() || changed.iface != "org.bluez.Device1" ||
		changed.changed["Alias"].Value() != "Phone" || !slices.Equal(changed.invalidated, []string{"RSSI"}) {
		t.Errorf("changed: %+v", changed)
	}
	if removed.kind != interfacesRemoved || removed.path != device.Path() || !slices.Contains(removed.removed, "org.bluez.Device1") {
		t.Errorf("removed: %+v", removed)
	}
}

func TestWatchReportsRestart(t *testing.T) {
	hosttest.CheckLeaksAtEnd(t)
	c, z, adapter := clientOfBlueZ(t)
	events := make(chan event, 10)
	stop := c.watch(func(e event) { events <- e })
	before := c.events.currentOwner()
	z.Stop()
	if gone := hosttest.Receive(t, events); gone.kind != daemonGone || gone.owner != before || c.running() {
		t.Errorf("gone: %+v, running %t", gone, c.running())
	}
	z.Start()
	started := hosttest.Receive(t, events)
	if started.kind != daemonStarted || started.owner == before || started.owner != c.events.currentOwner() {
		t.Errorf("started: %+v", started)
	}
	if added := hosttest.Receive(t, events); added.kind != interfacesAdded || added.path != adapter.Path() {
		t.Errorf("added: %+v", added)
	}
	stop()
	adapter.Set("org.bluez.Adapter1", map[string]any{"Alias": "x"})
	if _, err := c.objects(t.Context()); err != nil {
		t.Fatal(err)
	}
	for len(events) > 0 {
		if e := <-events; e.kind == propertiesChanged {
			t.Error("an event after stop")
		}
	}
}

// Any program on the system bus may send signals to any other.
func TestWatchIgnoresOtherPrograms(t *testing.T) {
	hosttest.CheckLeaksAtEnd(t)
	c, z, adapter := clientOfBlueZ(t)
	name := clientName(t, z)
	events := make(chan event, 10)
	defer c.watch(func(e event) { events <- e })()
	other := anotherProgram(t)
	sendSignal(other, name, clientAdapter, properties, "PropertiesChanged",
		"org.bluez.Adapter1", map[string]dbus.Variant{"Alias": dbus.MakeVariant("false")}, []string{})
	sendSignal(other, name, busPath, busName, "NameOwnerChanged", bluezName, c.events.currentOwner(), other.Names()[0])
	awaitDelivery(t, other)
	adapter.Set("org.bluez.Adapter1", map[string]any{"Alias": "true"})
	if e := hosttest.Receive(t, events); e.changed["Alias"].Value() != "true" {
		t.Errorf("the Client believed another program: %+v", e)
	}
}

// sendSignal sends a signal to one program.
func sendSignal(from *dbus.Conn, to string, path dbus.ObjectPath, iface, member string, body ...any) {
	m := &dbus.Message{Type: dbus.TypeSignal, Body: body, Headers: map[dbus.HeaderField]dbus.Variant{
		dbus.FieldDestination: dbus.MakeVariant(to),
		dbus.FieldPath:        dbus.MakeVariant(path),
		dbus.FieldInterface:   dbus.MakeVariant(iface),
		dbus.FieldMember:      dbus.MakeVariant(member),
		dbus.FieldSignature:   dbus.MakeVariant(dbus.SignatureOf(body...)),
	}}
	from.Send(m, nil)
}

// awaitDelivery waits until the bus has delivered the messages of a program.
func awaitDelivery(t *testing.T, of *dbus.Conn) {
	t.Helper()
	if err := of.BusObject().Call(busName+".GetId", 0).Err; err != nil {
		t.Fatal(err)
	}
}

func TestWatchIgnoresMalformedSignals(t *testing.T) {
	closed, end := context.WithCancel(t.Context())
	d := newDispatcher(closed, func() {})
	defer d.wait()
	defer end()
	d.setOwner(1, ":1.7")
	got := make(chan event, 10)
	d.add(&watcher{f: func(e event) { got <- e }})
	for i, signal := range []dbus.Signal{
		{Name: properties + ".PropertiesChanged", Body: []any{"org.bluez.Adapter1"}},
		{Name: properties + ".PropertiesChanged", Body: []any{int32(1), map[string]dbus.Variant{}, []string{}}},
		{Name: objectManager + ".InterfacesAdded"},
		{Name: objectManager + ".InterfacesRemoved", Body: []any{"/org/bluez", []string{}}},
		{Name: "org.bluez.Device1.Disconnected", Body: []any{"org.bluez.Reason.Timeout", ""}},
		{Name: busName + ".NameOwnerChanged", Sender: busName, Body: []any{bluezName, ":1.7"}},
		{Name: busName + ".NameOwnerChanged", Sender: busName, Body: []any{"org.example", ":1.7", ""}},
		{Name: properties + ".PropertiesChanged", Body: []any{"last", map[string]dbus.Variant{}, []string{}}},
	} {
		if signal.Sender == "" {
			signal.Sender = ":1.7"
		}
		signal.Path, signal.Sequence = clientAdapter, dbus.Sequence(i+2)
		i := strings.LastIndex(signal.Name, ".")
		iface, member := signal.Name[:i], signal.Name[i+1:]
		d.DeliverSignal(iface, member, &signal)
	}
	if e := hosttest.Receive(t, got); e.iface != "last" {
		t.Errorf("a malformed signal is an event: %+v", e)
	}
}

// The objects and the changes that observe reports have the state of bluetoothd
// at each moment.
func TestObserveIsConsistent(t *testing.T) {
	hosttest.CheckLeaksAtEnd(t)
	c, _, adapter := clientOfBlueZ(t)
	const count = 1000
	changing := hosttest.InBackground(func() error {
		for i := range uint32(count) {
			adapter.Set("org.bluez.Adapter1", map[string]any{"Class": i + 1})
		}
		return nil
	})
	for range 20 {
		var seen []uint32
		last := make(chan struct{})
		stop, err := c.observe(t.Context(), func(e event) {
			class, ok := e.changed["Class"]
			if e.kind == snapshot {
				class, ok = e.objects[clientAdapter]["org.bluez.Adapter1"]["Class"]
			}
			if !ok {
				return
			}
			seen = append(seen, class.Value().(uint32))
			if len(seen) == 20 || seen[len(seen)-1] == count {
				select {
				case <-last:
				default:
					close(last)
				}
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		hosttest.Receive(t, last)
		stop()
		for i := 1; i < len(seen); i++ {
			if before := seen[i-1]; seen[i] != before+1 && before != 0x10c {
				t.Fatalf("observed %v", seen)
			}
		}
	}
	hosttest.Receive(t, changing)
}

func TestObserveWithoutBluetoothd(t *testing.T) {
	hosttest.CheckLeaksAtEnd(t)
	fakebus.New(t)
	c := connectClient(t)
	_, err := c.observe(t.Context(), func(event) { t.Error("called") })
	hosttest.WantMatches(t, err, []error{ErrNoDaemon}, nil)
	if n := len(c.events.watchers); n != 0 {
		t.Errorf("%d watchers are left", n)
	}
}

// After objects, a watcher has the events before it.
func TestObjectsDeliversEarlierEvents(t *testing.T) {
	hosttest.CheckLeaksAtEnd(t)
	c, _, adapter := clientOfBlueZ(t)
	var mu sync.Mutex
	var seen uint32
	defer c.watch(func(e event) {
		mu.Lock()
		defer mu.Unlock()
		seen = e.changed["Class"].Value().(uint32)
	})()
	for i := range uint32(200) {
		adapter.Set("org.bluez.Adapter1", map[string]any{"Class": i})
		all, err := c.objects(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		mu.Lock()
		if got := all[clientAdapter]["org.bluez.Adapter1"]["Class"].Value(); got != i || seen != i {
			t.Fatalf("change %d: objects has %v, the watcher %d", i, got, seen)
		}
		mu.Unlock()
	}
}

// awaitRestart waits until watchers have received the events of a restart.
func awaitRestart(t *testing.T, c *Client) {
	t.Helper()
	hosttest.Eventually(t, "a call of the next bluetoothd", func() bool {
		_, err := c.objects(t.Context())
		return err == nil
	})
}

// profileRegistration registers a profile, and sends the states to a channel.
func profileRegistration(c *Client, changes chan error) registration {
	return registration{
		register: func(ctx context.Context) error {
			_, err := c.call(ctx, bluezPath, "org.bluez.ProfileManager1.RegisterProfile",
				exportPath, "0000feed-0000-1000-8000-00805f9b34fb", map[string]dbus.Variant{})
			return err
		},
		changed: func(err error) { changes <- err },
	}
}

func TestKeepSurvivesRestarts(t *testing.T) {
	hosttest.CheckLeaksAtEnd(t)
	c, z, _ := clientOfBlueZ(t)
	changes := make(chan error, 10)
	stop, err := c.keep(t.Context(), profileRegistration(c, changes))
	if err != nil {
		t.Fatal(err)
	}
	for range 10 {
		z.Stop()
		hosttest.WantMatches(t, hosttest.Receive(t, changes), []error{ErrNoDaemon}, nil)
		z.Start()
		if err := hosttest.Receive(t, changes); err != nil {
			t.Fatal(err)
		}
		if len(z.Profiles()) != 1 {
			t.Fatalf("%d profiles", len(z.Profiles()))
		}
	}
	stop()
	z.Restart()
	awaitRestart(t, c)
	if len(changes) != 0 || len(z.Profiles()) != 0 {
		t.Errorf("after stop: %d changes, %d profiles", len(changes), len(z.Profiles()))
	}
}

// A restart at any moment of a registration ends with one registration.
func TestKeepSurvivesRestartDuringCall(t *testing.T) {
	hosttest.CheckLeaksAtEnd(t)
	c, z, _ := clientOfBlueZ(t)
	changes := make(chan error, 10)
	if _, err := c.keep(t.Context(), profileRegistration(c, changes)); err != nil {
		t.Fatal(err)
	}
	const method = "org.bluez.ProfileManager1.RegisterProfile"
	for name, hold := range map[string]func(string) *fakebus.Hold{"before the call": z.Hold, "before the reply": z.HoldReply} {
		z.Stop()
		hosttest.Receive(t, changes)
		held := hold(method)
		z.Start()
		held.Await(t)
		z.Restart()
		for {
			if err := hosttest.Receive(t, changes); err == nil {
				break
			} else if !errors.Is(err, ErrNoDaemon) {
				t.Errorf("a restart %s: %v", name, err)
			}
		}
		if len(z.Profiles()) != 1 {
			t.Errorf("a restart %s: %d profiles", name, len(z.Profiles()))
		}
	}
}

func TestKeepReturnsFirstError(t *testing.T) {
	hosttest.CheckLeaksAtEnd(t)
	c, z, _ := clientOfBlueZ(t)
	z.Fail("org.bluez.ProfileManager1.RegisterProfile", "org.bluez.Error.NotPermitted", "UUID already registered")
	changes := make(chan error, 10)
	_, err := c.keep(t.Context(), profileRegistration(c, changes))
	hosttest.WantMatches(t, err, []error{ErrRegistered}, nil)
	z.Restart()
	awaitRestart(t, c)
	if n := len(c.events.watchers); len(changes) != 0 || n != 0 {
		t.Errorf("%d changes after keep has failed, %d watchers", len(changes), n)
	}
}

func TestKeepEndsWithClient(t *testing.T) {
	hosttest.CheckLeaksAtEnd(t)
	c, z, _ := clientOfBlueZ(t)
	changes := make(chan error, 10)
	stop, err := c.keep(t.Context(), profileRegistration(c, changes))
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	z.Restart()
	stop()
	if len(changes) != 0 {
		t.Errorf("a change after Close: %v", <-changes)
	}
}

func TestKeepReportsBusThatEnds(t *testing.T) {
	hosttest.CheckLeaksAtEnd(t)
	c, z, _ := clientOfBlueZ(t)
	changes := make(chan error, 10)
	if _, err := c.keep(t.Context(), profileRegistration(c, changes)); err != nil {
		t.Fatal(err)
	}
	z.Bus().Disconnect(clientName(t, z))
	hosttest.WantMatches(t, hosttest.Receive(t, changes), []error{ErrNoBus}, []error{net.ErrClosed})
}
