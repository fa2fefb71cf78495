package sdp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"time"

	"github.com/go-rfcomm/rfcomm/internal/neterr"
)

// call sends a request, when its turn comes, and returns the complete answer.
func (c *Client) call(ctx context.Context, r *request) ([]byte, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	if err := c.await(ctx); err != nil {
		return nil, err
	}
	defer func() { <-c.turn }()
	stop := context.AfterFunc(ctx, func() { c.end(neterr.Context(ctx.Err())) })
	answer, err := c.converse(r)
	if !stop() {
		err = neterr.Context(ctx.Err())
	}
	if err == nil || leavesChannel(err) {
		return answer, err
	}
	_, err = c.end(err)
	return nil, err
}

// check checks the arguments of a call, and brings the ranges into order.
func (r *request) check() (err error) {
	if n := len(r.pattern); r.id != attributeRequest && (n == 0 || n > maxPatternUUIDs) {
		return fmt.Errorf("sdp: search for %d UUIDs; there must be 1 to %d", n, maxPatternUUIDs)
	}
	if r.id != searchRequest {
		r.ranges, err = normalizeRanges(r.ranges)
	}
	return err
}

// await waits for the turn of a call.
func (c *Client) await(ctx context.Context) error {
	if ctx.Err() != nil {
		return neterr.Context(ctx.Err())
	}
	select {
	case c.turn <- struct{}{}:
	case <-ctx.Done():
		return neterr.Context(ctx.Err())
	case <-c.ended:
		return c.errEnded()
	}
	if c.isClosed() { // by the call before; the turn is of no use any more
		return c.errEnded()
	}
	return nil
}

// leavesChannel reports whether the connection can be used after an error: it is
// the peer's response to this request, or nothing was sent.
func leavesChannel(err error) bool {
	_, responded := err.(*ResponseError)
	return responded || errors.Is(err, ErrRequestTooLarge)
}

// converse sends a request and the requests for the other parts of the answer,
// and returns the joined parts.
func (c *Client) converse(r *request) ([]byte, error) {
	timeout := c.Timeout
	if timeout <= 0 {
		timeout = DefaultTimeout
	}
	timeout = min(timeout, math.MaxInt64/MaxRounds)
	var a answer
	end := time.Now().Add(MaxRounds * timeout)
	for {
		next := time.Now().Add(timeout)
		hint := fmt.Sprintf("no response within %v", timeout)
		if next.After(end) {
			next, hint = end, fmt.Sprintf("no complete answer within %v", MaxRounds*timeout)
		}
		p, err := c.exchange(r, next)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return nil, neterr.TimeoutWithHint(hint)
		}
		if err != nil {
			return nil, err
		}
		done, err := a.add(p)
		if done || err != nil {
			return a.bytes, err
		}
		r.continuation = a.continuation
	}
}

// exchange sends one request and returns the part of the answer in its response,
// which aliases the buffer.
func (c *Client) exchange(r *request, deadline time.Time) (part, error) {
	c.transaction++
	r.transaction = c.transaction
	packet := r.append(nil)
	if len(packet) > c.outgoing {
		return part{}, fmt.Errorf("%w: it has %d bytes, the device takes %d", ErrRequestTooLarge, len(packet), c.outgoing)
	}
	if err := c.conn.SetDeadline(deadline); err != nil {
		return part{}, err
	}
	if _, err := c.conn.Write(packet); err != nil {
		return part{}, err
	}
	n, err := c.conn.Read(c.incoming)
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return part{}, err
	}
	return r.parseResponse(c.incoming[:n])
}

// parseResponse returns the part of the answer in a packet that was received
// after the request.
func (r *request) parseResponse(packet []byte) (part, error) {
	p, err := parsePDU(packet)
	if err != nil {
		return part{}, &ProtocolError{fmt.Errorf("packet of %d bytes: %w", len(packet), err)}
	}
	var response error
	if p.id == errorResponse {
		code, ok := parseError(p.parameters)
		if !ok {
			return part{}, &ProtocolError{fmt.Errorf("%v: no error code", p.id)}
		}
		response = &ResponseError{code}
	}
	switch {
	case p.transaction != r.transaction && response != nil:
		return part{}, &ProtocolError{fmt.Errorf("%w for transaction %d instead of %d: %w", ErrUnexpectedResponse, p.transaction, r.transaction, response)}
	case p.transaction != r.transaction:
		return part{}, &ProtocolError{fmt.Errorf("%w for transaction %d instead of %d", ErrUnexpectedResponse, p.transaction, r.transaction)}
	case response != nil:
		return part{}, response
	case p.id != r.id.response():
		return part{}, &ProtocolError{fmt.Errorf("%w: %v to a %v", ErrUnexpectedResponse, p.id, r.id)}
	}
	received, err := parsePart(p)
	if err != nil {
		return part{}, &ProtocolError{fmt.Errorf("%v: %w", p.id, err)}
	}
	return received, nil
}
