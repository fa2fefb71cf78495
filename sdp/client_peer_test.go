package sdp

import (
	"encoding/binary"
	"net"
	"sync/atomic"
	"testing"

	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

// A scriptedPeer is the other end of a Client's connection. It answers each
// request with the packets that its script returns.
type scriptedPeer struct {
	conn     *hosttest.PacketConn
	requests atomic.Int32
	ended    chan struct{} // closed when the Client has closed the connection
}

// startPeer returns a Client and its scripted peer, which ends with the Client.
// The MTUs are those of requests and of responses.
func startPeer(t testing.TB, outgoing, incoming int, script func(r request) [][]byte) (*Client, *scriptedPeer) {
	t.Helper()
	clientEnd, peerEnd := hosttest.PacketPipe(outgoing, incoming)
	peer := &scriptedPeer{conn: peerEnd, ended: make(chan struct{})}
	c := NewClient(clientEnd)
	t.Cleanup(func() { c.Close(); <-peer.ended })
	go peer.serve(t, script)
	return c, peer
}

func (p *scriptedPeer) serve(t testing.TB, script func(r request) [][]byte) {
	defer close(p.ended)
	defer p.conn.Close()
	buf := make([]byte, maxPDUSize)
	for {
		n, err := p.conn.Read(buf)
		if err != nil {
			return
		}
		p.requests.Add(1)
		received, err := parsePDU(buf[:n])
		if err != nil {
			t.Errorf("request % x: %v", buf[:n], err)
			return
		}
		r, code := parseRequest(received)
		if code != 0 {
			t.Errorf("request % x: %v", buf[:n], code)
			return
		}
		for _, packet := range script(r) {
			if _, err := p.conn.Write(packet); err != nil {
				return
			}
		}
	}
}

// respond returns a script that answers each request with the given part of an
// answer.
func respond(p part) func(r request) [][]byte {
	return func(r request) [][]byte {
		return [][]byte{appendPart(nil, r.id.response(), r.transaction, len(p.bytes)/4, p)}
	}
}

// An answerer sends an answer in parts that fill packets of the MTU. The
// continuation state is the position in the answer, as long as state.
type answerer struct {
	answer []byte
	mtu    int
	state  int // length of the continuation state, 2 to 16
}

func (a answerer) script(t testing.TB) func(r request) [][]byte {
	return func(r request) [][]byte {
		position := 0
		if n := len(r.continuation); n > 0 {
			if n != a.state {
				t.Errorf("continuation state % x, want %d bytes", r.continuation, a.state)
			}
			position = int(binary.BigEndian.Uint16(r.continuation[n-2:]))
		}
		size := a.mtu - pduHeaderSize - 2 - 1 - a.state
		if r.id == searchRequest {
			size = (size - 2) / 4 * 4
		}
		p := part{bytes: a.answer[position:]}
		if len(p.bytes) > size {
			p.bytes = p.bytes[:size]
			p.continuation = binary.BigEndian.AppendUint16(make([]byte, a.state-2), uint16(position+size))
		}
		packet := appendPart(nil, r.id.response(), r.transaction, len(a.answer)/4, p)
		if len(packet) > a.mtu {
			t.Errorf("a response of %d bytes exceeds the MTU", len(packet))
		}
		return [][]byte{packet}
	}
}

// silent is the script of a peer that says nothing.
func silent(request) [][]byte { return nil }

// bareConn is a connection without the method MTUs.
type bareConn struct{ net.Conn }
