package bluez

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/bluez/internal/fakebus"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

// An inventor makes up messages of a bluetoothd of another version, or of another
// program in its place. Its bytes decide on their content.
type inventor struct {
	data []byte
}

// next returns the next byte modulo n, or 0 at the end.
func (v *inventor) next(n int) int {
	if len(v.data) == 0 {
		return 0
	}
	b := v.data[0]
	v.data = v.data[1:]
	return int(b) % n
}

func pick[T any](v *inventor, choices []T) T { return choices[v.next(len(choices))] }

var inventedTexts = []string{
	"", "x", "00:AA:02:00:00:01", "00:aa:02:00:00:0g", "00001101-0000-1000-8000-00805f9b34fb", "1101", "\x1b[2J", "\u202e", "a\nb", "off-blocked",
	strings.Repeat("x", 300), "org.bluez.Device1", "org.bluez.Adapter1", "public",
}

var inventedPaths = []dbus.ObjectPath{
	"/", "/org/bluez", "/org/bluez/hci0", "/org/bluez/hci1", "/org/bluez/hci0/dev_00_AA_02_00_00_01", "/org/bluez/hci0/dev_x", "/org/bluez/hci0/dev_00_AA_02_00_00_01/sep1", "/x",
}

// value returns a value of any type.
func (v *inventor) value(depth int) any {
	numbers := []any{true, false, byte(1), int16(-50), int16(127), int16(math.MinInt16), uint16(1), int32(-1), uint32(0), uint32(math.MaxUint32), int64(-1), uint64(1), math.NaN()}
	switch n := v.next(14); {
	case n < 5:
		return pick(v, numbers)
	case n < 7 || depth == 0:
		return pick(v, inventedTexts)
	case n == 7:
		return pick(v, inventedPaths)
	case n == 8:
		return []string{pick(v, inventedTexts), pick(v, inventedTexts)}
	case n == 9:
		return []dbus.Variant{dbus.MakeVariant(v.value(depth - 1))}
	case n == 10:
		return map[string]dbus.Variant{pick(v, inventedTexts): dbus.MakeVariant(v.value(depth - 1))}
	case n == 11:
		return struct {
			A string
			B dbus.Variant
		}{pick(v, inventedTexts), dbus.MakeVariant(v.value(depth - 1))}
	case n == 12:
		return dbus.MakeVariant(v.value(depth - 1))
	}
	return map[uint16]dbus.Variant{7: dbus.MakeVariant(v.value(depth - 1))}
}

// properties returns up to four properties with values of any types. The value nil
// stands for an absent one.
func (v *inventor) properties() map[string]any {
	names := []string{
		"Address", "AddressType", "Name", "Alias", "Class", "Icon", "Paired", "Bonded", "Trusted", "Blocked", "Connected", "LegacyPairing", "RSSI", "UUIDs",
		"ServicesResolved", "Adapter", "Powered", "PowerState", "Discoverable", "DiscoverableTimeout", "Pairable", "PairableTimeout", "Discovering", "Unknown", "",
	}
	all := make(map[string]any)
	for range v.next(5) {
		name := pick(v, names)
		if all[name] = nil; v.next(4) > 0 {
			all[name] = v.value(3)
		}
	}
	return all
}

// body returns arguments of any types.
func (v *inventor) body() []any {
	var body []any
	for range v.next(4) {
		body = append(body, v.value(3))
	}
	return body
}

// act makes bluetoothd do something odd.
func (v *inventor) act(m *machine) {
	switch v.next(8) {
	case 0:
		m.hci0.Set(adapterInterface, v.properties())
	case 1, 2:
		m.phone.Set(deviceInterface, v.properties())
	case 3:
		m.z.AddDevice(m.hci0, "00:AA:02:00:00:0"+string(rune('1'+v.next(3))), v.properties())
	case 4:
		m.phone.Remove()
	case 5:
		m.z.Emit(pick(v, inventedPaths), properties, "PropertiesChanged", v.body()...)
	case 6:
		member := pick(v, []string{"InterfacesAdded", "InterfacesRemoved"})
		m.z.Emit("/", objectManager, member, v.body()...)
	case 7:
		v.call(m)
	}
}

// call makes bluetoothd call a method of the program.
func (v *inventor) call(m *machine) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	var err error
	if v.next(2) == 0 {
		method := pick(v, []string{"NewConnection", "RequestDisconnection", "Release", "Cancel", "Unknown"})
		_, err = m.z.Profiles()[0].Call(ctx, method, v.arguments()...)
	} else {
		method := pick(v, []string{"RequestPinCode", "DisplayPinCode", "RequestPasskey", "DisplayPasskey", "RequestConfirmation", "RequestAuthorization", "AuthorizeService", "Cancel", "Release", "Unknown"})
		_, err = m.z.Agents()[0].Call(ctx, method, v.arguments()...)
	}
	if errors.Is(err, context.DeadlineExceeded) {
		panic("the program does not answer")
	}
}

