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

// psm is that of RFCOMM in L2CAP.
const psm = 3

// A speaker is a device whose RFCOMM is the test's own: on a socket of L2CAP, it
// says what it is told to.
type speaker struct {
	*scene
	file     *os.File
	answers  chan byte    // types of the frames that came
	commands chan byte    // types of the commands that came on the control channel
	tests    chan string  // what came back of test commands
	data     chan []byte  // of the channel
	received atomic.Int64 // bytes of data
	dlci     byte         // of the channel that spokenTo opened
	finished chan struct{}
}

// speaker connects the RFCOMM of the test's own at one device to the kernel's at
// another.
func (s *scene) speaker(at, to *rfcommtest.Controller) *speaker {
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
	return s.speakOn(fd)
}

// l2cap returns a socket that is bound to a device.
func (s *scene) l2cap(at *rfcommtest.Controller) int {
	s.Helper()
	fd, err := unix.Socket(unix.AF_BLUETOOTH, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, unix.BTPROTO_L2CAP)
	s.must(err)
	if err := unix.Bind(fd, &unix.SockaddrL2{Addr: at.Addr()}); err != nil {
		unix.Close(fd)
		s.Fatalf("binding L2CAP: %v", err)
	}
	return fd
}

// speakOn speaks on a connected socket, until the end of the scene.
func (s *scene) speakOn(fd int) *speaker {
	s.Helper()
	s.must(unix.SetNonblock(fd, true))
	p := &speaker{scene: s, file: os.NewFile(uintptr(fd), "l2cap"),
		answers: make(chan byte, 1000), commands: make(chan byte, 1000), tests: make(chan string, 1000), data: make(chan []byte, 1000), finished: make(chan struct{})}
	go p.listen()
	s.atEnd(func() { p.file.Close(); <-p.finished })
	return p
}

// say sends a frame.
func (p *speaker) say(frame []byte) {
	p.Helper()
	if _, err := p.file.Write(frame); err != nil {
		p.Errorf("saying % x: %v", frame, err)
	}
}

// sayAllMalformed says all that is malformed, and sees that the kernel has taken it
// in and goes on: it answers what comes after.
func (p *speaker) sayAllMalformed(dlci byte) {
	p.Helper()
	for _, f := range allMalformed(dlci) {
		p.say(f)
	}
	p.say(command(testCommand, true, []byte(goesOn)...))
	for limit := time.After(anewWithin); ; {
		select {
		case said := <-p.tests:
			if said == goesOn {
				return
			}
		case <-limit:
			p.Error("the kernel does not answer after malformed frames")
			return
		}
	}
}

// goesOn is the content of a test command.
const goesOn = "are you there?"

// listen takes what the kernel says, and answers its commands.
func (p *speaker) listen() {
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

// put sends to a channel, unless nobody wants it.
func put[T any](to chan<- T, value T) {
	select {
	case to <- value:
	default:
	}
}

// open opens a channel of the kernel's with a frame size.
func (p *speaker) open(channel int, mtu uint16) (dlci byte) {
	p.Helper()
	dlci = byte(channel << 1)
	p.session()
	p.say(negotiation(dlci, mtu))
	p.say(frame(dlci, sabm))
	if got := hosttest.Receive(p, p.answers); got != ua {
		p.Fatalf("a channel was answered with %#x", got)
	}
	p.say(frame(dlci, uihCredits, 30))
	return dlci
}

// session opens the session.
func (p *speaker) session() {
	p.Helper()
	p.say(frame(0, sabm))
	if got := hosttest.Receive(p, p.answers); got != ua {
		p.Fatalf("a session was answered with %#x", got)
	}
}

// spokenTo returns the kernel's end of a channel that a speaker at the third
// device has opened, and the speaker.
func (s *scene) spokenTo(mtu uint16) (near *rfcomm.Conn, p *speaker, dlci byte) {
	s.Helper()
	l := listen(s.T, s.near)
	defer l.Close()
	p = s.speaker(s.third, s.near)
	dlci = p.open(conntest.AddrOf(l).Channel, mtu)
	p.dlci = dlci
	near, err := l.AcceptRFCOMM()
	s.must(err)
	return s.closing(near), p, dlci
}
