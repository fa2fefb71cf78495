package hcipacket_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/hcipacket"
)

var device = hcipacket.Address{0x01, 0x23, 0x45, 0x67, 0x89, 0xab}

// The packets have the layout of Volume 4, Part E. The values are chosen so
// that every byte differs.
func TestAppendMatchesTheSpecification(t *testing.T) {
	for name, tt := range map[string]struct {
		packet []byte
		made   []byte
	}{
		"Reset (7.3.2)": {
			[]byte{0x01, 0x03, 0x0c, 0x00},
			hcipacket.Command{Opcode: 0x0c03}.Append(nil),
		},
		"Create_Connection (7.1.5)": {
			[]byte{0x01, 0x05, 0x04, 0x0d, 0xab, 0x89, 0x67, 0x45, 0x23, 0x01, 0x18, 0xcc, 0x02, 0x00, 0x34, 0x12, 0x01},
			hcipacket.Command{Opcode: 0x0405, Parameters: hcipacket.Parameters{}.
				Address(device).Uint16(0xcc18).Uint8(2, 0).Uint16(0x1234).Uint8(1)}.Append(nil),
		},
		"Connection_Complete (7.7.3)": {
			[]byte{0x04, 0x03, 0x0b, 0x00, 0x2a, 0x0e, 0xab, 0x89, 0x67, 0x45, 0x23, 0x01, 0x01, 0x00},
			hcipacket.Event{Code: hcipacket.ConnectionComplete, Parameters: hcipacket.Parameters{}.
				Status(hcipacket.Success).Handle(0x0e2a).Address(device).Uint8(1, 0)}.Append(nil),
		},
		"Connection_Request (7.7.4)": {
			[]byte{0x04, 0x04, 0x0a, 0xab, 0x89, 0x67, 0x45, 0x23, 0x01, 0x0c, 0x02, 0x5a, 0x01},
			hcipacket.Event{Code: hcipacket.ConnectionRequest, Parameters: hcipacket.Parameters{}.
				Address(device).Uint24(0x5a020c).Uint8(1)}.Append(nil),
		},
		"Number_Of_Completed_Packets (7.7.19)": {
			[]byte{0x04, 0x13, 0x05, 0x01, 0x2a, 0x00, 0x03, 0x00},
			hcipacket.Event{Code: hcipacket.NumberOfCompletedPackets, Parameters: hcipacket.Parameters{1}.
				Handle(0x2a).Uint16(3)}.Append(nil),
		},
		"a first fragment of ACL data (5.4.2)": {
			[]byte{0x02, 0x2a, 0x2e, 0x03, 0x00, 0x61, 0x62, 0x63},
			hcipacket.ACL{Handle: 0x0e2a, Boundary: hcipacket.FirstFlushable, Data: []byte("abc")}.Append(nil),
		},
		"a fragment that continues": {
			[]byte{0x02, 0x2a, 0x1e, 0x00, 0x00},
			hcipacket.ACL{Handle: 0x0e2a, Boundary: hcipacket.Continuing}.Append(nil),
		},
		"numbers and text": {
			[]byte{0x04, 0x0e, 0x08, 0x78, 0x56, 0x34, 0x12, 0x68, 0x69, 0x00, 0x00},
			hcipacket.Event{Code: hcipacket.CommandComplete, Parameters: hcipacket.Parameters{}.
				Uint32(0x12345678).Text("hi", 4)}.Append(nil),
		},
	} {
		if !bytes.Equal(tt.made, tt.packet) {
			t.Errorf("%s: % x, want % x", name, tt.made, tt.packet)
		}
	}
}

