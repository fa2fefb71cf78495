package sdp

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
)

const (
	// ownHandle is the handle of the server's own record. Handles up to
	// 0x0000ffff are reserved (Core Specification, Volume 3, Part B, 5.1.1).
	ownHandle = 0x00000000

	// firstHandle is the first handle that Add assigns.
	firstHandle = 0x00010000
)

// Attributes of the server's own record (5.2).
const (
	attributeVersionNumberList    AttributeID = 0x0200
	attributeServiceDatabaseState AttributeID = 0x0201
)

// sdpVersion is the version of the protocol, 1.0.
const sdpVersion = 0x0100

// Add adds a copy of a record and returns the handle that it assigns: the first
// is 0x00010000, and a handle that was removed is not assigned again. It
// replaces the attribute ServiceRecordHandle of the copy.
//
// Add fails if the record has no service class, if an attribute that every
// service can have is of a wrong type, or if an RFCOMM channel is not 1 to 30. A
// client that browses finds the record only if its BrowseGroupList contains
// PublicBrowseRoot, as those of [NewSerialPort] and [NewService] do.
func (s *Server) Add(r *Record) (handle uint32, err error) {
	if err := validate(r); err != nil {
		return 0, err
	}
	return s.database.add(r)
}

// Update replaces the record with the given handle by a copy of r, which must be
// valid as for [Server.Add]. If r has a ServiceRecordState, it should differ
// from that of the former record, so that clients notice. A client that is
// receiving an answer receives the rest of it as it was. Update fails if no record
// was added with the handle, as for the server's own record.
func (s *Server) Update(handle uint32, r *Record) error {
	if err := validate(r); err != nil {
		return err
	}
	return s.database.update(handle, r)
}

// Remove removes the record with the given handle. A client that is receiving an
// answer receives the rest of it, with the record. Remove fails if no record was
// added with the handle, as for the server's own record.
func (s *Server) Remove(handle uint32) error { return s.database.remove(handle) }

// A database holds the records of a server. The zero value holds the server's
// own record only.
type database struct {
	mu      sync.Mutex
	entries []*entry // ascending by handle; the first is the server's own
	next    uint32   // the next handle
	state   uint32   // ServiceDatabaseState
}

// An entry is an encoded record. It is immutable.
type entry struct {
	handle     uint32
	attributes []encodedAttribute // ascending
	uuids      map[UUID]struct{}  // all in the record
}

// An encodedAttribute is the attribute with its id, as in an attribute list.
type encodedAttribute struct {
	id      AttributeID
	encoded string
}

// newEntry returns the entry of a record, with the given handle.
func newEntry(handle uint32, r *Record) *entry {
	r = r.Clone()
	r.Set(AttributeServiceRecordHandle, Uint32(handle))
	e := &entry{handle: handle, uuids: make(map[UUID]struct{})}
	for id, value := range r.All() {
		e.attributes = append(e.attributes, encodedAttribute{id, Uint16(uint16(id)).bytes() + value.bytes()})
		e.addUUIDs(value)
	}
	return e
}

func (e *entry) addUUIDs(value DataElement) {
	if u, ok := value.UUID(); ok {
		e.uuids[u] = struct{}{}
	}
	for _, element := range value.Elements() {
		e.addUUIDs(element)
	}
}

// matches reports whether the record contains all UUIDs of a pattern (2.5.2).
func (e *entry) matches(pattern []UUID) bool {
	for _, u := range pattern {
		if _, ok := e.uuids[u]; !ok {
			return false
		}
	}
	return true
}

// attributeList returns the encoded attributes in the ranges, each once and in
// ascending order.
func (e *entry) attributeList(ranges []AttributeRange) (list []byte) {
	for _, a := range e.attributes {
		if slices.ContainsFunc(ranges, func(r AttributeRange) bool { return r.First <= a.id && a.id <= r.Last }) {
			list = append(list, a.encoded...)
		}
	}
	return list
}

// sequenceOf returns the sequence of encoded elements.
func sequenceOf(elements []byte) []byte {
	return append(appendHeader(make([]byte, 0, 5+len(elements)), TypeSequence, len(elements)), elements...)
}

// answer returns the complete answer to a request: handles or attribute lists.
// Total is the number of records, for a search request.
func (d *database) answer(r request) (content []byte, total int, code ErrorCode) {
	records := d.records()
	if r.id == attributeRequest {
		i, ok := position(records, r.handle)
		if !ok {
			return nil, 0, InvalidRecordHandle
		}
		return sequenceOf(records[i].attributeList(r.ranges)), 0, 0
	}
	for _, e := range records {
		switch {
		case !e.matches(r.pattern):
		case r.id == searchAttributeRequest:
			// Like BlueZ, omit a record that has none of the attributes.
			if list := e.attributeList(r.ranges); list != nil {
				content = append(content, sequenceOf(list)...)
			}
		case total < int(r.maximum):
			content = binary.BigEndian.AppendUint32(content, e.handle)
			total++
		}
	}
	if r.id == searchAttributeRequest {
		content = sequenceOf(content)
	}
	return content, total, 0
}

// records returns all entries. The slice must not be changed.
func (d *database) records() []*entry {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.init()
	return d.entries
}

// init prepares the zero value. The caller holds d.mu.
func (d *database) init() {
	if d.entries == nil {
		// A client that knows the records of an earlier server must not take
		// them for those of this one.
		d.state, d.next = rand.Uint32(), firstHandle
		d.entries = []*entry{d.own()}
	}
}

// own returns the entry of the server's own record (5.2).
func (d *database) own() *entry {
	r := new(Record)
	r.Set(AttributeServiceClassIDList, Sequence(UUIDElement(ServiceDiscoveryServer)))
	r.Set(attributeVersionNumberList, Sequence(Uint16(sdpVersion)))
	r.Set(attributeServiceDatabaseState, Uint32(d.state))
	return newEntry(ownHandle, r)
}

func (d *database) add(r *Record) (uint32, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.init()
	if d.next == 0 {
		return 0, fmt.Errorf("sdp: no handle is left: a server assigns each only once")
	}
	handle := d.next
	d.next++
	d.changeMembers(append(slices.Clone(d.entries), newEntry(handle, r)))
	return handle, nil
}

func (d *database) update(handle uint32, r *Record) error {
	return d.change(handle, func(i int) {
		entries := slices.Clone(d.entries)
		entries[i] = newEntry(handle, r)
		d.entries = entries
	})
}

func (d *database) remove(handle uint32) error {
	return d.change(handle, func(i int) {
		d.changeMembers(slices.Delete(slices.Clone(d.entries), i, i+1))
	})
}

// change calls f with the position of a record, while it holds d.mu.
func (d *database) change(handle uint32, f func(i int)) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.init()
	i, ok := position(d.entries, handle)
	switch {
	case !ok:
		return fmt.Errorf("sdp: the server has no record with the handle 0x%08x", handle)
	case handle == ownHandle:
		return fmt.Errorf("sdp: the record with the handle 0x%08x is the server's own", handle)
	}
	f(i)
	return nil
}

// changeMembers replaces the entries, after a record was added or removed. Only
// then does the ServiceDatabaseState change (5.2.4).
func (d *database) changeMembers(entries []*entry) {
	d.state++
	entries[0] = d.own()
	d.entries = entries
}

// position returns the index of the record with the given handle.
func position(entries []*entry, handle uint32) (int, bool) {
	return slices.BinarySearchFunc(entries, handle, func(e *entry, handle uint32) int {
		switch {
		case e.handle < handle:
			return -1
		case e.handle > handle:
			return 1
		}
		return 0
	})
}
