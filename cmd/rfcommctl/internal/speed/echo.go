package speed

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"time"
)

// An EchoClient measures a connection to a service that returns all data. Its
// methods are called one after the other.
type EchoClient struct {
	peer           *peer
	sent, received byte // the next byte of the pattern in either direction
	answered       bool // the service has returned data
}

// NewEchoClient returns an EchoClient. The connection is closed when the context
// ends.
func NewEchoClient(ctx context.Context, conn net.Conn) *EchoClient {
	return &EchoClient{peer: newPeer(ctx, conn, greetingTime)}
}

// ErrNoEcho means that a service returns something other than it received.
var ErrNoEcho = errors.New("the other end is not an echo service, which returns what it receives")

// Packet returns 0: the packets of the other adapter are not known.
func (c *EchoClient) Packet() int { return 0 }

// Close closes the connection.
func (c *EchoClient) Close() error { return c.peer.close() }

// pattern is the number of different bytes that are sent in turn. It is a prime, so
// that it has no relation to the length of a message.
const pattern = 251

// fill fills a block with the next bytes.
func (c *EchoClient) fill(block []byte) {
	for i := range block {
		block[i] = c.sent
		c.sent = (c.sent + 1) % pattern
	}
}

// check checks received bytes.
func (c *EchoClient) check(block []byte) error {
	for _, b := range block {
		if b != c.received {
			return ErrNoEcho
		}
		c.received = (c.received + 1) % pattern
	}
	return nil
}

// Ping measures the round trip of 16 bytes.
func (c *EchoClient) Ping() (time.Duration, error) {
	block := make([]byte, 16)
	c.fill(block)
	began := time.Now()
	if err := c.peer.write(block); err != nil {
		return 0, err
	}
	if _, err := io.ReadFull(c.peer.r, block); err != nil {
		return 0, c.noEcho(unexpected(err))
	}
	took := time.Since(began)
	c.answered = true
	c.peer.silence = Silence
	return took, c.check(block)
}

// noEcho returns an error for a missing answer.
func (c *EchoClient) noEcho(err error) error {
	if silent, ok := errors.AsType[silentError](err); ok && !c.answered {
		return fmt.Errorf("%w: it sent nothing for %s", ErrNoEcho, silent.after)
	}
	return err
}

// Run is like that of a Client. The counts of both directions are of the data that
// came back.
func (c *EchoClient) Run(t Test) (Totals, error) {
	r := &echoed{client: c, meter: newMeter(), stop: make(chan struct{}), done: make(chan error, 1)}
	r.total.Store(-1)
	go func() { r.done <- r.send() }()
	stop := func() error { close(r.stop); return <-r.done }
	return watch(&t, c.peer, r.receive, stop, func() Totals {
		count := r.meter.count()
		return Totals{count, count}
	})
}

// An echoed is a test of an EchoClient.
type echoed struct {
	client *EchoClient
	meter  *meter
	stop   chan struct{}
	done   chan error
	total  atomic.Int64 // of sent bytes, or -1 until all are sent
}

// send sends data until the channel is closed, and a last byte.
func (r *echoed) send() error {
	sent := int64(0)
	for length := minData; ; {
		block := make([]byte, length)
		select {
		case <-r.stop:
			block = block[:1]
			r.total.Store(sent + 1)
		default:
		}
		r.client.fill(block)
		began := time.Now()
		if err := r.client.peer.write(block); err != nil {
			return err
		}
		if sent += int64(len(block)); r.total.Load() >= 0 {
			return nil
		}
		length = nextLength(length, time.Since(began))
	}
}

// receive checks and counts data until all have come back. The last byte has not
// been sent until the total is known.
func (r *echoed) receive() error {
	block := make([]byte, maxData)
	for {
		n, err := r.client.peer.r.Read(block)
		if err != nil {
			return unexpected(err)
		}
		if err := r.client.check(block[:n]); err != nil {
			return err
		}
		r.meter.Write(block[:n])
		if total := r.total.Load(); total >= 0 && r.meter.bytes.Load() >= total {
			return nil
		}
	}
}
