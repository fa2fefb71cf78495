package sdp

import (
	"encoding/json"
	"fmt"
	"strconv"
	"unicode/utf8"
)

var (
	_ json.Marshaler   = DataElement{}
	_ json.Unmarshaler = (*DataElement)(nil)
	_ json.Marshaler   = (*Record)(nil)
	_ json.Unmarshaler = (*Record)(nil)
)

// MarshalJSON implements [json.Marshaler]. A record is an object with an element
// for each attribute, in ascending order:
//
//	{"0x0001":{"sequence":[{"uuid":"0x1101"}]},"0x0100":{"text":"COM3"}}
//
// See [DataElement.MarshalJSON] for the elements. UnmarshalJSON returns an equal
// record. MarshalJSON fails if the record exceeds [MaxDepth] or [MaxSize].
func (r *Record) MarshalJSON() ([]byte, error) {
	if err := r.element().check(); err != nil {
		return nil, fmt.Errorf("sdp: %w", err)
	}
	b := []byte{'{'}
	for i, a := range r.attributes {
		if i > 0 {
			b = append(b, ',')
		}
		b = a.value.appendJSON(fmt.Appendf(b, `"0x%04x":`, uint16(a.id)))
	}
	return append(b, '}'), nil
}

// MarshalJSON implements [json.Marshaler]. An element is an object whose key is
// the type, with the names of the XML form:
//
//	{"uint8":3}                        also uint16, uint32, int8, int16, int32
//	{"uint64":"0x0000000000000003"}    {"int64":"-3"}
//	{"uint128":"0x00112233…ddeeff"}    32 digits; also int128
//	{"uuid":"0x1101"}                  16, 32 or 128 bits
//	{"text":"COM3"}                    also url
//	{"text":"e4f6","encoding":"hex"}   if it is not UTF-8
//	{"boolean":true}
//	{"nil":null}
//	{"sequence":[{"uint8":3}]}         also alternate
func (e DataElement) MarshalJSON() ([]byte, error) {
	if err := e.check(); err != nil {
		return nil, fmt.Errorf("sdp: %w", err)
	}
	return e.appendJSON(nil), nil
}

func (e DataElement) appendJSON(b []byte) []byte {
	switch e.Type() {
	case TypeNil:
		return append(b, `{"nil":null}`...)
	case TypeText:
		return appendJSONText(b, xmlText, e.value())
	case TypeURL:
		return appendJSONText(b, xmlURL, e.value())
	case TypeSequence:
		return e.appendJSONList(b, xmlSequence)
	case TypeAlternative:
		return e.appendJSONList(b, xmlAlternative)
	}
	name, value := e.scalar()
	switch {
	case e.Type() == TypeUint && e.Width() <= 4:
		v, _ := e.Uint()
		value = strconv.FormatUint(v, 10)
	case e.Type() == TypeUUID || e.Width() == 8:
		value = strconv.Quote(value)
	case e.Width() == 16:
		value = fmt.Sprintf(`"0x%x"`, e.value())
	}
	return fmt.Appendf(b, `{"%s":%s}`, name, value)
}

func (e DataElement) appendJSONList(b []byte, name string) []byte {
	b = fmt.Appendf(b, `{"%s":[`, name)
	first := true
	for child := range e.children() {
		if !first {
			b = append(b, ',')
		}
		first = false
		b = child.appendJSON(b)
	}
	return append(b, "]}"...)
}

func appendJSONText(b []byte, name, value string) []byte {
	if !utf8.ValidString(value) {
		return fmt.Appendf(b, `{"%s":"%x","encoding":"hex"}`, name, value)
	}
	quoted, _ := json.Marshal(value) // a string has no error
	return fmt.Appendf(b, `{"%s":%s}`, name, quoted)
}
