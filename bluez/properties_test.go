package bluez

import (
	"reflect"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/inquiry"
	"github.com/go-rfcomm/rfcomm/sdp"
)

// valuesOf returns properties with values of the types that bluetoothd uses.
func valuesOf(all map[string]any) values {
	v := make(values)
	for name, value := range all {
		v[name] = dbus.MakeVariant(value)
	}
	return v
}

const serialPortText = "00001101-0000-1000-8000-00805f9b34fb"

func TestDevicePropertiesOfValues(t *testing.T) {
	unknown := DeviceProperties{RSSI: inquiry.RSSIUnknown}
	for name, tt := range map[string]struct {
		values map[string]any
		want   DeviceProperties
	}{
		"none": {nil, unknown},
		"all": {map[string]any{
			"Address": "00:AA:01:00:00:42", "AddressType": "public", "Name": "Phone\x1b", "Alias": "Mine", "Class": uint32(0x5a020c),
			"Icon": "phone", "Paired": true, "Bonded": true, "Trusted": true, "Blocked": true, "Connected": true, "LegacyPairing": true,
			"RSSI": int16(-60), "UUIDs": []string{serialPortText, "odd", ""}, "ServicesResolved": true,
			"ManufacturerData": map[uint16]dbus.Variant{1: dbus.MakeVariant([]byte{2})}, "New": uint64(1),
		}, DeviceProperties{
			Address: rfcomm.BDAddr{0, 0xaa, 1, 0, 0, 0x42}, AddressType: "public", Name: "Phone\x1b", Alias: "Mine", Class: 0x5a020c,
			Icon: "phone", Paired: true, Bonded: true, Trusted: true, Blocked: true, Connected: true, LegacyPairing: true,
			RSSI: -60, Services: []sdp.UUID{sdp.SerialPort}, ServicesResolved: true,
		}},
		"other types": {map[string]any{
			"Address": uint32(1), "Name": []byte("x"), "Class": int32(1), "Paired": "yes", "Trusted": byte(1), "RSSI": int32(-60),
			"UUIDs": "1101", "Bonded": "no",
		}, unknown},
		"before 5.65":  {map[string]any{"Paired": true}, DeviceProperties{Paired: true, Bonded: true, RSSI: inquiry.RSSIUnknown}},
		"not bonded":   {map[string]any{"Paired": true, "Bonded": false}, DeviceProperties{Paired: true, RSSI: inquiry.RSSIUnknown}},
		"without RSSI": {map[string]any{"RSSI": int16(noRSSI)}, unknown},
		"strong":       {map[string]any{"RSSI": int16(20)}, DeviceProperties{RSSI: 20}},
		"odd RSSI":     {map[string]any{"RSSI": int16(-300)}, unknown},
		"odd address":  {map[string]any{"Address": "00:AA"}, unknown},
	} {
		if got := valuesOf(tt.values).device(); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: got %+v, want %+v", name, got, tt.want)
		}
	}
}

func TestAdapterPropertiesOfValues(t *testing.T) {
	for name, tt := range map[string]struct {
		values map[string]any
		want   AdapterProperties
	}{
		"none": {nil, AdapterProperties{}},
		"all": {map[string]any{
			"Address": "00:AA:01:00:00:42", "Alias": "Kitchen", "Class": uint32(0x10c), "Powered": true, "PowerState": "on",
			"Discoverable": true, "DiscoverableTimeout": uint32(180), "Pairable": true, "PairableTimeout": uint32(60),
			"Discovering": true, "UUIDs": []string{serialPortText},
		}, AdapterProperties{
			Address: rfcomm.BDAddr{0, 0xaa, 1, 0, 0, 0x42}, Alias: "Kitchen", Class: 0x10c, Powered: true,
			Discoverable: true, DiscoverableTimeout: 3 * time.Minute, Pairable: true, PairableTimeout: time.Minute,
			Discovering: true, Services: []sdp.UUID{sdp.SerialPort},
		}},
		"other types": {map[string]any{"Powered": "yes", "DiscoverableTimeout": int64(180), "UUIDs": []int32{1}}, AdapterProperties{}},
		"blocked":     {map[string]any{"PowerState": "off-blocked"}, AdapterProperties{Blocked: true}},
	} {
		if got := valuesOf(tt.values).adapter(); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: got %+v, want %+v", name, got, tt.want)
		}
	}
}
