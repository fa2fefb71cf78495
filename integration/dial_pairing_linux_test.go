package integration

import (
	"encoding/binary"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/test/conntest"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
	"github.com/go-rfcomm/rfcomm/internal/test/labtest"
	"github.com/go-rfcomm/rfcomm/rfcommtest"
)

// A device that ends the link at every attempt looks like one whose last connection
// is still closing.
func TestDialNamesADeviceThatHangsUp(t *testing.T) {
	s := newScene(t, rfcommtest.Config{})
	listener := conntest.ListenAt(t, rfcomm.Addr{Device: s.far.Addr()})
	link := s.Link(s.near, s.far)
	link.SetDelay(20 * time.Millisecond) // longer than it takes to end the link
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			case <-time.After(100 * time.Microsecond):
				link.Disconnect(rfcommtest.RemoteUserTerminated)
			}
		}
	}()
	defer func() { close(stop); <-stopped }()
	d := s.dialer
	attempts := countAttempts(&d)
	_, err := d.DialRFCOMM(t.Context(), conntest.AddrOf(listener))
	t.Log(*attempts, err)
	checkOpError(t, err, "dial", d.LocalAddr, conntest.AddrOf(listener), unix.ECONNRESET, "the device hung up at every attempt")
	if *attempts < 2 {
		t.Errorf("%d attempts, want at least 2", *attempts)
	}
}

// The listener's kernel waits 25 s for a pairing that does not begin, and then ends
// the connection. A retry would take as long.
func TestDialNamesMissingPairing(t *testing.T) {
	l := inLab(t)
	l.Sync()
	listener := l.listenWith(t, rfcomm.ListenConfig{Security: rfcomm.SecurityMedium})
	d := l.dialer
	attempts := countAttempts(&d)
	_, err := d.DialRFCOMM(t.Context(), conntest.AddrOf(listener))
	t.Log(err)
	checkOpError(t, err, "dial", d.LocalAddr, conntest.AddrOf(listener), unix.ECONNRESET, "it asks for pairing or encryption")
	if *attempts != 1 {
		t.Errorf("%d attempts, want 1", *attempts)
	}
	// The controllers still wait for the pairing, which would delay other tests.
	l.Unplug()
	l.Plug()
}

// While the kernel ends the link of a failed authentication, it returns ENOMEM for
// the next dial.
func TestDialRetriesAfterFailedAuthentication(t *testing.T) {
	l := inLab(t)
	l.Pair()
	l.SpoilKey(labtest.DialerAdapter)
	l.Sync()
	listener := l.listen(t)
	d := l.dialer
	d.Security = rfcomm.SecurityMedium
	for range 30 {
		_, err := d.DialRFCOMM(t.Context(), conntest.AddrOf(listener))
		if !errors.Is(err, unix.EACCES) {
			t.Fatalf("%v: does not match EACCES", err)
		}
	}
}

// With a pairing agent that asks the user, as on a desktop, the devices pair at any
// security level, and the connection waits for the answer.
func TestDialNamesAQuestionAboutPairing(t *testing.T) {
	s := newScene(t, rfcommtest.Config{})
	asked := pairingAgent(t, silent, s.near, s.far)
	listener := conntest.ListenAt(t, rfcomm.Addr{Device: s.far.Addr()})
	d := s.dialer
	dial := func(timeout time.Duration) error {
		d.Timeout = timeout
		began := time.Now()
		_, err := d.DialRFCOMM(t.Context(), conntest.AddrOf(listener))
		t.Logf("after %v: %v", time.Since(began).Round(time.Millisecond), err)
		if err == nil || !strings.Contains(err.Error(), "if one of the devices asks whether to pair") {
			t.Errorf("%v: does not name the question", err)
		}
		return err
	}
	timedOut := hosttest.InBackground(func() error { return dial(2 * time.Second) })
	select {
	case <-asked:
	case <-time.After(20 * time.Second):
		t.Fatal("the kernel did not ask the agent")
	}
	if err := <-timedOut; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("%v: does not match os.ErrDeadlineExceeded", err)
	}
	if err := dial(0); !errors.Is(err, unix.ECONNREFUSED) && !errors.Is(err, unix.ETIMEDOUT) {
		t.Errorf("%v: matches neither ECONNREFUSED nor ETIMEDOUT", err)
	}
}

// The kernel asks again for each connection, since it does not keep the key of a
// pairing at low.
func TestDialNamesADeclinedPairing(t *testing.T) {
	s := newScene(t, rfcommtest.Config{})
	pairingAgent(t, no, s.near, s.far)
	listener := conntest.ListenAt(t, rfcomm.Addr{Device: s.far.Addr()})
	d := s.dialer
	for range 2 {
		_, err := d.DialRFCOMM(t.Context(), conntest.AddrOf(listener))
		t.Log(err)
		checkOpError(t, err, "dial", d.LocalAddr, conntest.AddrOf(listener), unix.EACCES, "the question whether to pair was declined")
	}
}

