package sdp_test

import (
	"strings"
	"testing"

	"github.com/go-rfcomm/rfcomm/internal/test/daemons"
	"github.com/go-rfcomm/rfcomm/sdp"
)

// vendor is a UUID that no specification assigns.
var vendor = sdp.UUID{0x71, 0x5f, 0x1a, 0x6e, 0xcf, 0x1b, 0x4a, 0x1d, 0x9c, 0x0e, 0x5a, 0x3d, 0x62, 0x0b, 0x8d, 0x11}

// kinds are the kinds of records of "sdptool add" that have the most different
// attributes: a URL and a provider (SP), lists of integers (OPUSH, MAP), an IP
// network (NAP), binary texts (KEYB), booleans (WIIMOTE), UUIDs of 128 bits (SR1,
// ISYNC), no name (NOKID), and further texts (APPLE).
var kinds = []string{"SP", "OPUSH", "MAP", "NAP", "KEYB", "WIIMOTE", "SR1", "ISYNC", "NOKID", "APPLE"}

// elementRecord returns a record with an element of every type and width, whose
// identifiers count up from 0x8000.
func elementRecord() *sdp.Record {
	r := sdp.NewSerialPort("Elements", 5)
	for i, e := range []sdp.DataElement{
		{},
		sdp.Uint8(0x80), sdp.Uint16(0x8000), sdp.Uint32(0x80000000), sdp.Uint64(1 << 63),
		sdp.Int8(-1), sdp.Int16(-2), sdp.Int32(-3), sdp.Int64(-4),
		sdp.Bool(true), sdp.Bool(false),
		sdp.UUIDElement(sdp.UUID16(0x1101)), sdp.UUIDElement(sdp.UUID32(0x12345678)), sdp.UUIDElement(vendor),
		sdp.Text(""), sdp.Text(" plain "), sdp.Text("<&>\"'"), sdp.Text("caf\xe9"), sdp.Text("a\x1b[31m\n"),
		sdp.Text(strings.Repeat("x", 255)), sdp.Text(strings.Repeat("y", 256)),
		sdp.URL("http://example.org/?a=1"),
		sdp.Sequence(), sdp.Sequence(sdp.Sequence(sdp.Uint8(1), sdp.Text("a")), sdp.Sequence(sdp.Bool(false))),
		sdp.Alternative(sdp.Sequence(sdp.Uint8(1)), sdp.Sequence(sdp.Uint16(2))),
	} {
		r.Set(sdp.AttributeID(0x8000+i), e)
	}
	return r
}

func TestClientSearchBluetoothd(t *testing.T) {
	a := inLab(t)
	for _, version := range daemons.Versions() {
		t.Run(version.Name, func(t *testing.T) {
			daemons.Bluetoothd(t, daemons.Options{Args: []string{"--compat"}, BlueZ: version})
			registered := elementRecord()
			handle := register(t, registered)
			sdptoolAdd(t, a.far, kinds...)
			advertise(t, a.far, vendor.String(), "first", "second")

			want := sdptoolBrowse(t, a.near, a.far.Addr())
			got := a.searchAsNobody(t, sdp.PublicBrowseRoot)
			if len(got) != len(want) || len(got) < len(kinds) {
				t.Fatalf("got %d records, sdptool prints %d", len(got), len(want))
			}
			for i := range got {
				compareXML(t, got[i].XML(), want[i])
				parsed, err := sdp.ParseRecordXML(want[i])
				if err != nil {
					t.Error(err)
					continue
				}
				compareRecords(t, got[i], parsed)
				if h, _ := got[i].Handle(); h == handle {
					registered.Set(sdp.AttributeServiceRecordHandle, sdp.Uint32(handle))
					compareRecords(t, got[i], registered)
				}
			}
		})
	}
}

// compareRecords checks that two records have equal attributes.
func compareRecords(t *testing.T, got, want *sdp.Record) {
	t.Helper()
	for id, w := range want.All() {
		if g, ok := got.Get(id); !ok || !g.Equal(w) {
			t.Errorf("%q, attribute %#04x: got %v, want %v", want.Name(), uint16(id), g, w)
		}
	}
	for id, g := range got.All() {
		if _, ok := want.Get(id); !ok {
			t.Errorf("%q has attribute %#04x, %v", want.Name(), uint16(id), g)
		}
	}
}
