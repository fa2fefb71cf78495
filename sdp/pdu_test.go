package sdp

import (
	"bytes"
	"encoding/hex"
	"reflect"
	"strings"
	"testing"
)

// unhex returns the bytes of hexadecimal digits, between which blanks are
// allowed.
func unhex(t testing.TB, digits string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(digits, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestRequestAppend(t *testing.T) {
	vendor := UUID{0: 0xfe, 15: 1}
	for name, tt := range map[string]struct {
		request request
		want    string
	}{
		"search": {
			request{id: searchRequest, transaction: 0x0102, pattern: []UUID{SerialPort, vendor}, maximum: 0xffff},
			"02 0102 0019 35 14 19 1101 1c fe000000000000000000000000000001 ffff 00",
		},
		"attributes": {
			request{id: attributeRequest, transaction: 0xffff, handle: 0x10002, maximum: 7,
				ranges: []AttributeRange{{1, 1}, {4, 0x100}}, continuation: []byte{0xaa, 0xbb}},
			"04 ffff 0013 00010002 0007 35 08 09 0001 0a 0004 0100 02 aabb",
		},
		"search attributes": {
			request{id: searchAttributeRequest, pattern: []UUID{UUID32(0x12345678)}, maximum: 0xffff,
				ranges: []AttributeRange{AllAttributes}},
			"06 0000 0011 35 05 1a 12345678 ffff 35 05 0a 0000 ffff 00",
		},
	} {
		t.Run(name, func(t *testing.T) {
			encoded := tt.request.append(nil)
			if want := unhex(t, tt.want); !bytes.Equal(encoded, want) {
				t.Fatalf("append = % x, want % x", encoded, want)
			}
			p, err := parsePDU(encoded)
			if err != nil {
				t.Fatal(err)
			}
			got, code := parseRequest(p)
			if got.continuation = bytes.Clone(got.continuation); len(got.continuation) == 0 {
				got.continuation = nil
			}
			if code != 0 || !reflect.DeepEqual(got, tt.request) {
				t.Errorf("parseRequest = %+v, %v; want %+v", got, code, tt.request)
			}
		})
	}
}

func TestParseRequestRejects(t *testing.T) {
	thirteen := "35 27" + strings.Repeat("19 1101", 13)
	for name, tt := range map[string]struct{ id, parameters string }{
		"no parameters":            {"02", ""},
		"a response":               {"03", "0000 0000 00"},
		"an unknown PDU":           {"08", "35 03 19 1101 ffff 00"},
		"empty pattern":            {"02", "35 00 ffff 00"},
		"pattern of 13":            {"02", thirteen + " ffff 00"},
		"pattern that is a UUID":   {"02", "19 1101 ffff 00"},
		"pattern of an integer":    {"02", "35 03 09 1101 ffff 00"},
		"cut pattern":              {"02", "35 09 19 1101 ffff 00"},
		"no maximum":               {"02", "35 03 19 1101 ff"},
		"maximum 0":                {"02", "35 03 19 1101 0000 00"},
		"no continuation":          {"02", "35 03 19 1101 ffff"},
		"short continuation":       {"02", "35 03 19 1101 ffff 02 aa"},
		"bytes after continuation": {"02", "35 03 19 1101 ffff 00 00"},
		"continuation of 17":       {"02", "35 03 19 1101 ffff 11" + strings.Repeat("aa", 17)},
		"short handle":             {"04", "000100"},
		"6 bytes of attributes":    {"04", "00010000 0006 35 03 09 0000 00"},
		"6 bytes":                  {"06", "35 03 19 1101 0006 35 03 09 0000 00"},
		"no list":                  {"06", "35 03 19 1101 ffff 00"},
		"empty list":               {"06", "35 03 19 1101 ffff 35 00 00"},
		"attribute of 8 bits":      {"06", "35 03 19 1101 ffff 35 02 08 01 00"},
		"attribute that is a UUID": {"06", "35 03 19 1101 ffff 35 03 19 0001 00"},
		"inverted range":           {"06", "35 03 19 1101 ffff 35 05 0a 0002 0001 00"},
	} {
		t.Run(name, func(t *testing.T) {
			p := pdu{id: pduID(unhex(t, tt.id)[0]), transaction: 7, parameters: unhex(t, tt.parameters)}
			r, code := parseRequest(p)
			if code != InvalidSyntax || r.transaction != 7 {
				t.Errorf("parseRequest = %+v, %v; want %v", r, code, InvalidSyntax)
			}
		})
	}
}

func TestNormalizeRanges(t *testing.T) {
	for name, tt := range map[string]struct{ ranges, want []AttributeRange }{
		"none":     {nil, []AttributeRange{AllAttributes}},
		"unsorted": {[]AttributeRange{{9, 9}, {1, 2}, {4, 4}}, []AttributeRange{{1, 2}, {4, 4}, {9, 9}}},
		"overlap":  {[]AttributeRange{{1, 5}, {2, 3}, {6, 6}, {8, 9}}, []AttributeRange{{1, 6}, {8, 9}}},
		"all":      {[]AttributeRange{AllAttributes, {1, 1}}, []AttributeRange{AllAttributes}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := normalizeRanges(tt.ranges)
			if err != nil || !reflect.DeepEqual(got, tt.want) {
				t.Errorf("normalizeRanges = %v, %v; want %v", got, err, tt.want)
			}
		})
	}
	if got, err := normalizeRanges([]AttributeRange{{2, 1}}); err == nil {
		t.Errorf("normalizeRanges of an inverted range = %v", got)
	}
}

func TestParsePDUChecksLength(t *testing.T) {
	for _, tt := range []struct {
		packet string
		want   error
	}{
		{"", errShortHeader},
		{"01 0002 00", errShortHeader},
		{"01 0002 0001", errParameterLength},
		{"01 0002 0001 aabb", errParameterLength},
		{"01 0002 ffff", errParameterLength},
		{"01 0002 0001 aa", nil},
		{"01 0002 0000", nil},
	} {
		p, err := parsePDU(unhex(t, tt.packet))
		if err != tt.want {
			t.Errorf("parsePDU(%s): %v, want %v", tt.packet, err, tt.want)
		}
		if err != errShortHeader && (p.id != errorResponse || p.transaction != 2) {
			t.Errorf("parsePDU(%s) = %+v", tt.packet, p)
		}
	}
}

func TestAppendPartIsParsed(t *testing.T) {
	for name, tt := range map[string]struct {
		id   pduID
		part part
		want string
	}{
		"search":       {searchResponse, part{unhex(t, "00010000 00010001"), []byte{1}}, "03 0005 000e 0007 0002 00010000 00010001 01 01"},
		"attributes":   {attributeResponse, part{[]byte{0x35, 0}, nil}, "05 0005 0005 0002 3500 00"},
		"both, no end": {searchAttributeResponse, part{[]byte{0x35}, make([]byte, 16)}, "07 0005 0014 0001 35 10" + strings.Repeat("00", 16)},
	} {
		t.Run(name, func(t *testing.T) {
			encoded := appendPart(nil, tt.id, 5, 7, tt.part)
			if want := unhex(t, tt.want); !bytes.Equal(encoded, want) {
				t.Fatalf("appendPart = % x, want % x", encoded, want)
			}
			p, err := parsePDU(encoded)
			if err != nil {
				t.Fatal(err)
			}
			got, err := parsePart(p)
			if err != nil || !bytes.Equal(got.bytes, tt.part.bytes) || !bytes.Equal(got.continuation, tt.part.continuation) {
				t.Errorf("parsePart = %+v, %v", got, err)
			}
		})
	}
}

func TestAppendErrorIsParsed(t *testing.T) {
	encoded := appendError(nil, 0x1234, InvalidContinuation)
	if want := unhex(t, "01 1234 0002 0005"); !bytes.Equal(encoded, want) {
		t.Fatalf("appendError = % x, want % x", encoded, want)
	}
	if code, ok := parseError(encoded[pduHeaderSize:]); !ok || code != InvalidContinuation {
		t.Errorf("parseError = %v, %v", code, ok)
	}
	if _, ok := parseError([]byte{0}); ok {
		t.Error("parseError accepts half a code")
	}
}
