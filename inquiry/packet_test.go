package inquiry

import (
	"bytes"
	"encoding/hex"
	"reflect"
	"strings"
	"testing"

	"github.com/go-rfcomm/rfcomm"
)

// packet returns the bytes of a hexadecimal string with blanks.
func packet(s string) []byte {
	p, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		panic(err)
	}
	return p
}

var zeros = strings.Repeat("00", 240)

func TestCommands(t *testing.T) {
	for want, got := range map[string][]byte{
		"01 0104 05 338b9e 08 00": inquiryCommand(general, 8),
		"01 0104 05 008b9e 30 00": inquiryCommand(limited, 0x30),
		"01 0204 00":              command(inquiryCancel),
		"01 1904 0a 060504030201 02 00 3492": nameRequestCommand(response{
			device: rfcomm.BDAddr{1, 2, 3, 4, 5, 6}, repetition: 2, clockOffset: 0x1234,
		}),
		"01 1a04 06 060504030201": command(nameRequestCancel, kernelOrder(rfcomm.BDAddr{1, 2, 3, 4, 5, 6})...),
	} {
		if !bytes.Equal(got, packet(want)) {
			t.Errorf("% x, want %s", got, want)
		}
	}
}

func TestParseEvent(t *testing.T) {
	a, b := rfcomm.BDAddr{1, 2, 3, 4, 5, 6}, rfcomm.BDAddr{7, 8, 9, 10, 11, 12}
	plain := response{device: a, class: 0x5a020c, repetition: 1, clockOffset: 0x1234, rssi: RSSIUnknown}
	second := response{device: b, class: 0x1f00, repetition: 2, clockOffset: 0x7fff, rssi: RSSIUnknown}
	with := func(r response, rssi RSSI) response {
		r.rssi = rssi
		return r
	}
	named := with(plain, -60)
	named.name = "OBDII"
	for name, tt := range map[string]struct {
		packet string
		want   event
	}{
		"inquiry complete": {"04 01 01 00", event{code: inquiryComplete}},
		"command status":   {"04 0f 04 0c 01 0104", event{code: commandStatus, status: commandDisallowed, opcode: inquiry}},
		"command complete": {"04 0e 04 01 0204 00", event{code: commandComplete, opcode: inquiryCancel}},
		"command complete with parameters": {"04 0e 0a 01 1a04 02 060504030201",
			event{code: commandComplete, status: 2, opcode: nameRequestCancel}},
		"name": {"04 07 0c 00 060504030201 48432d3035", event{code: nameRequestComplete, device: a, name: "HC-05"}},
		"name of 248 bytes": {"04 07 ff 00 060504030201" + strings.Repeat("41", 248),
			event{code: nameRequestComplete, device: a, name: strings.Repeat("A", 248)}},
		"no name": {"04 07 ff 04 060504030201" + strings.Repeat("00", 248),
			event{code: nameRequestComplete, status: 4, device: a}},
		"result": {"04 02 0f 01 060504030201 01 00 00 0c025a 3412",
			event{code: inquiryResult, responses: []response{plain}}},
		"two results": {"04 02 1d 02 060504030201 01 00 00 0c025a 3412 0c0b0a090807 02 00 00 001f00 ff7f",
			event{code: inquiryResult, responses: []response{plain, second}}},
		"result with RSSI": {"04 22 0f 01 060504030201 01 00 0c025a 3412 c4",
			event{code: inquiryResultWithRSSI, responses: []response{with(plain, -60)}}},
		"result without RSSI": {"04 22 0f 01 060504030201 01 00 0c025a 3412 7f",
			event{code: inquiryResultWithRSSI, responses: []response{plain}}},
		"two results with RSSI": {"04 22 1d 02 060504030201 01 00 0c025a 3412 c4 0c0b0a090807 02 00 001f00 ff7f 14",
			event{code: inquiryResultWithRSSI, responses: []response{with(plain, -60), with(second, 20)}}},
		"two results in the old form": {"04 22 1f 02 060504030201 01 00 00 0c025a 3412 c4 0c0b0a090807 02 00 00 001f00 ff7f 14",
			event{code: inquiryResultWithRSSI, responses: []response{with(plain, -60), with(second, 20)}}},
		"extended result": {"04 2f ff 01 060504030201 01 00 0c025a 3412 c4 06 09 4f42444949" + zeros[:2*233],
			event{code: extendedInquiryResult, responses: []response{named}}},
		"empty extended result": {"04 2f ff 01 060504030201 01 00 0c025a 3412 c4" + zeros,
			event{code: extendedInquiryResult, responses: []response{with(plain, -60)}}},
		"short extended result": {"04 2f 0f 01 060504030201 01 00 0c025a 3412 c4",
			event{code: extendedInquiryResult, responses: []response{with(plain, -60)}}},
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := parseEvent(packet(tt.packet))
			if !ok || !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got %+v, %v; want %+v", got, ok, tt.want)
			}
			if _, ok := parseEvent(append(packet(tt.packet), 0xff)); !ok {
				t.Error("a byte after the packet makes it malformed")
			}
		})
	}
}

