package sdp

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestParseUUIDForms(t *testing.T) {
	vendor := UUID{0x61, 0xa3, 0x51, 0x2c, 0x09, 0xbe, 0x4d, 0xdc, 0xa6, 0xa6, 0x0b, 0x03, 0x66, 0x7a, 0xaf, 0xc6}
	for s, want := range map[string]UUID{
		"1101":                                 SerialPort,
		"0x1101":                               SerialPort,
		"0X110B":                               AudioSink,
		"00001101":                             SerialPort,
		"0x00001101":                           SerialPort,
		"12345678":                             UUID32(0x12345678),
		"00001101-0000-1000-8000-00805f9b34fb": SerialPort,
		"00001101-0000-1000-8000-00805F9B34FB": SerialPort,
		"0000110100001000800000805f9b34fb":     SerialPort,
		"61a3512c-09be-4ddc-a6a6-0b03667aafc6": vendor,
		"spp":                                  SerialPort,
		"SPP":                                  SerialPort,
		"serial port":                          SerialPort,
		"SerialPort":                           SerialPort,
		"serial-port":                          SerialPort,
		"serial_port":                          SerialPort,
		"opp":                                  ObjectPush,
		"object push":                          ObjectPush,
		"OBEX Object Push":                     ObjectPush,
		"ftp":                                  FileTransfer,
		"FileTransfer":                         FileTransfer,
		"dun":                                  DialUpNetworking,
		"pbap":                                 PhonebookAccessServer,
		"map":                                  MessageAccessServer,
		"hfp":                                  Handsfree,
		"hfag":                                 HandsfreeAudioGateway,
		"rfcomm":                               ProtocolRFCOMM,
		"L2CAP":                                ProtocolL2CAP,
		"public browse root":                   PublicBrowseRoot,
		"avrcp":                                UUID16(0x110e),
		"fax":                                  UUID16(0x1111), // the digits fa, and x
	} {
		if got, err := ParseUUID(s); err != nil || got != want {
			t.Errorf("ParseUUID(%q) returned %v, %v; want %v", s, got, err, want)
		}
	}
}

func TestParseUUIDNamesBadInput(t *testing.T) {
	for _, s := range []string{
		"", "1", "110", "11011", "0x", "0x110", "1101 ", "x1101", "-1101", "serial", "no such service",
		"00001101-0000-1000-8000-00805f9b34f", "00001101-0000-1000-8000-00805f9b34fbb", "0000110100-00-1000-8000-00805f9b34fb",
		"0x00001101-0000-1000-8000-00805f9b34", "0x0000110100001000800000805f9b34fb", "0000110g-0000-1000-8000-00805f9b34fb",
		"\x1b[31m", strings.Repeat("long", 1000),
	} {
		u, err := ParseUUID(s)
		if err == nil {
			t.Errorf("ParseUUID(%q) returned %v", s, u)
			continue
		}
		text := err.Error()
		if u != (UUID{}) || !strings.Contains(text, "0x1101") || strings.Contains(text, "\x1b") || len(text) > 300 {
			t.Errorf("ParseUUID(%q) returned %v, %q", s, u, text)
		}
	}
}

func TestUUIDNameIsParsed(t *testing.T) {
	seen := make(map[string]bool)
	for _, n := range assignedNames {
		u := UUID32(n.short)
		for _, name := range append(strings.Split(n.aliases, ","), n.name) {
			if name == "" {
				continue
			}
			if got, err := ParseUUID(name); err != nil || got != u {
				t.Errorf("ParseUUID(%q) returned %v, %v; want %v", name, got, err, u)
			}
			if folded := foldName(name); seen[folded] {
				t.Errorf("%q stands for two UUIDs", name)
			} else {
				seen[folded] = true
			}
		}
		if u.Name() != n.name {
			t.Errorf("%v has the name %q, want %q", u, u.Name(), n.name)
		}
	}
	if name := UUID16(0x4242).Name(); name != "" {
		t.Errorf("UUID 4242 has the name %q", name)
	}
}

func TestUUIDShort(t *testing.T) {
	for _, tt := range []struct {
		uuid  UUID
		short uint32
		ok    bool
	}{
		{SerialPort, 0x1101, true},
		{UUID32(0xffff0001), 0xffff0001, true},
		{UUID16(0), 0, true},
		{UUID{}, 0, false},
		{UUID{3: 1, 6: 0x10, 8: 0x80, 11: 0x80, 12: 0x5f, 13: 0x9b, 14: 0x34, 15: 0xfc}, 1, false},
	} {
		if v, ok := tt.uuid.Short(); ok != tt.ok || ok && v != tt.short {
			t.Errorf("%v has the short form %#x, %t; want %#x, %t", tt.uuid, v, ok, tt.short, tt.ok)
		}
	}
}

func TestUUIDText(t *testing.T) {
	b, err := json.Marshal(map[UUID]UUID{SerialPort: ObjectPush})
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"00001101-0000-1000-8000-00805f9b34fb":"00001105-0000-1000-8000-00805f9b34fb"}`; string(b) != want {
		t.Errorf("JSON is %s, want %s", b, want)
	}
	var parsed map[UUID]UUID
	if err := json.Unmarshal([]byte(`{"spp":"0x1105"}`), &parsed); err != nil || parsed[SerialPort] != ObjectPush {
		t.Errorf("got %v, %v", parsed, err)
	}
	u := SerialPort
	if err := u.UnmarshalText([]byte("?")); err == nil || u != SerialPort {
		t.Errorf("UnmarshalText of a bad UUID left %v, %v", u, err)
	}
}
