package faults

import (
	"errors"
	"os"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/test/conntest"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
	"github.com/go-rfcomm/rfcomm/rfcommtest"
)

// psm is the L2CAP PSM of RFCOMM.
const psm = 3

// A rawPeer is an RFCOMM implementation of the test's own, over an L2CAP
// socket, that sends any frames.
type rawPeer struct {
	*scenario
	file     *os.File
	answers  chan byte     // types of the received frames, except for data
	commands chan byte     // types of the commands received on the control channel
	tests    chan string   // contents of the received responses to test commands
	data     chan []byte   // data received on the channel
	received atomic.Int64  // bytes of data
	dlci     byte          // of the channel that connectedToRaw opened
	finished chan struct{} // closed when nothing more can be received
}

// rawPeer connects a rawPeer at one device to the kernel's RFCOMM at another.
func (s *scenario) rawPeer(at, to *rfcommtest.Controller) *rawPeer {
	s.Helper()
	fd := s.l2cap(at)
	err := unix.Connect(fd, &unix.SockaddrL2{PSM: psm, Addr: to.Addr()})
	for end := time.Now().Add(anewWithin); errors.Is(err, unix.EINTR) && time.Now().Before(end); {
		err = unix.Connect(fd, &unix.SockaddrL2{PSM: psm, Addr: to.Addr()})
	}
	if err != nil && !errors.Is(err, unix.EISCONN) {
		unix.Close(fd)
		s.Fatalf("connecting L2CAP: %v", err)
	}
	return s.newRawPeer(fd)
}

// l2cap returns an L2CAP socket that is bound to a device.
func (s *scenario) l2cap(at *rfcommtest.Controller) int {
	s.Helper()
	fd, err := unix.Socket(unix.AF_BLUETOOTH, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, unix.BTPROTO_L2CAP)
	s.must(err)
	if err := unix.Bind(fd, &unix.SockaddrL2{Addr: at.Addr()}); err != nil {
		unix.Close(fd)
		s.Fatalf("binding L2CAP: %v", err)
	}
	return fd
}

// newRawPeer returns a rawPeer on a connected socket, until the end of the
// scenario.
func (s *scenario) newRawPeer(fd int) *rawPeer {
	s.Helper()
	s.must(unix.SetNonblock(fd, true))
	p := &rawPeer{scenario: s, file: os.NewFile(uintptr(fd), "l2cap"),
		answers: make(chan byte, 1000), commands: make(chan byte, 1000), tests: make(chan string, 1000), data: make(chan []byte, 1000), finished: make(chan struct{})}
	go p.listen()
	s.atEnd(func() { p.file.Close(); <-p.finished })
	return p
}

// send sends a frame.
func (p *rawPeer) send(frame []byte) {
	p.Helper()
	if _, err := p.file.Write(frame); err != nil {
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
	p.send(command(testCommand, true, []byte(testContent)...))
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

// listen receives the kernel's frames, and answers its commands.
func (p *rawPeer) listen() {
	defer close(p.finished)
	buffer := make([]byte, 2048)
	for {
		n, err := p.file.Read(buffer)
		if err != nil || n < 4 {
			return
		}
		f := buffer[:n]
		dlci, kind, head := f[0]>>2, f[1], 3
		if f[2]&1 == 0 {
			head = 4
		}
		content := append([]byte(nil), f[head:n-1]...)
		if kind&^0x10 != uih {
			put(p.answers, kind)
			continue
		}
		if dlci != 0 {
			if kind == uihCredits {
				content = content[1:]
			}
			p.received.Add(int64(len(content)))
			put(p.data, content)
			continue
		}
		kind = content[0] >> 2
		put(p.commands, kind)
		if kind == testCommand && content[0]&2 == 0 {
			put(p.tests, string(content[2:]))
		}
		if kind == modemStatus && content[0]&2 != 0 {
			p.file.Write(command(modemStatus, false, content[2:]...))
			p.file.Write(command(modemStatus, true, content[2:]...))
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
	p.send(negotiation(dlci, mtu))
	p.send(frame(dlci, sabm))
	if got := hosttest.Receive(p, p.answers); got != ua {
		p.Fatalf("the kernel answered the opening of a channel with %#x", got)
	}
	p.send(frame(dlci, uihCredits, 30))
	return dlci
}

// session opens the RFCOMM session.
func (p *rawPeer) session() {
	p.Helper()
	p.send(frame(0, sabm))
	if got := hosttest.Receive(p, p.answers); got != ua {
		p.Fatalf("the kernel answered the opening of a session with %#x", got)
	}
}

// connectedToRaw returns the kernel's end of a channel that a rawPeer at the
// third device has opened, and the rawPeer.
func (s *scenario) connectedToRaw(mtu uint16) (near *rfcomm.Conn, p *rawPeer, dlci byte) {
	s.Helper()
	l := listen(s.T, s.near)
	defer l.Close()
	p = s.rawPeer(s.third, s.near)
	dlci = p.open(conntest.AddrOf(l).Channel, mtu)
	p.dlci = dlci
	near, err := l.AcceptRFCOMM()
	s.must(err)
	return s.closing(near), p, dlci
}
