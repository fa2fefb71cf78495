// Package sdppeer plays the SDP server of a device that implements SDP in its
// own way, over any connection that preserves packets. It is independent of
// package sdp, whose tests use it.
package sdppeer

import (
	"encoding/binary"
	"encoding/hex"
	"net"
	"sync"
)

// PDU ids (Core Specification, Volume 3, Part B, section 4.2).
const (
	errorResponse           = 0x01
	searchAttributeRequest  = 0x06
	searchAttributeResponse = 0x07
)

// A Request is a request for the attributes of the records that match a
// pattern.
type Request struct {
	ID           byte
	Transaction  uint16
	Pattern      string // the UUIDs in hexadecimal digits, as short as sent, separated by blanks
	Maximum      int    // of the bytes in the response
	Continuation []byte
}

// A Peer is a device's SDP server.
type Peer struct {
	// Answer returns the packets with which the device answers a request. If it
	// returns none, the device does not answer. If it returns a nil packet, the
	// device closes the channel.
	Answer func(r Request) [][]byte

	mu       sync.Mutex
	patterns []string
	channels int
}

// Serve accepts channels until the listener is closed, and answers on them.
func (p *Peer) Serve(l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		go p.ServeConn(conn)
	}
}

// ServeConn answers on one channel until its end.
func (p *Peer) ServeConn(conn net.Conn) {
	defer conn.Close()
	p.mu.Lock()
	p.channels++
	p.mu.Unlock()
	packet := make([]byte, 1<<16)
	for {
		n, err := conn.Read(packet)
		if err != nil {
			return
		}
		r, ok := parse(packet[:n])
		if !ok {
			continue
		}
		if len(r.Continuation) == 0 {
			p.mu.Lock()
			p.patterns = append(p.patterns, r.Pattern)
			p.mu.Unlock()
		}
		for _, answer := range p.Answer(r) {
			if answer == nil {
				return
			}
			if _, err := conn.Write(answer); err != nil {
				return
			}
		}
	}
}

// Patterns returns the patterns of all searches, and the number of channels that
// the clients have opened.
func (p *Peer) Patterns() (patterns []string, channels int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.patterns...), p.channels
}

// parse parses a request. It trusts the client under test.
func parse(packet []byte) (r Request, ok bool) {
	if len(packet) < 7 {
		return Request{}, false
	}
	r = Request{ID: packet[0], Transaction: binary.BigEndian.Uint16(packet[1:])}
	if r.ID != searchAttributeRequest {
		return r, true
	}
	pattern, rest := element(packet[5:])
	for len(pattern) > 0 {
		uuid, next := element(pattern)
		if r.Pattern != "" {
			r.Pattern += " "
		}
		r.Pattern += hex.EncodeToString(uuid)
		pattern = next
	}
	r.Maximum = int(binary.BigEndian.Uint16(rest))
	_, rest = element(rest[2:])
	r.Continuation = append([]byte(nil), rest[1:]...)
	return r, true
}

// element returns the content of a sequence of less than 256 bytes or of a UUID,
// and the bytes after it.
func element(b []byte) (content, rest []byte) {
	if size := b[0] & 7; size < 5 {
		end := 1 + 1<<size
		return b[1:end], b[end:]
	}
	end := 2 + int(b[1])
	return b[2:end], b[end:]
}

// Records returns the answer of records, which are attribute lists in binary
// form: a sequence of them.
func Records(records ...[]byte) []byte {
	answer := []byte{0x36, 0, 0}
	for _, r := range records {
		answer = append(answer, r...)
	}
	binary.BigEndian.PutUint16(answer[1:], uint16(len(answer)-3))
	return answer
}

// Respond returns the response with the next part of an answer, of at most size
// bytes. Its continuation state is the position of the part after it.
func Respond(r Request, answer []byte, size int) []byte {
	from := 0
	if len(r.Continuation) == 2 {
		from = int(binary.BigEndian.Uint16(r.Continuation))
	}
	end := min(from+min(size, r.Maximum), len(answer))
	var state []byte
	if end < len(answer) {
		state = binary.BigEndian.AppendUint16(nil, uint16(end))
	}
	return RespondPart(r, answer[from:end], state)
}

// RespondPart returns a response with a part of an answer and a continuation
// state.
func RespondPart(r Request, part, state []byte) []byte {
	parameters := binary.BigEndian.AppendUint16(nil, uint16(len(part)))
	parameters = append(parameters, part...)
	parameters = append(append(parameters, byte(len(state))), state...)
	return packet(searchAttributeResponse, r, parameters)
}

// Refuse returns an error response.
func Refuse(r Request, code uint16) []byte {
	return packet(errorResponse, r, binary.BigEndian.AppendUint16(nil, code))
}

func packet(id byte, r Request, parameters []byte) []byte {
	b := binary.BigEndian.AppendUint16([]byte{id}, r.Transaction)
	b = binary.BigEndian.AppendUint16(b, uint16(len(parameters)))
	return append(b, parameters...)
}