// arguments returns arguments that begin with a path, which most methods expect.
func (v *inventor) arguments() []any {
	if v.next(4) == 0 {
		return v.body()
	}
	arguments := []any{pick(v, inventedPaths)}
	switch v.next(5) {
	case 1:
		return append(arguments, pick(v, inventedTexts))
	case 2:
		return append(arguments, uint32(v.next(256))<<24)
	case 3:
		return append(arguments, uint32(7), uint16(v.next(256)))
	case 4:
		return append(arguments, v.body()...)
	}
	return arguments
}

// look reads the properties of all adapters and devices.
func look(t *testing.T, m *machine) {
	t.Helper()
	ctx := t.Context()
	adapters, err := m.client.Adapters(ctx)
	wantOneLine(t, err)
	for _, a := range adapters {
		_, err := a.Properties(ctx)
		wantOneLine(t, err)
		devices, err := a.Devices(ctx)
		wantOneLine(t, err)
		for _, d := range devices {
			p, err := d.Properties(ctx)
			wantOneLine(t, err)
			if err == nil && p.Address != d.Address() {
				t.Errorf("properties of %v for %v", p.Address, d.Address())
			}
		}
	}
}

// wantOneLine fails the test if an error is not a line of this package.
func wantOneLine(t *testing.T, err error) {
	t.Helper()
	var e *Error
	if err != nil && (!errors.As(err, &e) || strings.ContainsAny(err.Error(), "\n\x1b")) {
		t.Errorf("error %q", err)
	}
}

// FuzzForeignMessages lets bluetoothd send values of odd types, omit properties, and
// call methods with wrong arguments. Nothing panics, errors are lines, loops over
// devices go on, and afterwards the package works as before.
func FuzzForeignMessages(f *testing.F) {
	f.Add([]byte{0, 1, 0, 1, 8})                                  // an Address without type
	f.Add([]byte{1, 2, 12, 1, 0, 3, 13, 1, 9, 3, 3, 2, 1, 0})     // RSSI and UUIDs
	f.Add([]byte{5, 2, 3, 6, 11, 9, 1, 1, 6, 0, 3, 7, 4, 8, 2})   // signals without a body that fits
	f.Add([]byte{7, 0, 0, 1, 2, 3, 7, 1, 4, 1, 2, 3, 7, 1, 3, 1}) // calls
	f.Add([]byte{4, 3, 0, 4, 15, 1, 7, 3, 4, 4, 3, 1, 2, 0, 1})   // a removed device, and others
	m := &machine{z: fakebus.NewBlueZ(f)}
	m.hci0 = m.z.AddAdapter("hci0", "00:AA:01:00:00:42", nil)
	m.phone = m.z.AddDevice(m.hci0, "00:AA:02:00:00:01", nil)
	var err error
	if m.client, err = Connect(f.Context()); err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { m.client.Close() })
	if _, err := m.client.RegisterProfile(f.Context(), ProfileOptions{UUID: vendorUUID}); err != nil {
		f.Fatal(err)
	}
	if _, err := m.client.RegisterAgent(f.Context(), RejectAll{}, AgentOptions{Capability: DisplayYesNo, Default: true}); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m.renew(t)
		ctx, cancel := context.WithCancel(t.Context())
		watched, discovered := hosttest.InBackground(func() error { return followChanges(ctx, m.device) }), hosttest.InBackground(func() error { return followDiscovery(ctx, m.adapter) })
		for v := (&inventor{data}); len(v.data) > 0; {
			v.act(m)
			look(t, m)
		}
		cancel()
		wantOneLine(t, hosttest.Receive(t, watched))
		wantOneLine(t, hosttest.Receive(t, discovered))
		m.renew(t)
	})
}

// renew removes all objects, and adds an adapter and a device with the usual
// properties, which the package must see.
func (m *machine) renew(t *testing.T) {
	t.Helper()
	m.hci0.Remove()
	m.hci0 = m.z.AddAdapter("hci0", "00:AA:01:00:00:42", nil)
	m.phone = m.z.AddDevice(m.hci0, "00:AA:02:00:00:01", map[string]any{"Name": "Phone", "Alias": "Phone"})
	var err error
	if m.adapter, err = m.client.Adapter(t.Context(), rfcomm.BDAddr{}); err != nil {
		t.Fatal(err)
	}
	if m.device, err = m.adapter.Device(t.Context(), addressIn(m.phone.Path())); err != nil {
		t.Fatal(err)
	}
	if p, err := m.device.Properties(t.Context()); err != nil || p.Name != "Phone" || p.Alias != "Phone" {
		t.Errorf("properties %+v, %v", p, err)
	}
}

func followChanges(ctx context.Context, d *Device) (last error) {
	for _, err := range d.Changes(ctx) {
		last = err
	}
	return last
}

func followDiscovery(ctx context.Context, a *Adapter) (last error) {
	for _, err := range a.Discover(ctx, &DiscoverOptions{Duration: -1}) {
		last = err
	}
	return last
}
