package integration

import (
	"encoding/binary"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
	"github.com/go-rfcomm/rfcomm/rfcommtest"
)

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

// slowPairingAgent is like pairingAgent, but the agent answers only once
// answers is closed.
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