// The kernel checks the level of the first dial, which opens the link. The other
// dials rely on an open connection of this process.
func TestDialAtHighOverItsOwnLink(t *testing.T) {
	s := newScene(t, rfcommtest.Config{})
	pairingAgent(t, yes, s.near, s.far)
	d := s.dialer
	d.Security = rfcomm.SecurityHigh
	dial := func() (c *rfcomm.Conn, err error) {
		t.Helper()
		listener := conntest.ListenAt(t, rfcomm.Addr{Device: s.far.Addr()})
		c, err = d.DialRFCOMM(t.Context(), conntest.AddrOf(listener))
		if err == nil {
			t.Cleanup(func() { c.Close() })
		}
		return c, err
	}
	first, err := dial()
	if err != nil {
		t.Fatal(err)
	}
	second, err := dial()
	if err != nil {
		t.Fatalf("over the link of the first: %v", err)
	}
	first.Close()
	d.Security = rfcomm.SecurityLow
	if _, err = dial(); err != nil {
		t.Fatal(err)
	}
	d.Security = rfcomm.SecurityHigh
	third, err := dial()
	if err != nil {
		t.Fatalf("over the link of the second: %v", err)
	}

	// The connection at low keeps the link open, but without a connection at high
	// the level of the link is unknown.
	second.Close()
	third.Close()
	if _, err := dial(); !errors.Is(err, unix.EACCES) || !strings.Contains(err.Error(), "was open, or being opened") {
		t.Errorf("got %v, want a refusal that matches EACCES", err)
	}
}

// The answers of a pairing agent.
const (
	silent = 0
	yes    = 0x1C // MGMT_OP_USER_CONFIRM_REPLY
	no     = 0x1D // MGMT_OP_USER_CONFIRM_NEG_REPLY
)

// pairingAgent makes the kernel ask an agent about every pairing of the
// adapters, as on a desktop. It returns a channel that receives the questions.
func pairingAgent(t *testing.T, answer byte, adapters ...*rfcommtest.Controller) <-chan struct{} {
	t.Helper()
	answers := make(chan struct{})
	close(answers)
	return slowPairingAgent(t, answer, answers, adapters...)
}

// slowPairingAgent is like pairingAgent, but the agent answers only once answers is
// closed.
func slowPairingAgent(t *testing.T, answer byte, answers <-chan struct{}, adapters ...*rfcommtest.Controller) <-chan struct{} {
	t.Helper()
	fd, err := unix.Socket(unix.AF_BLUETOOTH, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.BTPROTO_HCI)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Bind(fd, &unix.SockaddrHCI{Dev: 0xFFFF, Channel: unix.HCI_CHANNEL_CONTROL}); err != nil {
		unix.Close(fd)
		t.Fatal(err)
	}
	a := &agent{socket: os.NewFile(uintptr(fd), "mgmt"), answer: answer, answers: answers,
		asked: make(chan struct{}, 100), completed: make(chan struct{}, 100)}
	ended := hosttest.InBackground(func() error { return a.serve() })
	t.Cleanup(func() { a.socket.Close(); <-ended })
	for _, c := range adapters {
		adapter, err := rfcomm.AdapterByName(c.Name())
		if err != nil {
			t.Fatal(err)
		}
		for _, command := range [][]byte{
			{0x04},       // MGMT_OP_READ_INFO: lets mgmt manage the adapter
			{0x0B, 0x01}, // MGMT_OP_SET_SSP
			{0x09, 0x01}, // MGMT_OP_SET_BONDABLE
			{0x07, 0x01}, // MGMT_OP_SET_CONNECTABLE
			{0x18, 0x01}, // MGMT_OP_SET_IO_CAPABILITY: DisplayYesNo
		} {
			if err := a.send(command[0], byte(adapter.Index), command[1:]); err != nil {
				t.Fatal(err)
			}
			<-a.completed
		}
	}
	return a.asked
}

// An agent answers pairing requests through the kernel's management interface.
type agent struct {
	socket           *os.File
	answer           byte
	answers          <-chan struct{} // closed once it answers
	asked, completed chan struct{}   // events
}

// serve reads the kernel's events until the socket is closed.
func (a *agent) serve() error {
	packet := make([]byte, 4096)
	for {
		n, err := a.socket.Read(packet)
		if err != nil {
			return err
		}
		switch binary.LittleEndian.Uint16(packet) {
		case 0x0001, 0x0002: // MGMT_EV_CMD_COMPLETE, MGMT_EV_CMD_STATUS
			a.completed <- struct{}{}
		case 0x000F: // MGMT_EV_USER_CONFIRM_REQUEST
			a.asked <- struct{}{}
			if a.answer != silent && n >= 13 {
				<-a.answers
				a.send(a.answer, packet[2], packet[6:13]) // of the address
			}
		}
	}
}

// send sends a command about an adapter.
func (a *agent) send(opcode, index byte, parameters []byte) error {
	packet := append([]byte{opcode, 0, index, 0, byte(len(parameters)), 0}, parameters...)
	_, err := a.socket.Write(packet)
	return err
}
