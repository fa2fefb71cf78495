package sdp

import (
	"encoding/binary"
	"fmt"
	"iter"
	"math"
	"slices"
)

// Limits of data elements and records, for parsing and for encoding.
const (
	// MaxDepth is the maximum nesting depth of sequences and alternatives. A
	// sequence of integers has the depth 1.
	MaxDepth = 32
	// MaxSize is the maximum size of an encoded element or record in bytes. XML
	// and JSON can be longer.
	MaxSize = 1 << 20
)

// A Type is the type of a data element.
type Type uint8

// The types of data elements. Their values are the type descriptors of the Core
// Specification, Vol 3, Part B, 3.2.
const (
	TypeNil Type = iota
	TypeUint
	TypeInt
	TypeUUID
	TypeText
	TypeBool
	TypeSequence
	TypeAlternative
	TypeURL
)

var typeNames = [...]string{"nil", "uint", "int", "uuid", "text", "bool", "sequence", "alternative", "url"}

// String returns the name of the type in lower case, such as "sequence".
func (t Type) String() string {
	if int(t) < len(typeNames) {
		return typeNames[t]
	}
	return fmt.Sprintf("Type(%d)", uint8(t))
}

// hasLength reports whether the length of an element of type t precedes its
// value.
func (t Type) hasLength() bool {
	return t == TypeText || t == TypeSequence || t == TypeAlternative || t == TypeURL
}

// A DataElement is a value of an attribute. It is immutable. The zero value is
// the nil element.
//
// An element keeps its encoding: a parsed element has the widths of integers,
// UUIDs and lengths that its sender chose. Elements with the same encoding are
// equal under ==; [DataElement.Equal] compares their values.
type DataElement struct {
	// encoded is the encoded element, or "" for the nil element. It is
	// well-formed, but can exceed the limits if it was constructed.
	encoded string
}

// Uint8 returns an unsigned integer of 8 bits.
func Uint8(v uint8) DataElement { return fixed(TypeUint, []byte{v}) }

// Uint16 returns an unsigned integer of 16 bits.
func Uint16(v uint16) DataElement { return fixed(TypeUint, binary.BigEndian.AppendUint16(nil, v)) }

// Uint32 returns an unsigned integer of 32 bits.
func Uint32(v uint32) DataElement { return fixed(TypeUint, binary.BigEndian.AppendUint32(nil, v)) }

// Uint64 returns an unsigned integer of 64 bits.
func Uint64(v uint64) DataElement { return fixed(TypeUint, binary.BigEndian.AppendUint64(nil, v)) }

// Uint128 returns an unsigned integer of 128 bits, the most significant byte
// first.
func Uint128(v [16]byte) DataElement { return fixed(TypeUint, v[:]) }

// Int8 returns a signed integer of 8 bits.
func Int8(v int8) DataElement { return fixed(TypeInt, []byte{byte(v)}) }

// Int16 returns a signed integer of 16 bits.
func Int16(v int16) DataElement {
	return fixed(TypeInt, binary.BigEndian.AppendUint16(nil, uint16(v)))
}

// Int32 returns a signed integer of 32 bits.
func Int32(v int32) DataElement {
	return fixed(TypeInt, binary.BigEndian.AppendUint32(nil, uint32(v)))
}

// Int64 returns a signed integer of 64 bits.
func Int64(v int64) DataElement {
	return fixed(TypeInt, binary.BigEndian.AppendUint64(nil, uint64(v)))
}

// Int128 returns a signed integer of 128 bits in two's complement, the most
// significant byte first.
func Int128(v [16]byte) DataElement { return fixed(TypeInt, v[:]) }

// Bool returns a boolean.
func Bool(v bool) DataElement {
	if v {
		return fixed(TypeBool, []byte{1})
	}
	return fixed(TypeBool, []byte{0})
}

// UUIDElement returns a UUID in its shortest form: 16, 32 or 128 bits.
func UUIDElement(u UUID) DataElement {
	switch v, ok := u.Short(); {
	case !ok:
		return fixed(TypeUUID, u[:])
	case v <= math.MaxUint16:
		return fixed(TypeUUID, u[2:4])
	default:
		return fixed(TypeUUID, u[:4])
	}
}

// Text returns a text of the given bytes. Their encoding is that of the record's
// language, by convention UTF-8.
func Text(s string) DataElement { return variable(TypeText, s) }

// URL returns a URL. It is not checked.
func URL(s string) DataElement { return variable(TypeURL, s) }

// Sequence returns a sequence of the given elements.
func Sequence(elements ...DataElement) DataElement { return variable(TypeSequence, join(elements)) }

// Alternative returns an alternative: a list of elements of which the reader
// picks one.
func Alternative(elements ...DataElement) DataElement {
	return variable(TypeAlternative, join(elements))
}

// fixed returns an element of 1, 2, 4, 8 or 16 bytes.
func fixed(t Type, value []byte) DataElement {
	var index byte
	for 1<<index < len(value) {
		index++
	}
	return DataElement{string(append([]byte{byte(t)<<3 | index}, value...))}
}

// variable returns an element whose length precedes its value, in the shortest
// form.
func variable[Value string | []byte](t Type, value Value) DataElement {
	b := appendHeader(make([]byte, 0, 5+len(value)), t, len(value))
	return DataElement{string(append(b, value...))}
}

