package sdp

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"
)

// A request is one of the three requests. Its id determines which fields it has.
type request struct {
	id          pduID
	transaction uint16

	pattern []UUID           // search and search attribute: 1 to maxPatternUUIDs
	handle  uint32           // attribute
	ranges  []AttributeRange // attribute and search attribute: at least one

	// maximum limits the response: the number of handles in a search, and
	// otherwise the number of bytes.
	maximum uint16

	// continuation is that of the previous response; empty in the first request.
	continuation []byte
}

// append appends the encoded request to b.
func (r *request) append(b []byte) []byte {
	var p []byte
	if r.id == attributeRequest {
		p = binary.BigEndian.AppendUint32(p, r.handle)
	} else {
		p = append(p, patternElement(r.pattern).bytes()...)
	}
	p = binary.BigEndian.AppendUint16(p, r.maximum)
	if r.id != searchRequest {
		p = append(p, rangesElement(r.ranges).bytes()...)
	}
	p = appendContinuation(p, r.continuation)
	return pdu{r.id, r.transaction, p}.append(b)
}

// patternElement returns a search pattern, with each UUID in its shortest form.
func patternElement(uuids []UUID) DataElement {
	elements := make([]DataElement, len(uuids))
	for i, u := range uuids {
		elements[i] = UUIDElement(u)
	}
	return Sequence(elements...)
}

// rangesElement returns an attribute id list: 16 bits for a single attribute, 32
// bits for a range (Core Vol 3 Part B 4.6.1).
func rangesElement(ranges []AttributeRange) DataElement {
	elements := make([]DataElement, len(ranges))
	for i, r := range ranges {
		if r.First == r.Last {
			elements[i] = Uint16(uint16(r.First))
		} else {
			elements[i] = Uint32(uint32(r.First)<<16 | uint32(r.Last))
		}
	}
	return Sequence(elements...)
}

// normalizeRanges returns the ranges in ascending order and without overlaps, as
// an attribute id list requires. No ranges stand for all attributes.
func normalizeRanges(ranges []AttributeRange) ([]AttributeRange, error) {
	if len(ranges) == 0 {
		return []AttributeRange{AllAttributes}, nil
	}
	sorted := slices.SortedFunc(slices.Values(ranges), func(a, b AttributeRange) int { return cmp.Compare(a.First, b.First) })
	var joined []AttributeRange
	for _, r := range sorted {
		if r.First > r.Last {
			return nil, fmt.Errorf("sdp: invalid attribute range 0x%04x to 0x%04x: the first attribute must not exceed the last", uint16(r.First), uint16(r.Last))
		}
		if n := len(joined) - 1; n >= 0 && int(r.First) <= int(joined[n].Last)+1 {
			joined[n].Last = max(joined[n].Last, r.Last)
		} else {
			joined = append(joined, r)
		}
	}
	return joined, nil
}

// parseRequest returns the request that a PDU holds. Its continuation aliases
// the parameters. If the PDU is not a valid request, parseRequest returns the
// code for an error response; otherwise the code is 0.
func parseRequest(p pdu) (request, ErrorCode) {
	r := request{id: p.id, transaction: p.transaction}
	if !p.id.isRequest() {
		return r, InvalidSyntax
	}
	b, ok := r.parseSubject(p.parameters)
	if !ok || len(b) < 2 {
		return r, InvalidSyntax
	}
	r.maximum = binary.BigEndian.Uint16(b)
	b = b[2:]
	if r.id == searchRequest {
		ok = r.maximum > 0
	} else {
		r.ranges, b, ok = parseRanges(b)
		ok = ok && r.maximum >= minByteCount
	}
	if !ok {
		return r, InvalidSyntax
	}
	if r.continuation, ok = parseContinuation(b); !ok {
		return r, InvalidSyntax
	}
	return r, 0
}

// parseSubject parses the first parameter, a handle or a pattern, and returns
// the other parameters.
func (r *request) parseSubject(b []byte) (rest []byte, ok bool) {
	if r.id != attributeRequest {
		r.pattern, rest, ok = parsePattern(b)
		return rest, ok
	}
	if len(b) < 4 {
		return nil, false
	}
	r.handle = binary.BigEndian.Uint32(b)
	return b[4:], true
}

// parsePattern parses the search pattern at the beginning of b.
func parsePattern(b []byte) (uuids []UUID, rest []byte, ok bool) {
	e, rest, err := ParseDataElement(b)
	if err != nil || e.Type() != TypeSequence {
		return nil, nil, false
	}
	for _, element := range e.Elements() {
		u, ok := element.UUID()
		if !ok {
			return nil, nil, false
		}
		uuids = append(uuids, u)
	}
	return uuids, rest, len(uuids) > 0 && len(uuids) <= maxPatternUUIDs
}

// parseRanges parses the attribute id list at the beginning of b.
func parseRanges(b []byte) (ranges []AttributeRange, rest []byte, ok bool) {
	e, rest, err := ParseDataElement(b)
	if err != nil || e.Type() != TypeSequence {
		return nil, nil, false
	}
	for _, element := range e.Elements() {
		v, ok := element.Uint()
		var r AttributeRange
		switch {
		case ok && element.Width() == 2:
			r = AttributeRange{First: AttributeID(v), Last: AttributeID(v)}
		case ok && element.Width() == 4:
			r = AttributeRange{First: AttributeID(v >> 16), Last: AttributeID(v)}
		default:
			return nil, nil, false
		}
		if r.First > r.Last {
			return nil, nil, false
		}
		ranges = append(ranges, r)
	}
	return ranges, rest, len(ranges) > 0
}
