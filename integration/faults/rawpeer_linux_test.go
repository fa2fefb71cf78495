package faults

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/test/conntest"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
	"github.com/go-rfcomm/rfcomm/internal/test/mux"
	"github.com/go-rfcomm/rfcomm/rfcommtest"
)

// A rawPeer is an RFCOMM implementation of the test's own, over an L2CAP
// channel of the scripted device, that sends any frames.
type rawPeer struct {
	*scenario
	conn     *rfcommtest.L2CAPConn
	answers  chan byte     // types of the received frames, except for data
	commands chan byte     // types of the commands received on the control channel
	tests    chan string   // contents of the received responses to test commands
	data     chan []byte   // data received on the channel
	received atomic.Int64  // bytes of data
	dlci     byte          // of the channel that connectedToRaw opened
	finished chan struct{} // closed when nothing more can be received
}

// rawPeer connects a rawPeer to the kernel's RFCOMM at near, until the end of
// the scenario.
func (s *scenario) rawPeer() *rawPeer {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), anewWithin)
	defer cancel()
	conn, err := s.device.DialL2CAP(ctx, s.near.Addr(), mux.PSM)
	s.must(err)
	p := &rawPeer{scenario: s, conn: conn,
		answers: make(chan byte, 1000), commands: make(chan byte, 1000), tests: make(chan string, 1000), data: make(chan []byte, 1000), finished: make(chan struct{})}
	go p.listen()
	s.atEnd(func() { p.conn.Close(); <-p.finished })
	return p
}

// send sends a frame.
func (p *rawPeer) send(frame []byte) {
	p.Helper()
	if _, err := p.conn.Write(frame); err != nil {
		p.Errorf("sending % x: %v", frame, err)
	}
}

// sendAllMalformed sends the frames of allMalformed, and checks that the kernel
// answers a correct command after them.
func (p *rawPeer) sendAllMalformed(dlci byte) {
	p.Helper()
	for _, f := range allMalformed(dlci) {
		p.send(f)
	}
	p.send(mux.Command(mux.Test, true, []byte(testContent)...))
	for limit := time.After(anewWithin); ; {
		select {
		case got := <-p.tests:
			if got == testContent {
				return
			}
		case <-limit:
			p.Error("the kernel does not answer after malformed frames")
			return
		}
	}
}

// testContent is the content of a test command.
const testContent = "are you there?"

// listen receives the kernel's frames, and answers its MSC commands.
func (p *rawPeer) listen() {
	defer close(p.finished)
	buffer := make([]byte, 2048)
	for {
		n, err := p.conn.Read(buffer)
		if err != nil {
			return
		}
		f, ok := mux.Parse(append([]byte(nil), buffer[:n]...))
		switch {
		case !ok:
			return
		case f.Kind&^0x10 != mux.UIH:
			put(p.answers, f.Kind)
		case f.DLCI == 0:
			p.control(f)
		default:
			p.received.Add(int64(len(f.Data)))
			put(p.data, f.Data)
		}
	}
}

// control handles a frame of the control channel.
func (p *rawPeer) control(f mux.Received) {
	kind, isCommand, content := f.Command()
	put(p.commands, kind)
	switch {
	case kind == mux.Test && !isCommand:
		put(p.tests, string(content))
	case kind == mux.ModemStatus:
		for _, answer := range f.Answers() {
			p.conn.Write(answer)
		}
	}
}

// put sends to a channel unless the channel is full.
func put[T any](to chan<- T, value T) {
	select {
	case to <- value:
	default:
	}
}

// open opens a channel to the kernel with a frame size.
func (p *rawPeer) open(channel int, mtu uint16) (dlci byte) {
	p.Helper()
	dlci = byte(channel << 1)
	p.session()
	p.send(mux.Negotiation(dlci, mtu))
	p.send(mux.Frame(dlci, mux.SABM))
	if got := hosttest.Receive(p, p.answers); got != mux.UA {
		p.Fatalf("the kernel answered the opening of a channel with %#x", got)
	}
	p.send(mux.Frame(dlci, mux.UIHCredits, 30))
	return dlci
}

// session opens the RFCOMM session.
func (p *rawPeer) session() {
	p.Helper()
	p.send(mux.Frame(0, mux.SABM))
	if got := hosttest.Receive(p, p.answers); got != mux.UA {
		p.Fatalf("the kernel answered the opening of a session with %#x", got)
	}
}

// connectedToRaw returns the kernel's end of a channel that a rawPeer has
// opened, and the rawPeer.
func (s *scenario) connectedToRaw(mtu uint16) (near *rfcomm.Conn, p *rawPeer, dlci byte) {
	s.Helper()
	l := listen(s.T, s.near)
	defer l.Close()
	p = s.rawPeer()
	dlci = p.open(conntest.AddrOf(l).Channel, mtu)
	p.dlci = dlci
	near, err := l.AcceptRFCOMM()
	s.must(err)
	return s.closing(near), p, dlci
}
