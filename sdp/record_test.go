package sdp

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// marshal returns the binary form of a record.
func marshal(t testing.TB, r *Record) []byte {
	t.Helper()
	b, err := r.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// recordWith returns a record with one attribute.
func recordWith(id AttributeID, value DataElement) *Record {
	r := new(Record)
	r.Set(id, value)
	return r
}

// randomRecord returns a record with a few attributes of any type.
func randomRecord(r *rand.Rand) *Record {
	record := new(Record)
	for range r.IntN(6) {
		record.Set(AttributeID(r.Uint64()), randomElement(r, 6))
	}
	return record
}

func TestRecordSetGetDelete(t *testing.T) {
	r := new(Record)
	if e, ok := r.Get(0); ok || e != (DataElement{}) {
		t.Errorf("an empty record has %v, %t", e, ok)
	}
	r.Delete(1)
	r.Set(3, Uint8(3))
	r.Set(1, Uint8(0))
	r.Set(2, Uint8(2))
	r.Set(1, Uint8(1))
	r.Set(0xffff, DataElement{})
	r.Delete(2)
	clone := r.Clone()
	r.Set(3, Uint8(4))
	r.Delete(1)
	var ids []AttributeID
	for id, value := range clone.All() {
		ids = append(ids, id)
		if got, ok := clone.Get(id); !ok || got != value {
			t.Errorf("Get(%v) returned %v, %t; All had %v", id, got, ok, value)
		}
	}
	if want := []AttributeID{1, 3, 0xffff}; !slices.Equal(ids, want) {
		t.Errorf("All returned %v, want %v", ids, want)
	}
	if e, _ := clone.Get(3); e != Uint8(3) {
		t.Errorf("the clone changed: %v", e)
	}
	for range clone.All() {
		break
	}
}

func TestRecordEqual(t *testing.T) {
	records := []*Record{
		{}, recordWith(1, Uint8(1)), recordWith(1, Uint8(2)), recordWith(2, Uint8(1)), recordWith(1, DataElement{}),
		NewSerialPort("a", 1), NewSerialPort("a", 2), NewSerialPort("b", 1),
	}
	for i, a := range records {
		for j, b := range records {
			if got := a.Equal(b); got != (i == j) {
				t.Errorf("records %d and %d are equal: %t", i, j, got)
			}
		}
	}
	if !recordWith(1, UUIDElement(SerialPort)).Equal(recordWith(1, fixed(TypeUUID, SerialPort[:]))) {
		t.Error("UUIDs of different widths are not equal")
	}
}

// The record has the layout of the Serial Port Profile 1.2, 6.1.
func TestNewSerialPortBytes(t *testing.T) {
	want := unhex(t, "35 47"+
		"09 0001  35 03  19 1101"+
		"09 0004  35 0c  35 03 19 0100  35 05 19 0003 08 03"+
		"09 0005  35 03  19 1002"+
		"09 0006  35 09  09 656e 09 006a 09 0100"+
		"09 0009  35 08  35 06 19 1101 09 0102"+
		"09 0100  25 06  434f4d332e31")
	r := NewSerialPort("COM3.1", 3)
	if got := marshal(t, r); !bytes.Equal(got, want) {
		t.Errorf("got  %x\nwant %x", got, want)
	}
	if parsed, err := ParseRecord(want); err != nil || !parsed.Equal(r) {
		t.Errorf("ParseRecord returned\n%v%v", parsed, err)
	}
}

func TestParseRecordIsLenient(t *testing.T) {
	for name, hex := range map[string]string{
		"descending":      "35 0a  09 0002 08 02  09 0001 08 01",
		"twice":           "35 0f  09 0001 08 01  09 0002 08 02  09 0001 08 03",
		"16-bit length":   "36 000a  09 0001 08 01  09 0002 08 02",
		"32-bit length":   "37 0000000a  09 0001 08 01  09 0002 08 02",
		"well-formed too": "35 0a  09 0001 08 01  09 0002 08 02",
	} {
		want := recordWith(1, Uint8(1))
		want.Set(2, Uint8(2))
		if r, err := ParseRecord(unhex(t, hex)); err != nil || !r.Equal(want) {
			t.Errorf("%s: got\n%v%v", name, r, err)
		}
	}
}

func TestParseRecordMalformed(t *testing.T) {
	for name, hex := range map[string]string{
		"nothing":              "",
		"cut":                  "35 05 09 0001 08",
		"not a list":           "09 0001",
		"an alternative":       "3d 05 09 0001 08 01",
		"no value":             "35 03 09 0001",
		"id of 8 bits":         "35 04 08 01 08 01",
		"id of 32 bits":        "35 07 0a 00000001 08 01",
		"id is a UUID":         "35 05 19 0001 08 01",
		"bytes after the list": "35 05 09 0001 08 01 00",
	} {
		before := NewSerialPort("a", 1)
		r := before.Clone()
		if err := r.UnmarshalBinary(unhex(t, hex)); !errors.Is(err, ErrMalformed) || !strings.HasPrefix(err.Error(), "sdp: malformed") {
			t.Errorf("%s: got %v", name, err)
		}
		if !r.Equal(before) {
			t.Errorf("%s: the record became\n%v", name, r)
		}
	}
}

func TestRecordLimits(t *testing.T) {
	deep := recordWith(1, nested(MaxDepth))
	large := new(Record)
	for i := range 9 {
		large.Set(AttributeID(i), Text(strings.Repeat("x", MaxSize/8)))
	}
	for r, want := range map[*Record]error{deep: ErrTooDeep, large: ErrTooLarge} {
		if _, err := r.MarshalBinary(); !errors.Is(err, want) {
			t.Errorf("MarshalBinary returned %v, want %v", err, want)
		}
		if _, err := ParseRecord([]byte(r.element().encoded)); !errors.Is(err, want) {
			t.Errorf("ParseRecord returned %v, want %v", err, want)
		}
		if _, err := r.MarshalJSON(); !errors.Is(err, want) {
			t.Errorf("MarshalJSON returned %v, want %v", err, want)
		}
		if err := new(Record).UnmarshalJSON(appendJSON(r)); !errors.Is(err, want) {
			t.Errorf("UnmarshalJSON returned %v, want %v", err, want)
		}
		if _, err := ParseRecordXML(r.XML()); !errors.Is(err, want) {
			t.Errorf("ParseRecordXML returned %v, want %v", err, want)
		}
	}
}

// appendJSON returns the JSON form of a record that can exceed the limits.
func appendJSON(r *Record) []byte {
	b := []byte("{")
	for id, value := range r.All() {
		if len(b) > 1 {
			b = append(b, ',')
		}
		b = value.appendJSON(fmt.Appendf(b, `"%d":`, id))
	}
	return append(b, '}')
}

// All forms of a record hold the same record.
func TestRecordRandomRoundTrip(t *testing.T) {
	random := rand.New(rand.NewPCG(11, 2))
	for range 3_000 {
		r := randomRecord(random)
		fromBinary := new(Record)
		if err := fromBinary.UnmarshalBinary(marshal(t, r)); err != nil || !slices.Equal(fromBinary.attributes, r.attributes) {
			t.Fatalf("%vbecame in binary\n%v%v", r, fromBinary, err)
		}
		fromXML, err := ParseRecordXML(r.XML())
		if err != nil || !slices.Equal(fromXML.attributes, r.attributes) {
			t.Fatalf("%vbecame in XML\n%v\n%v%v", r, r.XML(), fromXML, err)
		}
		b, err := r.MarshalJSON()
		fromJSON := new(Record)
		if err := errors.Join(err, fromJSON.UnmarshalJSON(b)); err != nil || !slices.Equal(fromJSON.attributes, r.attributes) {
			t.Fatalf("%vbecame in JSON\n%s\n%v%v", r, b, fromJSON, err)
		}
	}
}