func TestFieldsReadBackParameters(t *testing.T) {
	key := [16]byte{1, 2, 3, 15: 16}
	f := hcipacket.FieldsOf(append(hcipacket.Parameters{}.Address(device).Handle(0x0e2a).Uint8(7).Uint16(0x1234).
		Uint24(0x9e8b33).Uint32(0xfedcba98), key[:]...))
	if got := f.Address(); got != device {
		t.Errorf("address %x", got)
	}
	if got := f.Handle(); got != 0x0e2a {
		t.Errorf("handle %#x", got)
	}
	if got := f.Uint8(); got != 7 {
		t.Errorf("one byte %d", got)
	}
	if got := f.Uint16(); got != 0x1234 {
		t.Errorf("two bytes %#x", got)
	}
	if got := f.Uint24(); got != 0x9e8b33 {
		t.Errorf("three bytes %#x", got)
	}
	if got := f.Uint32(); got != 0xfedcba98 {
		t.Errorf("four bytes %#x", got)
	}
	if got := f.Key(); got != key {
		t.Errorf("key %x", got)
	}
	if f.Short() {
		t.Error("Short reports true")
	}
	if got := f.Uint16(); got != 0 || !f.Short() {
		t.Errorf("behind the end: %d, short %v; want 0 and true", got, f.Short())
	}
	if got := f.Uint8(); got != 0 || !f.Short() {
		t.Errorf("after that: %d, short %v", got, f.Short())
	}
}

func TestParametersTextIsTruncated(t *testing.T) {
	if got := (hcipacket.Parameters{}).Text("printer", 5); string(got) != "print" {
		t.Errorf("got %q", got)
	}
}

func TestParseRejectsWrongLengths(t *testing.T) {
	whole := [][]byte{
		hcipacket.Command{Opcode: 0x0c1a, Parameters: []byte{3}}.Append(nil),
		hcipacket.Event{Code: hcipacket.CommandComplete, Parameters: []byte{1, 2, 3}}.Append(nil),
		hcipacket.ACL{Handle: 1, Data: []byte("data")}.Append(nil),
	}
	parse := []func([]byte) error{
		func(b []byte) error { _, err := hcipacket.ParseCommand(b); return err },
		func(b []byte) error { _, err := hcipacket.ParseEvent(b); return err },
		func(b []byte) error { _, err := hcipacket.ParseACL(b); return err },
	}
	for i, packet := range whole {
		for j := range parse {
			if err := parse[j](packet); (err == nil) != (i == j) {
				t.Errorf("packet %d taken for kind %d: %v", i, j, err)
			}
		}
		for n := range packet {
			if err := parse[i](packet[:n]); err == nil {
				t.Errorf("packet %d cut to %d bytes is no error", i, n)
			}
		}
		if err := parse[i](append(bytes.Clone(packet), 0)); err == nil {
			t.Errorf("packet %d with a byte more is no error", i)
		}
	}
}

// The lengths of these packets are right for another kind of packet.
func TestParseRejectsOtherKinds(t *testing.T) {
	for name, tt := range map[string]struct {
		parse  func([]byte) error
		packet []byte
	}{
		"command":  {func(b []byte) error { _, err := hcipacket.ParseCommand(b); return err }, []byte{0, 0x03, 0x0c, 0x01, 0xff}},
		"event":    {func(b []byte) error { _, err := hcipacket.ParseEvent(b); return err }, []byte{0, 0x0e, 0x01, 0xff}},
		"ACL data": {func(b []byte) error { _, err := hcipacket.ParseACL(b); return err }, []byte{0, 0x01, 0x20, 0x01, 0x00, 0xff}},
	} {
		kinds := map[string]hcipacket.Kind{"command": hcipacket.KindCommand, "ACL data": hcipacket.KindACL, "event": hcipacket.KindEvent}
		for other, kind := range kinds {
			tt.packet[0] = byte(kind)
			if err := tt.parse(tt.packet); (err == nil) != (other == name) {
				t.Errorf("%s parsed as %s: %v", other, name, err)
			}
		}
		if err := tt.parse(nil); err == nil || !strings.Contains(err.Error(), "not a "+kinds[name].String()) {
			t.Errorf("an empty packet parsed as %s: %v", name, err)
		}
	}
}

func TestStatusString(t *testing.T) {
	for status, want := range map[hcipacket.Status]string{
		hcipacket.ConnectionTimeout: "0x08 (connection timeout)",
		0x3d:                        "0x3d",
	} {
		if got := status.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
