package sdp

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
)

// ParseRecordXML parses the XML form of a record, as [Record.XML] returns it, as
// BlueZ accepts it, and as sdptool prints it: integers can be decimal, octal or
// hexadecimal, and an entity such as &amp; can lack its semicolon, which sdptool
// omits. If an attribute occurs twice, its first value is used. The limits are
// those of the binary form. Errors match [ErrMalformed], [ErrTooDeep] or
// [ErrTooLarge], and errors of the syntax name the line.
func ParseRecordXML(s string) (*Record, error) {
	p := xmlParser{xml.NewDecoder(strings.NewReader(completeEntities(s)))}
	r, err := p.record()
	if err != nil {
		line, _ := p.decoder.InputPos()
		return nil, fmt.Errorf("sdp: line %d of the XML: %w", line, err)
	}
	if _, err := r.AppendBinary(nil); err != nil {
		return nil, err
	}
	return r, nil
}

// entity matches the beginning of an entity, or an ampersand that begins none.
var entity = regexp.MustCompile(`&(#[0-9]+;|#x[0-9A-Fa-f]+;|(amp|lt|gt|quot|apos);?)?`)

// completeEntities adds the semicolons that sdptool omits after the names of
// entities, and escapes the ampersands that it does not escape in URLs.
func completeEntities(s string) string {
	return entity.ReplaceAllStringFunc(s, func(match string) string {
		switch {
		case match == "&":
			return "&amp;"
		case strings.HasSuffix(match, ";"):
			return match
		}
		return match + ";"
	})
}

// An xmlParser parses a record.
type xmlParser struct {
	decoder *xml.Decoder
}

// next returns the next tag. It returns nil at the end of the document.
func (p xmlParser) next() (xml.Token, error) {
	for {
		token, err := p.decoder.Token()
		switch {
		case err == io.EOF:
			return nil, nil
		case err != nil:
			return nil, syntaxError(err)
		}
		switch token := token.(type) {
		case xml.StartElement, xml.EndElement:
			return token, nil
		case xml.CharData:
			if text := bytes.TrimSpace(token); len(text) > 0 {
				return nil, malformed("the text %q is outside of the values", clip(string(text)))
			}
		}
	}
}

// syntaxError returns an error of package xml without the line, which
// ParseRecordXML adds. Its text can quote the document.
func syntaxError(err error) error {
	text := err.Error()
	if syntax, ok := errors.AsType[*xml.SyntaxError](err); ok {
		text = syntax.Msg
	}
	return malformed("%s", escaped(clip(text)))
}

// record parses the document.
func (p xmlParser) record() (*Record, error) {
	token, err := p.next()
	if err != nil {
		return nil, err
	}
	if start, ok := token.(xml.StartElement); !ok || start.Name.Local != xmlRecord {
		return nil, malformed("%s; want <record>", tag(token))
	}
	attributes, err := p.attributes()
	if err != nil {
		return nil, err
	}
	if token, err = p.next(); err != nil {
		return nil, err
	}
	if token != nil {
		return nil, malformed("%s after the record", tag(token))
	}
	return newRecord(attributes), nil
}

// attributes parses the attributes of the record and its end.
func (p xmlParser) attributes() (attributes []attribute, err error) {
	for {
		token, err := p.next()
		if err != nil {
			return nil, err
		}
		start, ok := token.(xml.StartElement)
		if !ok {
			return attributes, nil
		}
		a, err := p.attribute(start)
		if err != nil {
			return nil, err
		}
		attributes = append(attributes, a)
	}
}

// attribute parses an attribute of the record.
func (p xmlParser) attribute(start xml.StartElement) (a attribute, err error) {
	if start.Name.Local != xmlAttribute {
		return a, malformed("%s; want <attribute>", tag(start))
	}
	text, _ := xmlValue(start, "id")
	if a.id, err = parseAttributeID(text); err != nil {
		return a, err
	}
	token, err := p.next()
	if err != nil {
		return a, err
	}
	first, ok := token.(xml.StartElement)
	if !ok {
		return a, malformed("attribute %v has no value", a.id)
	}
	if a.value, err = p.element(first, 1); err != nil {
		return a, fmt.Errorf("attribute %v: %w", a.id, err)
	}
	return a, p.end()
}

// end parses the end of an element.
func (p xmlParser) end() error {
	token, err := p.next()
	if err != nil {
		return err
	}
	if _, ok := token.(xml.EndElement); !ok {
		return malformed("%s where an element has to end", tag(token))
	}
	return nil
}

// element parses an element that is depth levels deep.
func (p xmlParser) element(start xml.StartElement, depth int) (DataElement, error) {
	switch name := start.Name.Local; name {
	case xmlSequence, xmlAlternative:
		elements, err := p.list(depth)
		if err != nil {
			return DataElement{}, err
		}
		return newList(name, elements), nil
	default:
		value, ok := xmlValue(start, "value")
		if !ok && name != xmlNil {
			return DataElement{}, malformed("%s has no value", tag(start))
		}
		encoding, _ := xmlValue(start, "encoding")
		e, err := parseValue(name, value, encoding)
		if err != nil {
			return DataElement{}, err
		}
		return e, p.end()
	}
}

// list parses the elements of a sequence or an alternative.
func (p xmlParser) list(depth int) ([]DataElement, error) {
	if depth == MaxDepth {
		return nil, errTooDeep()
	}
	var elements []DataElement
	for {
		token, err := p.next()
		if err != nil {
			return nil, err
		}
		start, ok := token.(xml.StartElement)
		if !ok {
			return elements, nil
		}
		e, err := p.element(start, depth+1)
		if err != nil {
			return nil, err
		}
		elements = append(elements, e)
	}
}

// xmlValue returns the value of an XML attribute.
func xmlValue(start xml.StartElement, name string) (string, bool) {
	for _, a := range start.Attr {
		if a.Name.Local == name {
			return a.Value, true
		}
	}
	return "", false
}

// tag returns a token for an error.
func tag(token xml.Token) string {
	switch token := token.(type) {
	case xml.StartElement:
		return fmt.Sprintf("<%s>", escaped(clip(token.Name.Local)))
	case xml.EndElement:
		return fmt.Sprintf("</%s>", escaped(clip(token.Name.Local)))
	}
	return "end of the document"
}
