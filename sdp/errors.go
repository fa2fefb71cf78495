package sdp

import "fmt"

// An ErrorCode is the reason of an error response (Core Vol 3 Part B 4.4.1).
type ErrorCode uint16

const (
	UnsupportedVersion    ErrorCode = 0x0001 // invalid or unsupported SDP version
	InvalidRecordHandle   ErrorCode = 0x0002 // no record has the handle
	InvalidSyntax         ErrorCode = 0x0003 // malformed request
	InvalidPDUSize        ErrorCode = 0x0004 // the length field does not match the packet
	InvalidContinuation   ErrorCode = 0x0005 // unknown continuation state
	InsufficientResources ErrorCode = 0x0006
)

// String returns the meaning of the code.
func (c ErrorCode) String() string {
	switch c {
	case UnsupportedVersion:
		return "unsupported SDP version"
	case InvalidRecordHandle:
		return "invalid service record handle"
	case InvalidSyntax:
		return "invalid request syntax"
	case InvalidPDUSize:
		return "invalid PDU size"
	case InvalidContinuation:
		return "invalid continuation state"
	case InsufficientResources:
		return "insufficient resources"
	}
	return fmt.Sprintf("unknown error code 0x%04x", uint16(c))
}
