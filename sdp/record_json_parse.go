package sdp

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
)

// UnmarshalJSON implements [json.Unmarshaler]. It replaces the record. Errors
// match [ErrMalformed], [ErrTooDeep] or [ErrTooLarge].
func (r *Record) UnmarshalJSON(b []byte) error {
	parsed, err := parseJSON(b, jsonParser.record)
	if err == nil {
		err = parsed.element().check()
	}
	if err != nil {
		return fmt.Errorf("sdp: %w", err)
	}
	*r = *parsed
	return nil
}

// UnmarshalJSON implements [json.Unmarshaler]. It accepts the form of
// MarshalJSON; integers and booleans can be strings as well, in the forms that
// [ParseRecordXML] accepts. Errors match [ErrMalformed], [ErrTooDeep] or
// [ErrTooLarge].
func (e *DataElement) UnmarshalJSON(b []byte) error {
	parsed, err := parseJSON(b, func(p jsonParser) (DataElement, error) { return p.element(0) })
	if err == nil {
		err = parsed.check()
	}
	if err != nil {
		return fmt.Errorf("sdp: %w", err)
	}
	*e = parsed
	return nil
}

// jsonEncoding is the key of the encoding of a text or URL.
const jsonEncoding = "encoding"

// A jsonParser parses records and elements token by token: package json would
// scan the elements of a list again for each level.
type jsonParser struct {
	decoder *json.Decoder
}

// parseJSON parses b with a method of a jsonParser.
func parseJSON[Value any](b []byte, parse func(jsonParser) (Value, error)) (v Value, err error) {
	p := jsonParser{json.NewDecoder(bytes.NewReader(b))}
	p.decoder.UseNumber()
	if v, err = parse(p); err != nil {
		return v, err
	}
	if token, err := p.decoder.Token(); err != io.EOF {
		return v, malformed("%s after the JSON", clip(jsonText(token)))
	}
	return v, nil
}

// next returns the next token.
func (p jsonParser) next() (json.Token, error) {
	token, err := p.decoder.Token()
	if err != nil {
		return nil, malformed("JSON: %s", escaped(clip(err.Error())))
	}
	return token, nil
}

// open parses the beginning of an object or an array.
func (p jsonParser) open(delim json.Delim, subject string) error {
	token, err := p.next()
	if err == nil && token != delim {
		err = malformed("%s in JSON begins with %v; this is %s", subject, delim, clip(jsonText(token)))
	}
	return err
}

// record parses a record.
func (p jsonParser) record() (*Record, error) {
	if err := p.open('{', "a record"); err != nil {
		return nil, err
	}
	var attributes []attribute
	for p.decoder.More() {
		a, err := p.attribute()
		if err != nil {
			return nil, err
		}
		attributes = append(attributes, a)
	}
	r := newRecord(attributes)
	if n := len(attributes) - len(r.attributes); n > 0 {
		return nil, malformed("%d attributes occur twice, as 256 and 0x0100 would", n)
	}
	_, err := p.next()
	return r, err
}

// attribute parses an attribute of the record.
func (p jsonParser) attribute() (a attribute, err error) {
	key, err := p.next()
	if err != nil {
		return a, err
	}
	if a.id, err = parseAttributeID(key.(string)); err != nil {
		return a, err
	}
	if a.value, err = p.element(1); err != nil {
		err = fmt.Errorf("attribute %v: %w", a.id, err)
	}
	return a, err
}

// element parses an element that is depth levels deep.
func (p jsonParser) element(depth int) (DataElement, error) {
	if err := p.open('{', "an element"); err != nil {
		return DataElement{}, err
	}
	var o jsonObject
	for p.decoder.More() {
		if err := p.field(&o, depth); err != nil {
			return DataElement{}, err
		}
	}
	if _, err := p.next(); err != nil {
		return DataElement{}, err
	}
	switch {
	case o.types != 1:
		return DataElement{}, malformed("an element in JSON is an object with one key, its type; this has %d", o.types)
	case o.isList:
		return o.list, nil
	}
	return parseValue(o.name, o.value, o.encoding)
}

// A jsonObject holds the content of an element's object.
type jsonObject struct {
	types    int // number of keys that are types
	name     string
	value    string
	encoding string
	list     DataElement
	isList   bool
}

// field parses a key of an element's object and its value.
func (p jsonParser) field(o *jsonObject, depth int) error {
	token, err := p.next()
	if err != nil {
		return err
	}
	key := token.(string)
	if key == jsonEncoding {
		o.encoding, err = p.scalar(key)
		return err
	}
	o.types++
	o.name = key
	if key == xmlSequence || key == xmlAlternative {
		o.isList = true
		o.list, err = p.list(key, depth)
		return err
	}
	o.value, err = p.scalar(key)
	return err
}

// list parses a sequence or an alternative.
func (p jsonParser) list(name string, depth int) (DataElement, error) {
	if depth == MaxDepth {
		return DataElement{}, errTooDeep()
	}
	if err := p.open('[', "a list"); err != nil {
		return DataElement{}, err
	}
	var elements []DataElement
	for p.decoder.More() {
		e, err := p.element(depth + 1)
		if err != nil {
			return DataElement{}, err
		}
		elements = append(elements, e)
	}
	_, err := p.next()
	return newList(name, elements), err
}

// scalar parses the value of a key, which is a string, or for some types a
// number, a boolean or null.
func (p jsonParser) scalar(key string) (string, error) {
	token, err := p.next()
	if err != nil {
		return "", err
	}
	text, isString := token.(string)
	if isString {
		return text, nil
	}
	_, isDelim := token.(json.Delim)
	switch {
	case key == xmlText, key == xmlURL, key == xmlUUID, key == jsonEncoding:
		return "", malformed("%s in JSON is a string; this is %s", key, clip(jsonText(token)))
	case isDelim:
		return "", malformed("the element %s in JSON is not a list or an object; this is %s", escaped(clip(key)), clip(jsonText(token)))
	}
	return jsonText(token), nil
}

// jsonText returns a token as it is written.
func jsonText(token json.Token) string {
	switch token := token.(type) {
	case json.Delim:
		return token.String()
	case json.Number:
		return token.String()
	case bool:
		return strconv.FormatBool(token)
	case string:
		return strconv.Quote(clip(token))
	}
	return "null"
}
