package sdp

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// withLanguages sets the language base list of a record.
func withLanguages(r *Record, numbers ...uint16) *Record {
	var elements []DataElement
	for _, v := range numbers {
		elements = append(elements, Uint16(v))
	}
	r.Set(AttributeLanguageBaseAttributeIDList, Sequence(elements...))
	return r
}

func TestRecordNameEncodings(t *testing.T) {
	const english = 0x656e
	for _, tt := range []struct {
		name    string
		charset charset
		bytes   string
		want    string
	}{
		{"UTF-8", 106, "Gerät €", "Gerät €"},
		{"NUL", 106, "Serial Port\x00", "Serial Port"},
		{"NULs", 106, "Serial\x00Port\x00\x00", "Serial\x00Port"},
		{"only NULs", 106, "\x00\x00", ""},
		{"UTF-8, but is Latin-1", 106, "Ger\xe4t", "Ger\ufffdt"},
		{"Latin-1", 4, "Ger\xe4t\x85\xff\x00", "Gerät\u0085ÿ"},
		{"windows-1252", 2252, "\x80 Ger\xe4t\x99\xff", "€ Gerät™ÿ"},
		{"UTF-16BE", 1013, "\x00G\x20\xac\x00\x00", "G€"},
		{"UTF-16LE", 1014, "G\x00\xac\x20\x00\x00", "G€"},
		{"UTF-16", 1015, "\x00G\x20\xac", "G€"},
		{"UTF-16, big-endian mark", 1015, "\xfe\xff\x00G\x20\xac", "G€"},
		{"UTF-16, little-endian mark", 1015, "\xff\xfeG\x00\xac\x20", "G€"},
		{"UTF-16, surrogates", 1013, "\xd8\x3d\xde\x00\xd8\x3d", "😀\ufffd"},
		{"UTF-16, odd", 1013, "\x00G\x20", "G"},
		{"UCS-2", 1000, "\x00G\x20\xac", "G€"},
		{"ASCII", 3, "G\xe4", "G\ufffd"},
		{"Shift JIS", 17, "abc\x83\x41", "abc\ufffdA"},
	} {
		r := withLanguages(new(Record), english, uint16(tt.charset), 0x0100)
		r.Set(AttributeServiceName, Text(tt.bytes))
		if got := r.Name(); got != tt.want || !utf8.ValidString(got) {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
		if e, _ := r.Get(AttributeServiceName); e != Text(tt.bytes) {
			t.Errorf("%s: the attribute became %v", tt.name, e)
		}
	}
}

func TestRecordNameWithoutLanguages(t *testing.T) {
	for bytes, want := range map[string]string{"Gerät\x00": "Gerät", "Ger\xe4t\x00": "Gerät", "": ""} {
		r := recordWith(AttributeServiceName, Text(bytes))
		if got := r.Name(); got != want {
			t.Errorf("%q: got %q, want %q", bytes, got, want)
		}
		for _, list := range []DataElement{
			{}, Sequence(), Sequence(Uint16(1), Uint16(106)), Sequence(Text("en"), Text("x"), Text("y")), Uint16(1),
			Sequence(Uint16(1), Uint32(0x10004), Uint16(0x100)), Sequence(Uint16(1), Uint16(4), Uint32(0x10100)),
		} {
			r.Set(AttributeLanguageBaseAttributeIDList, list)
			if got := r.Name(); got != want {
				t.Errorf("%q with the languages %v: got %q, want %q", bytes, list, got, want)
			}
		}
	}
	if r := recordWith(AttributeServiceName, URL("a")); r.Name() != "" {
		t.Errorf("a URL is the name %q", r.Name())
	}
}

func TestRecordNameBase(t *testing.T) {
	const english, german, latin1, utf8 = 0x656e, 0x6465, 4, 106
	r := withLanguages(new(Record), german, latin1, 0x0110, english, utf8, 0x0100)
	r.Set(0x0100, Text("name"))
	r.Set(0x0101, Text("déscription"))
	r.Set(0x0102, Text("provider"))
	r.Set(0x0110, Text("N\xe4me"))
	r.Set(0x0112, Text("Anbieter"))
	if r.Name() != "Näme" || r.Description() != "déscription" || r.Provider() != "Anbieter" {
		t.Errorf("got %q, %q, %q", r.Name(), r.Description(), r.Provider())
	}
	if r := withLanguages(recordWith(0x0100, Text("Name")), german, latin1, 0xffff); r.Description() != "" || r.Name() != "Name" {
		t.Errorf("got %q, %q", r.Name(), r.Description())
	}
}

func TestRecordString(t *testing.T) {
	r := NewSerialPort("\x1b[2J\u202e\nx\x00", 3)
	r.Set(AttributeServiceRecordHandle, Uint32(0x10005))
	r.Set(0x0200, Sequence(Bool(true), Int8(-3), DataElement{}, URL("http://a/")))
	const want = `ServiceRecordHandle: uint32 0x00010005
ServiceClassIDList: (Serial Port)
ProtocolDescriptorList: ((L2CAP), (RFCOMM, uint8 3))
BrowseGroupList: (Public Browse Root)
LanguageBaseAttributeIDList: (uint16 0x656e, uint16 0x006a, uint16 0x0100)
BluetoothProfileDescriptorList: ((Serial Port, uint16 0x0102))
ServiceName: "\x1b[2J\u202e\nx\x00"
0x0200: (true, int8 -3, nil, url "http://a/")
`
	if got := r.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := new(Record).String(); got != "" {
		t.Errorf("an empty record is %q", got)
	}
	if strings.Contains(r.Name(), "\x00") {
		t.Errorf("the name is %q", r.Name())
	}
}
