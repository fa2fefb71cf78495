package sdp

import (
	"fmt"
	"strconv"
	"strings"
)

// String returns the element for people, on one line. Assigned UUIDs appear as
// their names, and texts are quoted as Go strings, so that they cannot contain
// control characters or terminal escape sequences:
//
//	((L2CAP), (RFCOMM, uint8 3))
//
// The list of an alternative is in braces.
func (e DataElement) String() string { return string(e.appendString(nil)) }

func (e DataElement) appendString(b []byte) []byte {
	switch e.Type() {
	case TypeNil:
		return append(b, "nil"...)
	case TypeUint:
		if e.Width() == 1 { // often a channel
			return fmt.Appendf(b, "uint8 %d", e.value()[0])
		}
		return fmt.Appendf(b, "uint%d 0x%x", 8*e.Width(), e.value())
	case TypeInt:
		return e.appendInt(fmt.Appendf(b, "int%d ", 8*e.Width()))
	case TypeUUID:
		u, _ := e.UUID()
		return append(b, u.label()...)
	case TypeText:
		return strconv.AppendQuote(b, e.value())
	case TypeURL:
		return strconv.AppendQuote(append(b, "url "...), e.value())
	case TypeBool:
		v, _ := e.Bool()
		return strconv.AppendBool(b, v)
	case TypeAlternative:
		return append(e.appendList(append(b, '{')), '}')
	}
	return append(e.appendList(append(b, '(')), ')')
}

// appendInt appends a signed integer: its bytes in hexadecimal if it exceeds 64
// bits.
func (e DataElement) appendInt(b []byte) []byte {
	if e.Width() == 16 {
		return fmt.Appendf(b, "0x%x", e.value())
	}
	v, _ := e.Int()
	return strconv.AppendInt(b, v, 10)
}

func (e DataElement) appendList(b []byte) []byte {
	first := true
	for e := range e.children() {
		if !first {
			b = append(b, ", "...)
		}
		first = false
		b = e.appendString(b)
	}
	return b
}

// escaped returns a text in which control characters and the like are escaped as
// in a Go string.
func escaped(s string) string {
	quoted := strconv.Quote(s)
	return strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`)
}
