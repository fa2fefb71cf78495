package sdp

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// A pduID is the first byte of a PDU (Core Vol 3 Part B 4.2).
type pduID uint8

const (
	errorResponse           pduID = 0x01
	searchRequest           pduID = 0x02
	searchResponse          pduID = 0x03
	attributeRequest        pduID = 0x04
	attributeResponse       pduID = 0x05
	searchAttributeRequest  pduID = 0x06
	searchAttributeResponse pduID = 0x07
)

// isRequest reports whether id is one of the three requests.
func (id pduID) isRequest() bool {
	return id == searchRequest || id == attributeRequest || id == searchAttributeRequest
}

// response returns the id of the response to a request.
func (id pduID) response() pduID { return id + 1 }

func (id pduID) String() string {
	switch id {
	case errorResponse:
		return "error response"
	case searchRequest:
		return "search request"
	case searchResponse:
		return "search response"
	case attributeRequest:
		return "attribute request"
	case attributeResponse:
		return "attribute response"
	case searchAttributeRequest:
		return "search attribute request"
	case searchAttributeResponse:
		return "search attribute response"
	}
	return fmt.Sprintf("PDU 0x%02x", uint8(id))
}

const (
	// pduHeaderSize is the size of the header: id, transaction, length.
	pduHeaderSize = 5

	// maxParameterSize is the limit that the header's length field sets.
	maxParameterSize = 0xffff

	// maxPDUSize is the size of the longest PDU.
	maxPDUSize = pduHeaderSize + maxParameterSize

	// maxContinuation is the maximum length of a continuation state (Core Vol 3
	// Part B 4.3).
	maxContinuation = 16

	// maxPatternUUIDs is the maximum number of UUIDs in a search pattern (4.5.1).
	maxPatternUUIDs = 12

	// minByteCount is the smallest maximum byte count of an attribute request or
	// a search attribute request (4.6.1, 4.7.1).
	minByteCount = 7

	// minMTU is the smallest MTU of an L2CAP channel (Core Vol 3 Part A 5.1).
	minMTU = 48
)

// A pdu is a PDU without its length field, which follows from the parameters.
type pdu struct {
	id          pduID
	transaction uint16
	parameters  []byte
}

var (
	errShortHeader     = errors.New("shorter than its header")
	errParameterLength = errors.New("parameter length differs from the packet's length")
)

// parsePDU returns the PDU that packet holds, with parameters that alias it. If
// the packet has a header, its fields are valid even if err is
// errParameterLength: a server needs the transaction for its error response.
func parsePDU(packet []byte) (p pdu, err error) {
	if len(packet) < pduHeaderSize {
		return pdu{}, errShortHeader
	}
	p = pdu{
		id:          pduID(packet[0]),
		transaction: binary.BigEndian.Uint16(packet[1:]),
		parameters:  packet[pduHeaderSize:],
	}
	if int(binary.BigEndian.Uint16(packet[3:])) != len(p.parameters) {
		return p, errParameterLength
	}
	return p, nil
}

// append appends the encoded PDU to b. The parameters must not be longer than
// maxParameterSize.
func (p pdu) append(b []byte) []byte {
	b = append(b, byte(p.id))
	b = binary.BigEndian.AppendUint16(b, p.transaction)
	b = binary.BigEndian.AppendUint16(b, uint16(len(p.parameters)))
	return append(b, p.parameters...)
}

// appendContinuation appends a continuation state of at most maxContinuation
// bytes, with its length, to b. An empty state ends an answer.
func appendContinuation(b, state []byte) []byte {
	return append(append(b, byte(len(state))), state...)
}

// parseContinuation returns the continuation state that b consists of. It
// returns false if the length byte is missing, above maxContinuation, or not
// that of the rest of b.
func parseContinuation(b []byte) (state []byte, ok bool) {
	if len(b) == 0 || b[0] > maxContinuation || int(b[0]) != len(b)-1 {
		return nil, false
	}
	return b[1:], true
}

// appendError appends an error response to b.
func appendError(b []byte, transaction uint16, code ErrorCode) []byte {
	return pdu{errorResponse, transaction, binary.BigEndian.AppendUint16(nil, uint16(code))}.append(b)
}

// parseError returns the code in the parameters of an error response. The code
// may be followed by information for which the specification defines no format
// (4.4.1).
func parseError(parameters []byte) (code ErrorCode, ok bool) {
	if len(parameters) < 2 {
		return 0, false
	}
	return ErrorCode(binary.BigEndian.Uint16(parameters)), true
}

// A part is the part of an answer that one response carries.
type part struct {
	// bytes is the part of the attribute lists or, in a search response, of the
	// service record handles, 4 bytes each.
	bytes []byte

	// continuation asks for the next part. It is empty in the last response.
	continuation []byte
}

// appendPart appends a response with a part of an answer to b. Total is the
// number of records that match; only a search response has it.
func appendPart(b []byte, id pduID, transaction uint16, total int, p part) []byte {
	var parameters []byte
	count := len(p.bytes)
	if id == searchResponse {
		parameters = binary.BigEndian.AppendUint16(parameters, uint16(total))
		count /= 4
	}
	parameters = binary.BigEndian.AppendUint16(parameters, uint16(count))
	parameters = append(parameters, p.bytes...)
	parameters = appendContinuation(parameters, p.continuation)
	return pdu{id, transaction, parameters}.append(b)
}

var (
	errShortPart        = errors.New("shorter than the part of an answer that it announces")
	errBadContinuation  = errors.New("continuation state of a wrong length")
	errUnexpectedLength = errors.New("count exceeds the total")
)

// parsePart returns the part of an answer that a response other than an error
// response carries. The slices alias the parameters.
func parsePart(p pdu) (part, error) {
	b, unit := p.parameters, 1
	if p.id == searchResponse {
		unit = 4
		if len(b) < 4 {
			return part{}, errShortPart
		}
		if binary.BigEndian.Uint16(b[2:]) > binary.BigEndian.Uint16(b) {
			return part{}, errUnexpectedLength
		}
		b = b[2:]
	}
	if len(b) < 2 {
		return part{}, errShortPart
	}
	size := unit * int(binary.BigEndian.Uint16(b))
	b = b[2:]
	if size > len(b) {
		return part{}, errShortPart
	}
	continuation, ok := parseContinuation(b[size:])
	if !ok {
		return part{}, errBadContinuation
	}
	return part{b[:size:size], continuation}, nil
}
