package sdp

import (
	"cmp"
	"fmt"
	"iter"
	"slices"
	"strings"
)

// A Record describes a service. It holds attributes, each at most once. The zero
// value is an empty record.
//
// Concurrent calls are safe unless one of them changes the record.
type Record struct {
	attributes []attribute // ascending
}

type attribute struct {
	id    AttributeID
	value DataElement
}

// find returns the position of an attribute, or where it would be inserted.
func (r *Record) find(id AttributeID) (int, bool) {
	return slices.BinarySearchFunc(r.attributes, id, func(a attribute, id AttributeID) int { return cmp.Compare(a.id, id) })
}

// Get returns the value of an attribute.
func (r *Record) Get(id AttributeID) (DataElement, bool) {
	i, ok := r.find(id)
	if !ok {
		return DataElement{}, false
	}
	return r.attributes[i].value, true
}

// Set sets an attribute.
func (r *Record) Set(id AttributeID, value DataElement) {
	i, ok := r.find(id)
	if ok {
		r.attributes[i].value = value
		return
	}
	r.attributes = slices.Insert(r.attributes, i, attribute{id, value})
}

// Delete removes an attribute. It does nothing if the record does not have it.
func (r *Record) Delete(id AttributeID) {
	if i, ok := r.find(id); ok {
		r.attributes = slices.Delete(r.attributes, i, i+1)
	}
}

// All returns an iterator over the attributes, in ascending order. The record
// must not be changed during the iteration.
func (r *Record) All() iter.Seq2[AttributeID, DataElement] {
	return func(yield func(AttributeID, DataElement) bool) {
		for _, a := range r.attributes {
			if !yield(a.id, a.value) {
				return
			}
		}
	}
}

// Clone returns a copy of the record.
func (r *Record) Clone() *Record { return &Record{slices.Clone(r.attributes)} }

// Equal reports whether two records have the same attributes with equal values.
// See [DataElement.Equal].
func (r *Record) Equal(other *Record) bool {
	return slices.EqualFunc(r.attributes, other.attributes, func(a, b attribute) bool {
		return a.id == b.id && a.value.Equal(b.value)
	})
}

// ParseRecord parses the binary form of a record: an attribute list, which is a
// sequence of attribute ids and values (Core Specification, Vol 3, Part B,
// 4.6.2). If an attribute occurs twice, its first value is used, as by BlueZ.
// The error matches [ErrMalformed], [ErrTooDeep] or [ErrTooLarge].
func ParseRecord(b []byte) (*Record, error) {
	list, rest, err := ParseDataElement(b)
	if err != nil {
		return nil, err
	}
	if len(rest) > 0 {
		return nil, fmt.Errorf("sdp: %w", malformed("%d bytes after the record", len(rest)))
	}
	r, err := recordOf(list)
	if err != nil {
		return nil, fmt.Errorf("sdp: %w", err)
	}
	return r, nil
}

// recordOf returns the record that an attribute list holds.
func recordOf(list DataElement) (*Record, error) {
	if list.Type() != TypeSequence {
		return nil, malformed("a record is a sequence; this is of type %v", list.Type())
	}
	var attributes []attribute
	isValue := false // whether the next element is the value of the last attribute
	for e := range list.children() {
		if isValue {
			attributes[len(attributes)-1].value = e
		} else {
			id, ok := e.Uint()
			if !ok || e.Width() != 2 {
				return nil, malformed("an attribute id is a uint16; this is %s", clip(e.String()))
			}
			attributes = append(attributes, attribute{id: AttributeID(id)})
		}
		isValue = !isValue
	}
	if isValue {
		return nil, malformed("the last attribute of the record has no value")
	}
	return newRecord(attributes), nil
}

// newRecord returns a record with the given attributes, in any order. If an
// attribute occurs twice, the first is used. The record owns the slice.
func newRecord(attributes []attribute) *Record {
	slices.SortStableFunc(attributes, func(a, b attribute) int { return cmp.Compare(a.id, b.id) })
	return &Record{slices.CompactFunc(attributes, func(a, b attribute) bool { return a.id == b.id })}
}

// element returns the record as an attribute list.
func (r *Record) element() DataElement {
	var elements []DataElement
	for id, value := range r.All() {
		elements = append(elements, Uint16(uint16(id)), value)
	}
	return Sequence(elements...)
}

// AppendBinary appends the binary form of the record, which [ParseRecord]
// accepts. It fails if the record exceeds [MaxDepth] or [MaxSize].
func (r *Record) AppendBinary(b []byte) ([]byte, error) { return r.element().AppendBinary(b) }

// MarshalBinary returns the binary form of the record. See
// [Record.AppendBinary].
func (r *Record) MarshalBinary() ([]byte, error) { return r.AppendBinary(nil) }

// UnmarshalBinary replaces the record by the one that [ParseRecord] returns.
func (r *Record) UnmarshalBinary(b []byte) error {
	parsed, err := ParseRecord(b)
	if err != nil {
		return err
	}
	*r = *parsed
	return nil
}

// String returns the record for people: a line for each attribute, in ascending
// order. Texts are quoted, as by [DataElement.String].
//
//	ServiceClassIDList: (Serial Port)
//	ProtocolDescriptorList: ((L2CAP), (RFCOMM, uint8 3))
//	ServiceName: "COM3"
func (r *Record) String() string {
	var b strings.Builder
	for id, value := range r.All() {
		fmt.Fprintf(&b, "%v: %v\n", id, value)
	}
	return b.String()
}
