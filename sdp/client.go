package sdp

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"sync"
	"time"
)

// DefaultTimeout is the default of [Client.Timeout].
const DefaultTimeout = 10 * time.Second

// A Client searches the services of one device. Its methods may be called from
// several goroutines at once. It sends one request at a time, since some devices
// discard a second one; other calls wait for their turn.
//
// A device can send an answer in several rounds: each response but the last asks
// for another request. The limits that protect the Client from a device that
// misbehaves are [Client.Timeout], [MaxRounds], [MaxSize] for the answer, and
// [MaxDepth] for its elements.
//
// If the context of a call ends during its request, the Client closes the
// connection, because a late response could be taken for that of the next
// request. It does the same after a timeout, after an error of the connection,
// and after a [ProtocolError] that is not about the content of a complete
// answer. Later calls return an error that matches [net.ErrClosed]. After other
// errors, such as a [ResponseError], the Client can be used.
//
// Errors are *[net.OpError]. Timeout is true only if a deadline has passed.
type Client struct {
	// Timeout is the maximum time to wait for each response. A complete answer,
	// of several rounds, may take [MaxRounds] times as long; use a context for a
	// shorter limit. The default is [DefaultTimeout]. Set it before the first
	// call.
	Timeout time.Duration

	conn     net.Conn
	outgoing int           // maximum size of a request
	incoming []byte        // buffer for a response; owned by the call that has the turn
	turn     chan struct{} // holds a value during a request

	transaction uint16 // of the last request; owned by the call that has the turn

	mu     sync.Mutex
	ended  chan struct{} // closed when reason is set
	reason error         // why the connection was closed, or nil
}

// NewClient returns a Client that sends its requests on conn, a connection that
// preserves packets: each Write sends one, and each Read returns one. The Client
// owns conn and closes it.
//
// If conn has a method MTUs() (outgoing, incoming int), requests have at most
// outgoing bytes, and responses are expected to have at most incoming bytes.
func NewClient(conn net.Conn) *Client {
	outgoing, incoming := maxPDUSize, maxPDUSize
	if m, ok := conn.(interface {
		MTUs() (outgoing, incoming int)
	}); ok {
		outgoing, incoming = m.MTUs()
	}
	return &Client{
		conn:     conn,
		outgoing: outgoing,
		incoming: make([]byte, incoming),
		turn:     make(chan struct{}, 1),
		ended:    make(chan struct{}),
	}
}

// Services returns the handles of the records that contain all of the given
// UUIDs, anywhere in their attributes. There must be 1 to 12 UUIDs. It is the
// transaction SDP_ServiceSearch.
func (c *Client) Services(ctx context.Context, uuids ...UUID) ([]uint32, error) {
	r := request{id: searchRequest, pattern: uuids, maximum: 0xffff}
	answer, err := c.call(ctx, &r)
	if err != nil {
		return nil, c.opError(&r, err)
	}
	handles := make([]uint32, len(answer)/4)
	for i := range handles {
		handles[i] = binary.BigEndian.Uint32(answer[4*i:])
	}
	return handles, nil
}

// Attributes returns the attributes of the record with the given handle that are
// in one of the ranges, or all if there are no ranges. If no record has the
// handle, the error is usually a [ResponseError] with [InvalidRecordHandle]. It
// is the transaction SDP_ServiceAttribute.
func (c *Client) Attributes(ctx context.Context, handle uint32, ranges ...AttributeRange) (*Record, error) {
	r := request{id: attributeRequest, handle: handle, ranges: ranges, maximum: 0xffff}
	answer, err := c.call(ctx, &r)
	if err != nil {
		return nil, c.opError(&r, err)
	}
	record, err := ParseRecord(answer)
	if err != nil {
		return nil, c.opError(&r, &ProtocolError{err})
	}
	return record, nil
}

// Search returns the records that contain all of the given UUIDs, anywhere in
// their attributes, with the attributes in one of the ranges, or all if there are
// no ranges. There must be 1 to 12 UUIDs. It is the transaction
// SDP_ServiceSearchAttribute.
//
// If the answer is malformed, Search returns the records in it that could be
// parsed together with the [ProtocolError].
func (c *Client) Search(ctx context.Context, uuids []UUID, ranges ...AttributeRange) ([]*Record, error) {
	r := request{id: searchAttributeRequest, pattern: uuids, ranges: ranges, maximum: 0xffff}
	answer, err := c.call(ctx, &r)
	if err != nil {
		return nil, c.opError(&r, err)
	}
	records, err := parseRecords(answer)
	if err != nil {
		return records, c.opError(&r, &ProtocolError{err})
	}
	return records, nil
}

// Close closes the connection. Pending calls return an error that matches
// [net.ErrClosed]. If the connection is closed already, Close returns nil.
func (c *Client) Close() error {
	closed, _ := c.end(net.ErrClosed)
	return closed
}

// end closes the connection for the given reason. If it has ended before, end
// returns the reason of that, and otherwise the error of closing the connection.
func (c *Client) end(reason error) (closed, first error) {
	c.mu.Lock()
	if c.reason != nil {
		defer c.mu.Unlock()
		return nil, c.reason
	}
	c.reason = reason
	close(c.ended)
	c.mu.Unlock()
	return c.conn.Close(), reason
}

// isClosed reports whether the connection is closed, by Close or after an error.
func (c *Client) isClosed() bool {
	select {
	case <-c.ended:
		return true
	default:
		return false
	}
}

// errEnded returns the error of calls that begin after the end.
func (c *Client) errEnded() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.reason == net.ErrClosed {
		return net.ErrClosed
	}
	return fmt.Errorf("%w after an earlier error: %v", net.ErrClosed, c.reason)
}

// opError returns err as the error of a request.
func (c *Client) opError(r *request, err error) error {
	op := "search"
	if r.id == attributeRequest {
		op = "attributes"
	}
	e := &net.OpError{Op: op, Net: "sdp", Source: c.conn.LocalAddr(), Addr: c.conn.RemoteAddr(), Err: err}
	if e.Addr != nil {
		e.Net = e.Addr.Network()
	}
	if inner, ok := err.(*net.OpError); ok { // of the connection, with the same addresses
		e.Err = inner.Err
	}
	return e
}
