package sdp

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// wantCodecError reports an error that matches none of the codec's reasons, or
// whose text could control a terminal.
func wantCodecError(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrTooDeep) && !errors.Is(err, ErrTooLarge) {
		t.Fatalf("the error has none of the reasons: %v", err)
	}
	wantPrintable(t, err.Error())
	if len(err.Error()) > 1000 {
		t.Fatalf("the error has %d bytes: %.1000s", len(err.Error()), err)
	}
}

// wantPrintable reports a line with control characters or invalid UTF-8.
func wantPrintable(t *testing.T, s string) {
	t.Helper()
	if !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		t.Fatalf("not printable: %q", s)
	}
}

func FuzzParseDataElement(f *testing.F) {
	f.Add([]byte{})
	f.Add(unhex(f, sdptoolBytes))
	f.Add(unhex(f, "37 00000002 0801 ff"))
	f.Add(unhex(f, "37 ffffffff 0801 ff"))
	f.Add([]byte(nested(MaxDepth).encoded))
	f.Add([]byte(nested(MaxDepth + 1).encoded))
	f.Add([]byte(everyElement().element().encoded))
	f.Fuzz(func(t *testing.T, b []byte) {
		e, rest, err := ParseDataElement(b)
		if err != nil {
			wantCodecError(t, err)
			if e != (DataElement{}) || !bytes.Equal(rest, b) {
				t.Fatalf("a failed parse returned %v, %x", e, rest)
			}
			return
		}
		if got := append(encode(t, e), rest...); !bytes.Equal(got, b) {
			t.Fatalf("the bytes became %x", got)
		}
		if rebuilt := rebuild(e); !rebuilt.Equal(e) {
			t.Fatalf("%v was rebuilt as %v", e, rebuilt)
		}
		wantPrintable(t, e.String())
		encoded, err := json.Marshal(e)
		var fromJSON DataElement
		if err := errors.Join(err, json.Unmarshal(encoded, &fromJSON)); err != nil || !fromJSON.Equal(e) {
			t.Fatalf("%v became in JSON %s, %v, %v", e, encoded, fromJSON, err)
		}
	})
}

func FuzzParseRecord(f *testing.F) {
	f.Add([]byte{})
	f.Add(unhex(f, sdptoolBytes))
	f.Add([]byte(everyElement().element().encoded))
	for _, r := range []*Record{NewSerialPort("COM3", 3), NewObjectPush("\xe4\x00", 30), NewService(UUID{1}, "\x1b[m", 1)} {
		f.Add([]byte(r.element().encoded))
	}
	f.Add([]byte(recordWith(1, nested(MaxDepth-1)).element().encoded))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := ParseRecord(b)
		if err != nil {
			wantCodecError(t, err)
			return
		}
		wantRoundTrips(t, r)
		wantSoundFields(t, r)
	})
}

// wantRoundTrips checks that each form of a record holds the same record.
func wantRoundTrips(t *testing.T, r *Record) {
	t.Helper()
	fromBinary, err := ParseRecord(marshal(t, r))
	if err != nil || !slices.Equal(fromBinary.attributes, r.attributes) {
		t.Fatalf("%vbecame in binary\n%v%v", r, fromBinary, err)
	}
	fromXML, err := ParseRecordXML(r.XML())
	if err != nil || !fromXML.Equal(r) {
		t.Fatalf("%vbecame in XML\n%s\n%v%v", r, r.XML(), fromXML, err)
	}
	encoded, err := json.Marshal(r)
	fromJSON := new(Record)
	if err := errors.Join(err, json.Unmarshal(encoded, fromJSON)); err != nil || !fromJSON.Equal(r) {
		t.Fatalf("%vbecame in JSON\n%s\n%v%v", r, encoded, fromJSON, err)
	}
	if fromXML.XML() != r.XML() {
		t.Fatalf("the XML became\n%s\nfrom\n%s", fromXML.XML(), r.XML())
	}
}

// wantSoundFields checks the values that the accessors promise.
func wantSoundFields(t *testing.T, r *Record) {
	t.Helper()
	if channel, ok := r.Channel(); ok && !r.Contains(ProtocolRFCOMM) || ok != (channel >= 1 && channel <= 30) {
		t.Fatalf("channel %d, %t", channel, ok)
	}
	if psm, ok := r.PSM(); ok != (psm&0x0101 == 1) {
		t.Fatalf("PSM %#x, %t", psm, ok)
	}
	for _, u := range r.Classes() {
		if !r.Contains(u) {
			t.Fatalf("the record does not contain %v", u)
		}
	}
	r.Profiles()
	r.Handle()
	for _, s := range []string{r.Name(), r.Description(), r.Provider()} {
		if !utf8.ValidString(s) || strings.HasSuffix(s, "\x00") {
			t.Fatalf("text %q", s)
		}
	}
	for line := range strings.Lines(r.String()) {
		wantPrintable(t, strings.TrimSuffix(line, "\n"))
	}
}

func FuzzParseRecordXML(f *testing.F) {
	f.Add("")
	f.Add(everyElementXML)
	f.Add(sdptoolXML)
	f.Add(`<record><attribute id="1"><uuid value="3"/></attribute></record>`)
	f.Add(recordWith(1, nested(MaxDepth)).XML())
	f.Fuzz(func(t *testing.T, s string) {
		r, err := ParseRecordXML(s)
		if err != nil {
			wantCodecError(t, err)
			return
		}
		wantRoundTrips(t, r)
	})
}

func FuzzRecordUnmarshalJSON(f *testing.F) {
	f.Add([]byte("null"))
	f.Add([]byte(everyElementJSON))
	f.Add([]byte(`{"1":{"text":"4a","encoding":"hex"},"2":{"uint64":1}}`))
	f.Add(appendJSON(recordWith(1, nested(MaxDepth))))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := new(Record)
		if err := r.UnmarshalJSON(b); err != nil {
			wantCodecError(t, err)
			return
		}
		wantRoundTrips(t, r)
	})
}

func FuzzParseUUID(f *testing.F) {
	for _, s := range []string{"", "1101", "0x1101", "spp", "serial port", SerialPort.String()} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		u, err := ParseUUID(s)
		if err != nil {
			wantPrintable(t, err.Error())
			return
		}
		if again, err := ParseUUID(u.String()); err != nil || again != u {
			t.Fatalf("%v became %v, %v", u, again, err)
		}
	})
}
