package capture

import (
	"fmt"
	"strings"

	"github.com/go-rfcomm/rfcomm/sdp"
)

// outlineFields are the fields of tshark that make up an outline, with the list of
// the records as the first element.
var outlineFields = []string{
	"btsdp.service.attribute", "btsdp.data_element.type", "btsdp.data_element.size", "btsdp.data_element.value.uuid_16",
}

// An outliner collects the values of outlineFields.
type outliner struct {
	attributes, types, sizes, uuids []string
}

// outline returns the outline of an answer with records: the identifiers of the
// attributes, the types of all elements, the indexes of their sizes, and the
// UUIDs of 16 bits, as tshark prints them. It does not include the list of the
// records, whose size peers encode in different ways.
func outline(records []*sdp.Record) (string, error) {
	var o outliner
	for _, r := range records {
		b, err := r.MarshalBinary()
		if err != nil {
			return "", err
		}
		list, _, err := sdp.ParseDataElement(b)
		if err != nil {
			return "", err
		}
		if err := o.add(list); err != nil {
			return "", err
		}
		for id := range r.All() {
			o.attributes = append(o.attributes, fmt.Sprintf("%#04x", uint16(id)))
		}
	}
	var columns []string
	for _, column := range [][]string{o.attributes, o.types, o.sizes, o.uuids} {
		columns = append(columns, strings.Join(column, ","))
	}
	return strings.Join(columns, "\t"), nil
}

// outlineOf returns the outline that is in the values of outlineFields.
func outlineOf(values []string) string {
	_, types, _ := strings.Cut(values[1], ",")
	_, sizes, _ := strings.Cut(values[2], ",")
	return strings.Join([]string{values[0], types, sizes, values[3]}, "\t")
}

// add adds an element and those in it.
func (o *outliner) add(e sdp.DataElement) error {
	b, err := e.AppendBinary(nil)
	if err != nil {
		return err
	}
	o.types = append(o.types, fmt.Sprint(b[0]>>3))
	o.sizes = append(o.sizes, fmt.Sprint(b[0]&7))
	if e.Type() == sdp.TypeUUID && e.Width() == 2 {
		o.uuids = append(o.uuids, fmt.Sprintf("0x%x", b[1:]))
	}
	for _, inner := range e.Elements() {
		if err := o.add(inner); err != nil {
			return err
		}
	}
	return nil
}
