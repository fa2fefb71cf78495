package sdp_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/go-rfcomm/rfcomm/sdp"
)

// outlineFields are the fields of tshark that make up an outline.
var outlineFields = []string{
	"btsdp.service.attribute", "btsdp.data_element.type", "btsdp.data_element.size", "btsdp.data_element.value.uuid_16",
}

// outline returns the outline of an answer with records: the identifiers of the
// attributes, the types of all elements, the indexes of their sizes, and the
// UUIDs of 16 bits, as tshark prints them.
func outline(t *testing.T, records []*sdp.Record) string {
	t.Helper()
	var o outliner
	var lists []sdp.DataElement
	for _, r := range records {
		b, err := r.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		list, _, err := sdp.ParseDataElement(b)
		if err != nil {
			t.Fatal(err)
		}
		lists = append(lists, list)
		for id := range r.All() {
			o.attributes = append(o.attributes, fmt.Sprintf("%#04x", uint16(id)))
		}
	}
	o.add(t, sdp.Sequence(lists...))
	return strings.Join([]string{
		strings.Join(o.attributes, ","), strings.Join(o.types, ","), strings.Join(o.sizes, ","), strings.Join(o.uuids, ","),
	}, "\t")
}

type outliner struct {
	attributes, types, sizes, uuids []string
}

// add adds an element and those in it.
func (o *outliner) add(t *testing.T, e sdp.DataElement) {
	t.Helper()
	b, err := e.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	o.types = append(o.types, fmt.Sprint(b[0]>>3))
	o.sizes = append(o.sizes, fmt.Sprint(b[0]&7))
	if e.Type() == sdp.TypeUUID && e.Width() == 2 {
		o.uuids = append(o.uuids, fmt.Sprintf("0x%x", b[1:]))
	}
	for _, inner := range e.Elements() {
		o.add(t, inner)
	}
}
