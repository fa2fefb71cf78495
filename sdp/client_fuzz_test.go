package sdp

import (
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

// A fuzzConn answers each request with the next packet of its data. A packet
// begins with the flags raw, repeated and its length of 14 bits. Unless it is
// raw, its header is that of a response to the request, so that most packets get
// past the checks of the header. At the end of the data it reads io.EOF.
type fuzzConn struct {
	net.Conn // nil, for the methods that a Client does not call

	data     []byte
	request  pdu
	packet   []byte // of the last round, without the header
	raw      bool
	repeats  int
	requests int
	closed   bool
}

func (c *fuzzConn) MTUs() (outgoing, incoming int) { return 672, 1 << 14 }
func (c *fuzzConn) LocalAddr() net.Addr            { return hosttest.PacketAddr("fuzz") }
func (c *fuzzConn) RemoteAddr() net.Addr           { return nil }
func (c *fuzzConn) SetDeadline(time.Time) error    { return nil }

func (c *fuzzConn) Close() error {
	c.closed = true
	return nil
}

func (c *fuzzConn) Write(p []byte) (n int, err error) {
	c.requests++
	c.request, err = parsePDU(append([]byte(nil), p...))
	return len(p), err
}

func (c *fuzzConn) Read(p []byte) (int, error) {
	switch {
	case c.repeats > 0:
		c.repeats--
	case len(c.data) < 2:
		return 0, io.EOF
	default:
		c.raw = c.data[0]&0x80 != 0
		if c.data[0]&0x40 != 0 {
			c.repeats = 2 * MaxRounds
		}
		size := min(int(c.data[0]&0x3f)<<8|int(c.data[1]), len(c.data)-2)
		c.packet, c.data = c.data[2:2+size], c.data[2+size:]
	}
	if c.raw {
		return copy(p, c.packet), nil
	}
	return copy(p, pdu{c.request.id.response(), c.request.transaction, c.packet}.append(nil)), nil
}

// fuzzPacket appends a packet to the data of a fuzzConn.
func fuzzPacket(data, packet []byte, flags byte) []byte {
	return append(append(data, flags|byte(len(packet)>>8), byte(len(packet))), packet...)
}

func FuzzClient(f *testing.F) {
	answer := searchAnswer(testRecords(3))
	parameters := func(p part) []byte { return appendPart(nil, searchAttributeResponse, 0, 0, p)[pduHeaderSize:] }
	whole := fuzzPacket(nil, parameters(part{bytes: answer}), 0)
	f.Add(byte(0), whole)
	f.Add(byte(0), append(fuzzPacket(nil, parameters(part{answer[:50], []byte{1, 2}}), 0), fuzzPacket(nil, parameters(part{bytes: answer[50:]}), 0)...))
	f.Add(byte(0), fuzzPacket(nil, parameters(part{answer[:20], []byte{1}}), 0x40))
	f.Add(byte(0), fuzzPacket(nil, appendError(nil, 1, InvalidSyntax), 0x80))
	f.Add(byte(1), fuzzPacket(nil, parameters(part{bytes: []byte(testRecords(1)[0].element().bytes())}), 0))
	f.Add(byte(2), fuzzPacket(nil, []byte{0, 2, 0, 2, 0, 1, 0, 0, 0, 1, 0, 1, 0}, 0))
	f.Fuzz(func(t *testing.T, call byte, data []byte) {
		conn := &fuzzConn{data: data}
		c := NewClient(conn)
		err := fuzzCall(t, c, call)
		if limit := len(data)/2*(1+2*MaxRounds) + 1; conn.requests > limit {
			t.Errorf("%d requests", conn.requests)
		}
		checkFuzzError(t, err)
		if err == nil && conn.closed {
			t.Error("the connection is closed without an error")
		}
		if next := fuzzCall(t, c, call+1); conn.closed && err != nil && next == nil {
			t.Error("a call succeeds on a closed connection")
		}
	})
}

// fuzzCall makes a call, and checks that its result can be used.
func fuzzCall(t *testing.T, c *Client, call byte) error {
	ctx := context.Background()
	switch call % 3 {
	case 0:
		records, err := c.Search(ctx, []UUID{SerialPort, {1}})
		for _, r := range records {
			useRecord(t, r)
		}
		return err
	case 1:
		record, err := c.Attributes(ctx, 1)
		if (record == nil) != (err != nil) {
			t.Errorf("Attributes = %v, %v", record, err)
		}
		if record != nil {
			useRecord(t, record)
		}
		return err
	default:
		handles, err := c.Services(ctx, SerialPort)
		if err != nil && handles != nil {
			t.Errorf("Services = %v, %v", handles, err)
		}
		return err
	}
}

// useRecord encodes a record and parses it again.
func useRecord(t *testing.T, r *Record) {
	b, err := r.MarshalBinary()
	if err != nil {
		t.Fatalf("MarshalBinary: %v", err)
	}
	again, err := ParseRecord(b)
	if err != nil {
		t.Fatalf("ParseRecord: %v", err)
	}
	checkRecords(t, []*Record{again}, []*Record{r})
	r.Channel()
	r.Classes()
	r.Name()
}

// checkFuzzError checks that err has one of the documented forms.
func checkFuzzError(t *testing.T, err error) {
	if err == nil {
		return
	}
	opError, ok := err.(*net.OpError)
	if !ok {
		t.Fatalf("%T: %v", err, err)
	}
	switch opError.Err.(type) {
	case *ResponseError, *ProtocolError:
	default:
		if !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%T: %v", opError.Err, err)
		}
	}
	if opError.Timeout() {
		t.Errorf("%v is a timeout", err)
	}
}
