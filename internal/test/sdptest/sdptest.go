// Package sdptest tests SDP servers. Its tests follow the list of test names of
// the Bluetooth SIG's Profile Tuning Suite for SDP servers (SDP/SR), and add the
// limits of the specification. They send hand-made packets and share no framing
// with package sdp, so that they also run against other servers.
package sdptest

import (
	"encoding/binary"
	"encoding/hex"
	"io"
	"strings"
	"testing"

	"github.com/go-rfcomm/rfcomm/sdp"
)

// The ids of PDUs (Core Specification, Volume 3, Part B, 4.2).
const (
	errorResponse          = 0x01
	searchRequest          = 0x02
	attributeRequest       = 0x04
	searchAttributeRequest = 0x06
)

// The error codes (4.4.1).
const (
	invalidHandle       = 0x0002
	invalidSyntax       = 0x0003
	invalidSize         = 0x0004
	invalidContinuation = 0x0005
)

// The MTUs of the connections: the smallest and the default of L2CAP.
const (
	smallMTU   = 48
	defaultMTU = 672
)

// A Server is the server under test.
type Server struct {
	// Dial returns a connection that keeps packets whole, on which no response
	// may be longer than mtu. It may return the same connection to tests that
	// follow each other.
	Dial func(t testing.TB, mtu int) io.ReadWriter

	// Except holds the names of tests to leave out, such as
	// "Limits/PatternOfThirteen".
	Except []string
}

// unhex returns the bytes of hexadecimal digits, between which blanks are
// allowed.
func unhex(digits string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(digits, " ", ""))
	if err != nil {
		panic(err)
	}
	return b
}

// A client sends requests and checks the form of the responses.
type client struct {
	testing.TB
	conn        io.ReadWriter
	mtu         int
	transaction uint16
}

// dial returns a client.
func (s Server) dial(t testing.TB, mtu int) *client {
	t.Helper()
	return &client{TB: t, conn: s.Dial(t, mtu), mtu: mtu, transaction: 0xfffe}
}

// A response is a PDU with its parameters.
type response struct {
	id         byte
	parameters []byte
}

// send sends a request, with a length field that differs from the length of the
// parameters by wrong, and returns the response.
func (c *client) send(id byte, parameters []byte, wrong int) response {
	c.Helper()
	c.write(id, parameters, wrong)
	return c.read()
}

func (c *client) write(id byte, parameters []byte, wrong int) {
	c.Helper()
	c.transaction++ // passes zero
	packet := binary.BigEndian.AppendUint16([]byte{id}, c.transaction)
	packet = binary.BigEndian.AppendUint16(packet, uint16(len(parameters)+wrong))
	if _, err := c.conn.Write(append(packet, parameters...)); err != nil {
		c.Fatal(err)
	}
}

// read reads the response to the request with c.transaction.
func (c *client) read() response {
	c.Helper()
	buf := make([]byte, 1<<16)
	n, err := c.conn.Read(buf)
	if err != nil {
		c.Fatalf("no response to the transaction %04x: %v", c.transaction, err)
	}
	switch got := buf[:n]; {
	case n < 5:
		c.Fatalf("the response %x has no header", got)
	case n > c.mtu:
		c.Fatalf("the response has %d bytes; the MTU is %d", n, c.mtu)
	case binary.BigEndian.Uint16(got[1:]) != c.transaction:
		c.Fatalf("the response %x has another transaction than %04x", got, c.transaction)
	case int(binary.BigEndian.Uint16(got[3:])) != n-5:
		c.Fatalf("the response %x of %d bytes has a wrong length", got, n)
	}
	return response{buf[0], buf[5:n]}
}

// request sends a request and returns the parameters of its response.
func (c *client) request(id byte, parameters ...[]byte) []byte {
	c.Helper()
	r := c.send(id, join(parameters...), 0)
	if r.id != id+1 {
		c.Fatalf("the response to a request %#02x is %#02x %x", id, r.id, r.parameters)
	}
	return r.parameters
}

// refused sends a request and checks that the response is an error.
func (c *client) refused(code uint16, id byte, parameters ...[]byte) {
	c.Helper()
	c.checkError(code, c.send(id, join(parameters...), 0))
}

func (c *client) checkError(code uint16, r response) {
	c.Helper()
	if r.id != errorResponse || len(r.parameters) < 2 || binary.BigEndian.Uint16(r.parameters) != code {
		c.Errorf("the response is %#02x %x, want the error %04x", r.id, r.parameters, code)
	}
}

func join(parts ...[]byte) (joined []byte) {
	for _, p := range parts {
		joined = append(joined, p...)
	}
	return joined
}

func u16(v int) []byte    { return binary.BigEndian.AppendUint16(nil, uint16(v)) }
func u32(v uint32) []byte { return binary.BigEndian.AppendUint32(nil, v) }

// none is the continuation state of a first request.
var none = []byte{0}

