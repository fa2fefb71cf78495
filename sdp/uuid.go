package sdp

import (
	"encoding"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
)

var (
	_ encoding.TextMarshaler   = UUID{}
	_ encoding.TextUnmarshaler = (*UUID)(nil)
)

// A UUID identifies a service class, a protocol or a profile. It is a 128-bit
// number, the most significant byte first, as in its written form. UUID values
// are comparable.
//
// The Bluetooth SIG assigns UUIDs of 16 and 32 bits, which are short forms of
// 128-bit UUIDs: UUID16(0x1101) is 00001101-0000-1000-8000-00805f9b34fb (Core
// Specification, Vol 3, Part B, 2.5.1).
type UUID [16]byte

// baseUUID is the UUID that short UUIDs are added to.
var baseUUID = UUID{6: 0x10, 8: 0x80, 11: 0x80, 12: 0x5f, 13: 0x9b, 14: 0x34, 15: 0xfb}

// UUID16 returns the UUID with the given 16-bit form.
func UUID16(v uint16) UUID { return UUID32(uint32(v)) }

// UUID32 returns the UUID with the given 32-bit form.
func UUID32(v uint32) UUID {
	u := baseUUID
	binary.BigEndian.PutUint32(u[:], v)
	return u
}

// Short returns the 32-bit form of u, which is that of 16 bits if it is below
// 0x10000. It reports false if u has no short form, as the UUIDs that vendors
// generate.
func (u UUID) Short() (v uint32, ok bool) {
	v = binary.BigEndian.Uint32(u[:])
	return v, UUID32(v) == u
}

// String returns the 128-bit form in lower case, such as
// "00001101-0000-1000-8000-00805f9b34fb".
func (u UUID) String() string { return string(u.append(nil)) }

func (u UUID) append(b []byte) []byte {
	for i, part := range [][]byte{u[:4], u[4:6], u[6:8], u[8:10], u[10:]} {
		if i > 0 {
			b = append(b, '-')
		}
		b = hex.AppendEncode(b, part)
	}
	return b
}

// MarshalText implements [encoding.TextMarshaler]. It returns the 128-bit form
// of String.
func (u UUID) MarshalText() ([]byte, error) { return u.append(nil), nil }

// UnmarshalText implements [encoding.TextUnmarshaler]. It accepts the forms
// that [ParseUUID] accepts.
func (u *UUID) UnmarshalText(text []byte) error {
	parsed, err := ParseUUID(string(text))
	if err != nil {
		return err
	}
	*u = parsed
	return nil
}

// ParseUUID parses a UUID in one of the following forms, in upper or lower
// case:
//
//	1101, 0x1101                           16 bits
//	00001101, 0x00001101                   32 bits
//	00001101-0000-1000-8000-00805f9b34fb   128 bits; the dashes can be absent
//	spp, serial port, SerialPort           the name of an assigned UUID
//
// The names are those that [UUID.Name] returns, and common abbreviations.
// Blanks, dashes and underscores in names are ignored.
func ParseUUID(s string) (UUID, error) {
	if u, ok := parseHexUUID(s); ok {
		return u, nil
	}
	if u, ok := uuidByName(s); ok {
		return u, nil
	}
	return UUID{}, fmt.Errorf("sdp: malformed UUID %q; it should look like 1101, 0x1101, "+
		"00001101-0000-1000-8000-00805f9b34fb or a name such as spp", clip(s))
}

// parseHexUUID parses the forms that consist of hexadecimal digits.
func parseHexUUID(s string) (UUID, bool) {
	digits := s
	switch {
	case len(s) == 36:
		if s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
			return UUID{}, false
		}
		digits = s[:8] + s[9:13] + s[14:18] + s[19:23] + s[24:]
	case strings.HasPrefix(s, "0x"), strings.HasPrefix(s, "0X"):
		digits = s[2:]
	}
	b, err := hex.DecodeString(digits)
	if err != nil {
		return UUID{}, false
	}
	switch {
	case len(b) == 2:
		return UUID16(binary.BigEndian.Uint16(b)), true
	case len(b) == 4:
		return UUID32(binary.BigEndian.Uint32(b)), true
	case len(b) == 16 && len(s) != 34: // 0x and 32 digits is not a written form
		return UUID(b), true
	}
	return UUID{}, false
}

// clip shortens a text that is quoted in an error.
func clip(s string) string {
	const most = 100
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
