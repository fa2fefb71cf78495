package sdp

import (
	"errors"
	"fmt"
)

// Reasons of failed calls of a [Client], besides [ErrMalformed], [ErrTooDeep]
// and [ErrTooLarge].
var (
	// ErrUnexpectedResponse means that the peer answered another request: the
	// response has another transaction or another type. A [ProtocolError] wraps
	// it.
	ErrUnexpectedResponse = errors.New("unexpected response")

	// ErrTooManyRounds means that the peer continues its answer without end. See
	// [MaxRounds]. A [ProtocolError] wraps it.
	ErrTooManyRounds = errors.New("too many rounds")

	// ErrRequestTooLarge means that a request is longer than the peer's MTU. It
	// was not sent.
	ErrRequestTooLarge = errors.New("request exceeds the MTU")
)

// A ResponseError is the error response of the peer to a request.
type ResponseError struct {
	Code ErrorCode
}

func (e *ResponseError) Error() string { return "error response: " + e.Code.String() }

// A ProtocolError reports that the peer violates the protocol. It matches one
// of the following, or none if a response has wrong lengths:
//
//   - [ErrMalformed], [ErrTooDeep]: a data element or a record in the answer
//   - [ErrUnexpectedResponse]: the response to another request; if it is an
//     error response, the error matches its [ResponseError] as well
//   - [ErrTooManyRounds], [ErrTooLarge]: an answer beyond the limits
type ProtocolError struct {
	Err error
}

func (e *ProtocolError) Error() string { return "protocol violation by the peer: " + e.Err.Error() }
func (e *ProtocolError) Unwrap() error { return e.Err }

// An ErrorCode is the reason of an error response (Core Specification, Vol 3,
// Part B, 4.4.1).
type ErrorCode uint16

const (
	UnsupportedVersion    ErrorCode = 0x0001
	InvalidRecordHandle   ErrorCode = 0x0002
	InvalidSyntax         ErrorCode = 0x0003
	InvalidPDUSize        ErrorCode = 0x0004
	InvalidContinuation   ErrorCode = 0x0005
	InsufficientResources ErrorCode = 0x0006
)

// String returns the meaning and the number of the code, such as "invalid PDU
// size (0x0004)".
func (c ErrorCode) String() string {
	meaning := "unknown error"
	switch c {
	case UnsupportedVersion:
		meaning = "unsupported SDP version"
	case InvalidRecordHandle:
		meaning = "invalid service record handle"
	case InvalidSyntax:
		meaning = "invalid request syntax"
	case InvalidPDUSize:
		meaning = "invalid PDU size"
	case InvalidContinuation:
		meaning = "invalid continuation state"
	case InsufficientResources:
		meaning = "insufficient resources"
	}
	return fmt.Sprintf("%s (0x%04x)", meaning, uint16(c))
}
