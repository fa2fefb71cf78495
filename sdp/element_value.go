package sdp

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Names of elements in XML and JSON, beside those of integers.
const (
	xmlRecord      = "record"
	xmlAttribute   = "attribute"
	xmlNil         = "nil"
	xmlBoolean     = "boolean"
	xmlUUID        = "uuid"
	xmlText        = "text"
	xmlURL         = "url"
	xmlSequence    = "sequence"
	xmlAlternative = "alternate"
)

// hexEncoding marks the values of texts and URLs that are in hexadecimal.
const hexEncoding = "hex"

// scalar returns the name and the value of an integer, a UUID or a boolean, as
// BlueZ writes them in XML. Integers of 128 bits begin with the least significant
// byte: BlueZ stores them in the byte order of the machine (ntoh128) and writes
// them byte by byte. Big-endian machines are not supported.
func (e DataElement) scalar() (name, value string) {
	switch e.Type() {
	case TypeBool:
		v, _ := e.Bool()
		return xmlBoolean, strconv.FormatBool(v)
	case TypeUUID:
		if e.Width() == 16 {
			u, _ := e.UUID()
			return xmlUUID, u.String()
		}
		return xmlUUID, fmt.Sprintf("0x%x", e.value())
	}
	name = fmt.Sprintf("%v%d", e.Type(), 8*e.Width())
	switch {
	case e.Width() == 16:
		return name, hex.EncodeToString(reversed([]byte(e.value())))
	case e.Type() == TypeInt:
		v, _ := e.Int()
		return name, strconv.FormatInt(v, 10)
	}
	return name, fmt.Sprintf("0x%x", e.value())
}

// newList returns the sequence or alternative with the given name.
func newList(name string, elements []DataElement) DataElement {
	if name == xmlAlternative {
		return Alternative(elements...)
	}
	return Sequence(elements...)
}

// parseValue returns the element with the given name and value, and, for texts
// and URLs, encoding.
func parseValue(name, value, encoding string) (DataElement, error) {
	switch name {
	case xmlNil:
		return DataElement{}, nil
	case xmlText, xmlURL:
		return parseTextValue(name, value, encoding)
	case xmlBoolean:
		if value == "true" || value == "false" {
			return Bool(value == "true"), nil
		}
		return DataElement{}, malformed("boolean %q; want true or false", clip(value))
	case xmlUUID:
		return parseUUIDValue(value)
	}
	if bits, ok := strings.CutPrefix(name, "uint"); ok {
		return parseInteger(TypeUint, bits, value)
	}
	if bits, ok := strings.CutPrefix(name, "int"); ok {
		return parseInteger(TypeInt, bits, value)
	}
	return DataElement{}, unknownName(name)
}

func unknownName(name string) error {
	return malformed("element %q; want nil, boolean, uint8 to uint128, int8 to int128, uuid, text, url, sequence or alternate", clip(name))
}

func parseTextValue(name, value, encoding string) (DataElement, error) {
	switch encoding {
	case hexEncoding:
		b, err := hex.DecodeString(value)
		if err != nil {
			return DataElement{}, malformed("%s in hexadecimal: %v", name, err)
		}
		value = string(b)
	case "", "normal":
	default:
		return DataElement{}, malformed("encoding %q of a %s; want hex or none", clip(encoding), name)
	}
	if name == xmlURL {
		return URL(value), nil
	}
	return Text(value), nil
}

// parseUUIDValue parses a UUID. Its width is that of the written form; the form
// without leading zeros, which BlueZ accepts, is the shortest.
func parseUUIDValue(value string) (DataElement, error) {
	digits := strings.TrimPrefix(strings.TrimPrefix(value, "0x"), "0X")
	u, ok := parseHexUUID(value)
	switch {
	case ok && len(value) == 36:
		return fixed(TypeUUID, u[:]), nil
	case ok && len(digits) == 8:
		return fixed(TypeUUID, u[:4]), nil
	}
	v, err := strconv.ParseUint(digits, 16, 32)
	if err != nil || len(digits) > 8 {
		return DataElement{}, malformed("UUID %q; it should look like 0x1101 or 00001101-0000-1000-8000-00805f9b34fb", clip(value))
	}
	return UUIDElement(UUID32(uint32(v))), nil
}

// parseInteger parses an integer of the given number of bits.
func parseInteger(t Type, bits, value string) (DataElement, error) {
	name := t.String() + bits
	switch bits {
	case "8", "16", "32", "64":
		size, _ := strconv.Atoi(bits)
		v, err := parse64(t, value, size)
		if err != nil {
			return DataElement{}, malformed("%s %q is not an integer in its range", name, clip(value))
		}
		return fixed(t, bigEndian(v, size/8)), nil
	case "128":
		return parse128(t, name, value)
	}
	return DataElement{}, unknownName(name)
}

// parse64 parses an integer in decimal, octal or hexadecimal as C does.
func parse64(t Type, value string, bits int) (uint64, error) {
	if strings.Contains(value, "_") {
		return 0, strconv.ErrSyntax
	}
	if t == TypeInt {
		v, err := strconv.ParseInt(value, 0, bits)
		return uint64(v), err
	}
	return strconv.ParseUint(value, 0, bits)
}

// parse128 parses an integer of 128 bits. Its value is either 0x and 32 digits,
// or 32 digits that begin with the least significant byte, as in the XML of
// BlueZ.
func parse128(t Type, name, value string) (DataElement, error) {
	digits, isNumber := strings.CutPrefix(value, "0x")
	b, err := hex.DecodeString(digits)
	if err != nil || len(b) != 16 {
		return DataElement{}, malformed("%s %q; want 32 hexadecimal digits", name, clip(value))
	}
	if !isNumber {
		b = reversed(b)
	}
	return fixed(t, b), nil
}

// reversed reverses the order of the bytes of b and returns b.
func reversed(b []byte) []byte {
	slices.Reverse(b)
	return b
}

// bigEndian returns the lower bytes of v.
func bigEndian(v uint64, size int) []byte {
	b := make([]byte, size)
	for i := range b {
		b[i] = byte(v >> (8 * (size - 1 - i)))
	}
	return b
}

// parseAttributeID parses the number of an attribute.
func parseAttributeID(s string) (AttributeID, error) {
	v, err := strconv.ParseUint(s, 0, 16)
	if err != nil {
		return 0, malformed("attribute id %q; it should look like 0x0100", clip(s))
	}
	return AttributeID(v), nil
}

// isPlain reports whether a text is printable ASCII.
func isPlain(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' })
}