// encode returns an encoded element.
func encode(t testing.TB, e sdp.DataElement) []byte {
	t.Helper()
	b, err := e.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// widths are the sizes of a UUID in bytes.
var widths = map[string]int{"UUID16": 2, "UUID32": 4, "UUID128": 16}

// pattern returns a search pattern with UUIDs of a width.
func pattern(width int, uuids ...sdp.UUID) []byte {
	var elements []byte
	for _, u := range uuids {
		switch width {
		case 2:
			elements = append(append(elements, 0x19), u[2:4]...)
		case 4:
			elements = append(append(elements, 0x1a), u[:4]...)
		case 16:
			elements = append(append(elements, 0x1c), u[:]...)
		}
	}
	return sequence(elements)
}

// sequence returns a sequence of encoded elements, of at most 255 bytes.
func sequence(elements ...[]byte) []byte {
	content := join(elements...)
	return append([]byte{0x35, byte(len(content))}, content...)
}

// ids returns a list of attributes.
func ids(attributes ...sdp.AttributeID) []byte {
	var elements []byte
	for _, id := range attributes {
		elements = append(append(elements, 0x09), u16(int(id))...)
	}
	return sequence(elements)
}

// everything is the list with the range of all attributes.
var everything = sequence([]byte{0x0a, 0, 0, 0xff, 0xff})

// A part is a part of an answer: handles or bytes of attribute lists.
type part struct {
	total        int // of a search response
	content      []byte
	continuation []byte // with its length
}

// part returns the part of an answer that a response contains.
func (c *client) part(id byte, parameters []byte) (p part) {
	c.Helper()
	unit := 1
	if id == searchRequest {
		unit, p.total = 4, c.uint16(&parameters)
	}
	size := unit * c.uint16(&parameters)
	if len(parameters) < size+1 || int(parameters[size]) != len(parameters)-size-1 || parameters[size] > 16 {
		c.Fatalf("%x is not %d bytes and a continuation state", parameters, size)
	}
	p.content, p.continuation = parameters[:size], parameters[size:]
	return p
}

func (c *client) uint16(b *[]byte) int {
	c.Helper()
	if len(*b) < 2 {
		c.Fatal("the response is too short")
	}
	v := binary.BigEndian.Uint16(*b)
	*b = (*b)[2:]
	return int(v)
}

// ask sends a request and returns the first part of the answer.
func (c *client) ask(id byte, parameters ...[]byte) part {
	c.Helper()
	return c.part(id, c.request(id, parameters...))
}

// whole sends a request until it has the whole answer, and returns the number of
// responses. Parameters are without the continuation state.
func (c *client) whole(id byte, parameters ...[]byte) (content []byte, total, rounds int) {
	c.Helper()
	all := join(parameters...)
	for p := c.ask(id, all, none); ; p = c.ask(id, all, p.continuation) {
		content = append(content, p.content...)
		rounds++
		if p.continuation[0] == 0 {
			return content, p.total, rounds
		}
		if len(p.content) == 0 || rounds > 1000 {
			c.Fatalf("after %d responses, the answer has %d bytes and no end", rounds, len(content))
		}
	}
}

// search returns the handles of the records that match.
func (c *client) search(pattern []byte, maximum int) (handles []uint32) {
	c.Helper()
	content, total, _ := c.whole(searchRequest, pattern, u16(maximum))
	for ; len(content) >= 4; content = content[4:] {
		handles = append(handles, binary.BigEndian.Uint32(content))
	}
	if total != len(handles) {
		c.Errorf("the answer has %d handles and the total %d", len(handles), total)
	}
	return handles
}

// handle returns the handle of the only record that contains the UUID.
func (c *client) handle(u sdp.UUID) uint32 {
	c.Helper()
	handles := c.search(pattern(16, u), 0xffff)
	if len(handles) != 1 {
		c.Fatalf("%d records contain %v, want one", len(handles), u)
	}
	return handles[0]
}

// attributes returns the attributes of a record in the list.
func (c *client) attributes(handle uint32, maximum int, list []byte) *sdp.Record {
	c.Helper()
	content, _, _ := c.whole(attributeRequest, u32(handle), u16(maximum), list)
	r, err := sdp.ParseRecord(content)
	if err != nil {
		c.Fatal(err)
	}
	return r
}

// searchAttributes returns the records that match, with the attributes in the
// list.
func (c *client) searchAttributes(pattern []byte, maximum int, list []byte) (records []*sdp.Record) {
	c.Helper()
	content, _, _ := c.whole(searchAttributeRequest, pattern, u16(maximum), list)
	lists, rest, err := sdp.ParseDataElement(content)
	if err != nil || lists.Type() != sdp.TypeSequence || len(rest) > 0 {
		c.Fatalf("the answer is %v, then %d bytes: %v", lists, len(rest), err)
	}
	for _, list := range lists.Elements() {
		r, err := sdp.ParseRecord(encode(c, list))
		if err != nil {
			c.Fatal(err)
		}
		records = append(records, r)
	}
	return records
}
