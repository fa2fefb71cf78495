package speed

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"sync/atomic"
	"time"
)

// Silence is the time after which an end that receives nothing closes the
// connection. A lost link ends sooner, mostly, since the kernel notices that.
const Silence = 20 * time.Second

// A silentError means that the other end is silent. It is a timeout.
type silentError struct{ after time.Duration }

func (e silentError) Error() string { return fmt.Sprintf("nothing was received for %s", e.after) }
func (silentError) Timeout() bool   { return true }
func (silentError) Is(err error) bool {
	return err == os.ErrDeadlineExceeded
}

// A peer is a connection to the other end. It is closed when the context ends, or
// when nothing is received for the time of Silence. There are no deadlines: one
// that passed during a Write would leave a part of a message.
type peer struct {
	conn net.Conn
	r    *bufio.Reader
	ctx  context.Context
	turn chan struct{} // holds an element during a Write

	silence time.Duration
	timer   *time.Timer // closes the connection
	silent  atomic.Bool
	stop    func() bool
}

// tcpBuffer is the size of the send buffer over TCP. That of RFCOMM is small.
const tcpBuffer = 64 << 10

// newPeer returns a peer. Nothing needs to be received for the time of first.
func newPeer(ctx context.Context, conn net.Conn, first time.Duration) *peer {
	if c, ok := conn.(*net.TCPConn); ok {
		c.SetWriteBuffer(tcpBuffer) // else megabytes are queued on a slow way
	}
	p := &peer{conn: conn, ctx: ctx, turn: make(chan struct{}, 1), silence: first}
	p.r = bufio.NewReaderSize(reader{p}, 32<<10)
	p.stop = context.AfterFunc(ctx, func() { conn.Close() })
	p.timer = time.AfterFunc(first, func() {
		p.silent.Store(true)
		conn.Close()
	})
	return p
}

// close closes the connection.
func (p *peer) close() error {
	p.stop()
	p.timer.Stop()
	return p.conn.Close()
}

// A reader is the Reader of a peer.
type reader struct{ p *peer }

func (r reader) Read(b []byte) (int, error) {
	n, err := r.p.conn.Read(b)
	if n > 0 {
		r.p.timer.Reset(r.p.silence)
	}
	return n, r.p.cause(err)
}

// cause returns the reason for an error of the connection.
func (p *peer) cause(err error) error {
	switch {
	case err == nil:
		return nil
	case p.ctx.Err() != nil:
		return context.Cause(p.ctx)
	case p.silent.Load():
		return silentError{p.silence}
	}
	return err
}

// write sends a message. Several goroutines can send, one after the other.
func (p *peer) write(message []byte) error {
	p.turn <- struct{}{}
	defer func() { <-p.turn }()
	_, err := p.conn.Write(message)
	return p.cause(err)
}

// send sends a message other than data.
func (p *peer) send(k kind, content []byte) error { return p.write(appendMessage(k, content)) }

// expect reads a message of a kind.
func (p *peer) expect(want kind) ([]byte, error) {
	m, err := readMessage(p.r)
	if err == nil && m.kind != want {
		err = fmt.Errorf("a message of kind %d where kind %d was expected", m.kind, want)
	}
	return m.content, unexpected(err)
}

// A meter counts received bytes.
type meter struct {
	began time.Time
	bytes atomic.Int64
}

func newMeter() *meter { return &meter{began: time.Now()} }

// count returns the count until now.
func (m *meter) count() Count { return Count{m.bytes.Load(), time.Since(m.began)} }

// Write implements [io.Writer].
func (m *meter) Write(b []byte) (int, error) {
	m.bytes.Add(int64(len(b)))
	return len(b), nil
}

// take counts the content of data.
func (p *peer) take(m *meter, length int) error {
	_, err := io.CopyN(m, p.r, int64(length))
	return unexpected(err)
}

// Limits of the length of a message with data. It is adapted to the rate, so that
// counts, which wait for it, do not wait long.
const (
	minData = 1000
	maxData = 32 * minData
)

// nextLength returns the length of the next message with data, after one that took
// some time.
func nextLength(length int, took time.Duration) int {
	switch {
	case took < 60*time.Millisecond:
		return min(2*length, maxData)
	case took > 250*time.Millisecond:
		return max(length/2, minData)
	}
	return length
}

// sendData sends data until the channel is closed.
func (p *peer) sendData(stop <-chan struct{}) error {
	block := make([]byte, maxData)
	for i := range block {
		block[i] = byte(i * 7)
	}
	for length := minData; ; {
		select {
		case <-stop:
			return nil
		default:
		}
		began := time.Now()
		copy(block, appendMessage(kindData, nil))
		block[1], block[2] = byte((length-headerLength)>>8), byte(length-headerLength)
		if err := p.write(block[:length]); err != nil {
			return err
		}
		length = nextLength(length, time.Since(began))
	}
}

// sendCounts sends what a meter has counted, until the channel is closed.
func (p *peer) sendCounts(m *meter, period time.Duration, stop <-chan struct{}) error {
	ticker := time.NewTicker(period)
	defer ticker.Stop()
	for {
		select {
		case <-stop:
			return nil
		case <-ticker.C:
		}
		if err := p.send(kindCount, m.count().content()); err != nil {
			return err
		}
	}
}
