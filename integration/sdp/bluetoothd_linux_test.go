package sdp_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/go-rfcomm/rfcomm/internal/test/daemons"
	"github.com/go-rfcomm/rfcomm/sdp"
)

// vendor is a UUID that no specification assigns.
var vendor = sdp.UUID{0x71, 0x5f, 0x1a, 0x6e, 0xcf, 0x1b, 0x4a, 0x1d, 0x9c, 0x0e, 0x5a, 0x3d, 0x62, 0x0b, 0x8d, 0x11}

// kinds are the kinds of records of "sdptool add" that have the most different
// attributes: a URL and a provider (SP), binary texts (KEYB), UUIDs of 128 bits
// (SR1), further texts (APPLE), lists of integers (OPUSH, MAP), an IP network
// (NAP), booleans (WIIMOTE), and no name (NOKID). With -short, tests add the first
// four, since each takes a process.
var kinds = []string{"SP", "KEYB", "SR1", "APPLE", "OPUSH", "MAP", "NAP", "WIIMOTE", "NOKID"}

// withNUL is an attribute of elementRecord. sdptool prints its NUL as a space.
const withNUL = sdp.AttributeID(0x9000)

// elementRecord returns a record with an element of every type and width.
func elementRecord(name string) *sdp.Record {
	r := sdp.NewService(vendor, name, 5)
	for i, e := range []sdp.DataElement{
		{},
		sdp.Uint8(0x80), sdp.Uint16(0x8000), sdp.Uint32(0x80000000), sdp.Uint64(1 << 63), sdp.Uint128([16]byte{0x80, 15: 1}),
		sdp.Int8(-1), sdp.Int16(-2), sdp.Int32(-3), sdp.Int64(-4), sdp.Int128([16]byte{0x80, 15: 1}),
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
	r.Set(withNUL, sdp.Text("ends with NUL\x00"))
	return r
}

func TestClientReadsBluetoothd(t *testing.T) {
	a, kinds := inLab(t), kinds
	if testing.Short() {
		kinds = kinds[:4]
	}
	for _, version := range daemons.Versions() {
		t.Run(version.Name, func(t *testing.T) {
			daemons.Bluetoothd(t, daemons.Options{Args: []string{"--compat"}, BlueZ: version})
			added := []*sdp.Record{elementRecord("Elements"), elementRecord("Elements in XML")}
			register(t, added[0])
			registerXML(t, vendor, added[1].XML())
			sdptoolAdd(t, a.far, kinds...)
			got := a.searchAsNobody(t, sdp.PublicBrowseRoot)
			if err := a.log.Answered(got); err != nil {
				t.Error(err)
			}
			if len(got) < len(kinds)+len(added)+1 {
				t.Errorf("only %d records", len(got))
			}
			compareWithSdptool(t, got, sdptoolBrowse(t, a.near, a.far.Addr()))
			for _, want := range added {
				compareAdded(t, got, want)
			}
			a.wantOpenLinks(t)
		})
	}
}

// compareWithSdptool checks that records are equal to those that sdptool prints:
// in XML, and when the XML is parsed.
func compareWithSdptool(t *testing.T, got []*sdp.Record, printed []string) {
	t.Helper()
	if len(got) != len(printed) {
		t.Fatalf("got %d records, sdptool prints %d", len(got), len(printed))
	}
	for i, r := range got {
		compareXML(t, r.XML(), printed[i])
		want, err := sdp.ParseRecordXML(printed[i])
		if err != nil {
			t.Error(err)
			continue
		}
		r = r.Clone()
		r.Delete(withNUL)
		want.Delete(withNUL)
		compareRecords(t, r, want)
	}
}

// compareAdded checks that one of the records is that which was added to
// bluetoothd. It has got a handle there.
func compareAdded(t *testing.T, got []*sdp.Record, want *sdp.Record) {
	t.Helper()
	i := slices.IndexFunc(got, func(r *sdp.Record) bool { return r.Name() == want.Name() })
	if i < 0 {
		t.Errorf("no record has the name %q", want.Name())
		return
	}
	want = want.Clone()
	handle, _ := got[i].Get(sdp.AttributeServiceRecordHandle)
	want.Set(sdp.AttributeServiceRecordHandle, handle)
	compareRecords(t, got[i], want)
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