func TestParseEventMalformed(t *testing.T) {
	for name, p := range map[string]string{
		"empty":                       "",
		"header alone":                "04 01",
		"data packet":                 "02 01 01 00",
		"another event":               "04 05 04 00 0100 13",
		"parameters missing":          "04 01 02 00",
		"empty inquiry complete":      "04 01 00",
		"short command status":        "04 0f 03 0c 01 01",
		"command complete of nothing": "04 0e 03 01 0000",
		"short name":                  "04 07 06 00 0605040302",
		"no results":                  "04 02 00",
		"zero results":                "04 02 01 00",
		"one of two results":          "04 02 0f 02 060504030201 01 00 00 0c025a 3412",
		"short result":                "04 02 0e 01 060504030201 01 00 00 0c025a 34",
		"short result with RSSI":      "04 22 0e 01 060504030201 01 00 0c025a 3412",
		"two extended results":        "04 2f ff 02 060504030201 01 00 0c025a 3412 c4" + zeros,
		"short extended result":       "04 2f 0e 01 060504030201 01 00 0c025a 3412",
	} {
		if e, ok := parseEvent(packet(p)); ok {
			t.Errorf("%s: %+v", name, e)
		}
	}
}

func TestNameIn(t *testing.T) {
	for eir, want := range map[string]struct {
		name      string
		shortened bool
	}{
		"":                              {"", false},
		"\x06\x09OBDII":                 {"OBDII", false},
		"\x06\x09OBDII\x00\x05\x09late": {"OBDII", false},
		"\x03\x08OB":                    {"OB", true},
		"\x03\x08OB\x06\x09OBDII":       {"OBDII", false},
		"\x06\x09OBDII\x03\x08OB":       {"OBDII", false},
		"\x03\x03\x01\x11\x04\x09one\x02\x0a\x04": {"one", false},
		"\x05\x09a\x00b\x00":                      {"a", false},
		"\x01\x09":                                {"", false},
		"\x01\x08":                                {"", false},
		"\x01":                                    {"", false},
		"\x07\x09OBDII":                           {"", false}, // longer than the response
		"\x04\x08one\xff\x09two":                  {"one", true},
		"\x06\x09\x1b[31m":                        {"\x1b[31m", false},
		"\x03\x09\xff\xfe":                        {"\xff\xfe", false},
	} {
		if name, shortened := nameIn([]byte(eir)); name != want.name || shortened != want.shortened {
			t.Errorf("%q: %q, %v; want %q, %v", eir, name, shortened, want.name, want.shortened)
		}
	}
}

func TestStatusString(t *testing.T) {
	for s, want := range map[status]string{commandDisallowed: "Command Disallowed (0x0c)", 0x99: "error code 0x99"} {
		if got := s.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// FuzzParseEvent checks that no packet makes the parser or the table fail, and
// that names are short and end before a zero byte.
func FuzzParseEvent(f *testing.F) {
	for _, p := range []string{
		"04 01 01 00", "04 0f 04 0c 01 0104", "04 0e 04 01 0204 00", "04 07 0c 00 060504030201 48432d3035",
		"04 02 1d 02 060504030201 01 00 00 0c025a 3412 0c0b0a090807 02 00 00 001f00 ff7f",
		"04 22 1f 02 060504030201 01 00 00 0c025a 3412 c4 0c0b0a090807 02 00 00 001f00 ff7f 14",
		"04 2f ff 01 060504030201 01 00 0c025a 3412 c4 06 09 4f42444949" + zeros[:2*233],
		"04 2f ff 01 060504030201 01 00 0c025a 3412 c4 03 08 4f42 03 03 0111" + zeros[:2*232],
	} {
		f.Add(packet(p))
	}
	f.Fuzz(func(t *testing.T, p []byte) {
		e, ok := parseEvent(p)
		if !ok {
			return
		}
		table := newTable()
		table.add(e)
		for {
			d, ok := table.take()
			if !ok {
				break
			}
			if len(d.Name) > 248 || strings.Contains(d.Name, "\x00") {
				t.Errorf("name %q", d.Name)
			}
			for _, r := range d.String() {
				if r < ' ' || r == 0x7f {
					t.Errorf("%q has control characters", d.String())
				}
			}
			_ = d.Class.Services()
		}
		if r, ok := table.nameless(); ok {
			table.refused(r.device)
		}
	})
}

// The kernel passes only these packets to users without CAP_NET_RAW, and only
// these commands to the controller (hci_sec_filter in hci_sock.c).
func TestPacketsArePermittedToAll(t *testing.T) {
	permittedEvents := [2]uint32{0x1000d9fe, 0x0000b00c}
	for _, code := range eventCodes {
		if permittedEvents[code>>5]&(1<<(code&31)) == 0 {
			t.Errorf("event 0x%02x is not permitted", code)
		}
	}
	const linkControl = 0x01
	permittedCommands := [2]uint32{0xbe000006, 0x00000001}
	for _, code := range []opcode{inquiry, inquiryCancel, nameRequest, nameRequestCancel} {
		if group, number := code>>10, code&0x3ff; group != linkControl || permittedCommands[number>>5]&(1<<(number&31)) == 0 {
			t.Errorf("command 0x%04x is not permitted", code)
		}
	}
}
