package sdp

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"slices"
)

// A session answers the requests of one connection, without I/O.
type session struct {
	database *database
	mtu      int // of responses

	// The rest of the last answer to each kind of request. A client has one
	// request outstanding, but may stop in the middle of an answer, or ask for
	// something else first.
	search, attribute, searchAttribute rest

	lastState uint32 // the last continuation state
}

func newSession(d *database, mtu int) *session {
	return &session{database: d, mtu: mtu, lastState: rand.Uint32()}
}

// respond returns the response to a packet. It fails if the packet has no
// transaction that a response could name. If the server is closing, only
// requests for the rest of an answer are served.
func (s *session) respond(packet []byte, closing bool) ([]byte, error) {
	p, err := parsePDU(packet)
	if err == errShortHeader {
		return nil, err
	}
	if err != nil {
		return appendError(nil, p.transaction, InvalidPDUSize), nil
	}
	r, code := parseRequest(p)
	if code == 0 && closing && len(r.continuation) == 0 {
		code = InsufficientResources
	}
	var answer *rest
	if code == 0 {
		answer, code = s.answer(r)
	}
	if code != 0 {
		return appendError(nil, p.transaction, code), nil
	}
	total := answer.total
	return appendPart(nil, p.id.response(), p.transaction, total, s.next(r, answer)), nil
}

// unfinished reports whether the client has received a part of an answer and may
// ask for the rest.
func (s *session) unfinished() bool {
	return s.search.exists() || s.attribute.exists() || s.searchAttribute.exists()
}

// answer returns the answer to a request of which the next part is to be sent,
// or an error code.
func (s *session) answer(r request) (*rest, ErrorCode) {
	answer := s.rest(r.id)
	if len(r.continuation) > 0 {
		if !answer.continues(r) {
			return nil, InvalidContinuation
		}
		return answer, 0
	}
	*answer = rest{} // the client has given up the last one
	content, total, code := s.database.answer(r)
	if code != 0 {
		return nil, code
	}
	*answer = rest{request: r, total: total, bytes: content}
	return answer, 0
}

// rest returns the rest of the last answer to a kind of request.
func (s *session) rest(id pduID) *rest {
	switch id {
	case searchRequest:
		return &s.search
	case attributeRequest:
		return &s.attribute
	}
	return &s.searchAttribute
}

// next removes the next part from an answer.
func (s *session) next(r request, answer *rest) part {
	if len(answer.bytes) <= s.room(r, 0) {
		p := part{bytes: answer.bytes}
		*answer = rest{}
		return p
	}
	size := s.room(r, continuationSize)
	p := part{bytes: answer.bytes[:size]}
	answer.bytes = answer.bytes[size:]
	s.lastState++
	answer.state = s.lastState
	p.continuation = answer.continuation()
	return p
}

// room returns the size of the longest part of an answer in a response with a
// continuation state of the given size. It is positive even for the smallest MTU.
func (s *session) room(r request, continuation int) int {
	const counts, length = 2, 1
	room := s.mtu - pduHeaderSize - counts - length - continuation
	if r.id == searchRequest {
		return (room - counts) / handleSize * handleSize // it has two counts
	}
	return min(room, int(r.maximum))
}

// A rest is the part of an answer that the client has not received yet. The
// answer is made when the request arrives: records that change meanwhile do not
// change it.
type rest struct {
	request request
	total   int // number of records, in a search response
	bytes   []byte
	state   uint32 // by which the client asks for the next part
}

const (
	// handleSize is the size of a service record handle.
	handleSize = 4

	// continuationSize is the size of the server's continuation states.
	continuationSize = 4
)

func (a *rest) exists() bool { return len(a.bytes) > 0 }

// continuation returns the continuation state of the last response.
func (a *rest) continuation() []byte { return binary.BigEndian.AppendUint32(nil, a.state) }

// continues reports whether r asks for the next part of the answer: its state is
// the last one that the client received, and the rest of it equals the request.
// The maximum byte count may differ, since it holds for one response.
func (a *rest) continues(r request) bool {
	return a.exists() && bytes.Equal(r.continuation, a.continuation()) &&
		slices.Equal(r.pattern, a.request.pattern) &&
		r.handle == a.request.handle &&
		slices.Equal(r.ranges, a.request.ranges) &&
		(r.id != searchRequest || r.maximum == a.request.maximum)
}
