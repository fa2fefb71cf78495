package sdp

import (
	"bytes"
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

// UnmarshalJSON implements [json.Unmarshaler]. It replaces the record. Errors
// match [ErrMalformed], [ErrTooDeep] or [ErrTooLarge].
func (r *Record) UnmarshalJSON(b []byte) error {
	var attributes map[string]json.RawMessage
	if err := json.Unmarshal(b, &attributes); err != nil {
		return fmt.Errorf("sdp: %w", malformed("a record in JSON is an object: %v", err))
	}
	if attributes == nil {
		return fmt.Errorf("sdp: %w", malformed("a record in JSON is an object, not null"))
	}
	parsed := new(Record)
	for key, value := range attributes {
		id, err := parseAttributeID(key)
		if err != nil {
			return fmt.Errorf("sdp: %w", err)
		}
		e, err := parseJSON(value, 1)
		if err != nil {
			return fmt.Errorf("sdp: attribute %v: %w", id, err)
		}
		if _, ok := parsed.Get(id); ok {
			return fmt.Errorf("sdp: %w", malformed("attribute %v occurs twice", id))
		}
		parsed.Set(id, e)
	}
	if err := parsed.element().check(); err != nil {
		return fmt.Errorf("sdp: %w", err)
	}
	*r = *parsed
	return nil
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

// UnmarshalJSON implements [json.Unmarshaler]. It accepts the form of
// MarshalJSON; integers and booleans can be strings as well, in the forms that
// [ParseRecordXML] accepts. Errors match [ErrMalformed], [ErrTooDeep] or
// [ErrTooLarge].
func (e *DataElement) UnmarshalJSON(b []byte) error {
	parsed, err := parseJSON(b, 0)
	if err == nil {
		err = parsed.check()
	}
	if err != nil {
		return fmt.Errorf("sdp: %w", err)
	}
	*e = parsed
	return nil
}

// parseJSON parses an element that is depth levels deep.
func parseJSON(b []byte, depth int) (DataElement, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(b, &fields); err != nil {
		return DataElement{}, malformed("an element in JSON is an object: %v", err)
	}
	encoding, err := jsonEncoding(fields)
	if err != nil {
		return DataElement{}, err
	}
	if len(fields) != 1 {
		return DataElement{}, malformed("an element in JSON is an object with one key, its type; this has %d", len(fields))
	}
	for name, value := range fields {
		if name == xmlSequence || name == xmlAlternative {
			elements, err := parseJSONList(value, depth)
			return newList(name, elements), err
		}
		text, isString, err := jsonText(value)
		if err != nil {
			return DataElement{}, err
		}
		if !isString && (name == xmlText || name == xmlURL || name == xmlUUID) {
			return DataElement{}, malformed("the %s has to be a string", name)
		}
		return parseValue(name, text, encoding)
	}
	return DataElement{}, nil
}

// jsonEncoding returns the encoding of a text and removes it from the fields.
func jsonEncoding(fields map[string]json.RawMessage) (encoding string, err error) {
	const key = "encoding"
	value, ok := fields[key]
	if !ok {
		return "", nil
	}
	delete(fields, key)
	encoding, _, err = jsonText(value)
	return encoding, err
}

// jsonText returns the content of a string, or another value as it is written.
func jsonText(value json.RawMessage) (text string, isString bool, err error) {
	value = bytes.TrimSpace(value)
	if !bytes.HasPrefix(value, []byte(`"`)) {
		return string(value), false, nil
	}
	if err := json.Unmarshal(value, &text); err != nil {
		return "", true, malformed("%v", err)
	}
	return text, true, nil
}

func parseJSONList(value json.RawMessage, depth int) ([]DataElement, error) {
	if depth == MaxDepth {
		return nil, errTooDeep()
	}
	var values []json.RawMessage
	if err := json.Unmarshal(value, &values); err != nil {
		return nil, malformed("a list in JSON is an array: %v", err)
	}
	elements := make([]DataElement, len(values))
	for i, value := range values {
		var err error
		if elements[i], err = parseJSON(value, depth+1); err != nil {
			return nil, err
		}
	}
	return elements, nil
}
