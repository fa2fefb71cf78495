package sdp

import (
	"fmt"
	"strings"
)

// XML returns the record in the form that BlueZ accepts for the registration of
// a service, and that "sdptool browse --xml" prints (src/sdp-xml.c).
// [ParseRecordXML] returns an equal record.
//
// A text that is not printable ASCII has its bytes in hexadecimal and the
// attribute encoding="hex". So does such a URL, which BlueZ does not support.
// BlueZ also does not support texts and URLs above 65,535 bytes. The digits of
// an integer of 128 bits begin with its least significant byte, as those of
// BlueZ do on a little-endian machine.
func (r *Record) XML() string {
	b := []byte("<?xml version=\"1.0\" encoding=\"UTF-8\" ?>\n\n<record>\n")
	for id, value := range r.All() {
		b = fmt.Appendf(b, "\t<attribute id=\"0x%04x\">\n", uint16(id))
		b = value.appendXML(b, 2)
		b = append(b, "\t</attribute>\n"...)
	}
	return string(append(b, "</record>\n"...))
}

// appendXML appends the element on lines of their own.
func (e DataElement) appendXML(b []byte, indent int) []byte {
	tabs := strings.Repeat("\t", indent)
	b = append(b, tabs...)
	switch e.Type() {
	case TypeNil:
		return append(b, "<nil/>\n"...)
	case TypeText:
		return appendXMLText(b, xmlText, e.value())
	case TypeURL:
		return appendXMLText(b, xmlURL, e.value())
	case TypeSequence:
		return e.appendXMLList(b, xmlSequence, indent)
	case TypeAlternative:
		return e.appendXMLList(b, xmlAlternative, indent)
	}
	name, value := e.scalar()
	return fmt.Appendf(b, "<%s value=\"%s\" />\n", name, value)
}

func (e DataElement) appendXMLList(b []byte, name string, indent int) []byte {
	b = fmt.Appendf(b, "<%s>\n", name)
	for child := range e.children() {
		b = child.appendXML(b, indent+1)
	}
	return fmt.Appendf(b, "%s</%s>\n", strings.Repeat("\t", indent), name)
}

func appendXMLText(b []byte, name, value string) []byte {
	if !isPlain(value) {
		return fmt.Appendf(b, "<%s encoding=\"hex\" value=\"%x\" />\n", name, value)
	}
	return fmt.Appendf(b, "<%s value=\"%s\" />\n", name, xmlEscaper.Replace(value))
}

var xmlEscaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;")