// appendHeader appends the first byte and the length of an element. It panics if
// an element cannot have that length.
func appendHeader(b []byte, t Type, length int) []byte {
	first := byte(t) << 3
	switch {
	case length <= math.MaxUint8:
		return append(b, first|5, byte(length))
	case length <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(b, first|6), uint16(length))
	case uint64(length) <= math.MaxUint32:
		return binary.BigEndian.AppendUint32(append(b, first|7), uint32(length))
	}
	panic(fmt.Sprintf("sdp: %v of %d bytes; the most is 4 GiB", t, length))
}

// join returns the encodings of elements one after the other.
func join(elements []DataElement) []byte {
	var b []byte
	for _, e := range elements {
		b = append(b, e.bytes()...)
	}
	return b
}

// bytes returns the encoded element.
func (e DataElement) bytes() string {
	if e.encoded == "" {
		return "\x00"
	}
	return e.encoded
}

// Type returns the type of the element.
func (e DataElement) Type() Type {
	if e.encoded == "" {
		return TypeNil
	}
	return Type(e.encoded[0] >> 3)
}

// value returns the encoded value without the type and the length.
func (e DataElement) value() string {
	if e.encoded == "" {
		return ""
	}
	header, _, _ := parseHeader(e.encoded)
	return e.encoded[header:]
}

// Width returns the size of an integer, a UUID or a boolean in bytes: 1, 2, 4, 8
// or 16. It returns 0 for other types.
func (e DataElement) Width() int {
	if e.encoded == "" || e.Type().hasLength() {
		return 0
	}
	return len(e.encoded) - 1
}

// Uint returns the value of an unsigned integer. It reports false for other
// types, and for integers that exceed 64 bits.
func (e DataElement) Uint() (uint64, bool) {
	if e.Type() != TypeUint {
		return 0, false
	}
	return low64(e.value(), 0)
}

// Int returns the value of a signed integer. It reports false for other types,
// and for integers that exceed 64 bits.
func (e DataElement) Int() (int64, bool) {
	if e.Type() != TypeInt {
		return 0, false
	}
	value := e.value()
	var sign byte
	if value[0]&0x80 != 0 {
		sign = 0xff
	}
	v, ok := low64(value, sign)
	if negative := int64(v) < 0; !ok || negative != (sign != 0) {
		return 0, false
	}
	return int64(v), true
}

// low64 returns the lower 64 bits of an integer, extended by sign. It reports
// whether the other bytes are equal to sign.
func low64(value string, sign byte) (uint64, bool) {
	fits := true
	v := uint64(0)
	if sign != 0 {
		v = math.MaxUint64
	}
	for i := range len(value) {
		if i < len(value)-8 && value[i] != sign {
			fits = false
		}
		v = v<<8 | uint64(value[i])
	}
	if !fits {
		return 0, false
	}
	return v, true
}

// Bool returns the value of a boolean. It reports false for other types.
func (e DataElement) Bool() (v, ok bool) {
	if e.Type() != TypeBool {
		return false, false
	}
	return e.value() != "\x00", true
}

// Text returns the bytes of a text as they were received. They can contain a
// trailing NUL, control characters, and text that is not UTF-8. It reports false
// for other types.
func (e DataElement) Text() (string, bool) {
	if e.Type() != TypeText {
		return "", false
	}
	return e.value(), true
}

// URL returns the bytes of a URL as they were received. It reports false for
// other types.
func (e DataElement) URL() (string, bool) {
	if e.Type() != TypeURL {
		return "", false
	}
	return e.value(), true
}

// UUID returns the value of a UUID of any width. It reports false for other
// types.
func (e DataElement) UUID() (UUID, bool) {
	if e.Type() != TypeUUID {
		return UUID{}, false
	}
	switch value := e.value(); len(value) {
	case 2:
		return UUID16(uint16(value[0])<<8 | uint16(value[1])), true
	case 4:
		return UUID32(binary.BigEndian.Uint32([]byte(value))), true
	default:
		return UUID([]byte(value)), true
	}
}

// Elements returns the elements of a sequence or an alternative, or nil for
// other types. Each call returns a new slice.
func (e DataElement) Elements() []DataElement { return slices.Collect(e.children()) }

// children returns an iterator over the elements of a sequence or an
// alternative.
func (e DataElement) children() iter.Seq[DataElement] {
	return func(yield func(DataElement) bool) {
		if t := e.Type(); t != TypeSequence && t != TypeAlternative {
			return
		}
		for rest := e.value(); rest != ""; {
			size := elementSize(rest)
			if !yield(newElement(rest[:size])) {
				return
			}
			rest = rest[size:]
		}
	}
}

// Equal reports whether two elements have the same type and value. Integers are
// equal only if their widths are equal. UUIDs of different widths can be equal,
// and so can texts and sequences that encode their lengths in different widths.
func (e DataElement) Equal(other DataElement) bool {
	if e == other {
		return true
	}
	if e.Type() != other.Type() {
		return false
	}
	switch e.Type() {
	case TypeSequence, TypeAlternative:
		return slices.EqualFunc(e.Elements(), other.Elements(), DataElement.Equal)
	case TypeUUID:
		u, _ := e.UUID()
		v, _ := other.UUID()
		return u == v
	case TypeBool:
		v, _ := e.Bool()
		w, _ := other.Bool()
		return v == w
	}
	return e.value() == other.value()
}
