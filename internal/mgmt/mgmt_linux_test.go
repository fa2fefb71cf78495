package mgmt

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A kernel is the other end of a management socket.
type kernel struct {
	*testing.T
	file *os.File
}

var (
	ours    = [6]byte{2, 0, 0, 0, 0, 1}
	foreign = [6]byte{0x5C, 0xF3, 0x70, 0, 0, 1}
)

// newTestSocket returns a socket and its other end, at which the test plays the
// kernel. Adapters have the given addresses, by index.
func newTestSocket(t *testing.T, addresses map[int][6]byte) (*Socket, *kernel) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	k := &kernel{t, os.NewFile(uintptr(fds[1]), "kernel")}
	k.file.SetDeadline(time.Now().Add(10 * time.Second))
	m := newSocket(os.NewFile(uintptr(fds[0]), "mgmt"), func(index int) ([6]byte, error) {
		address, ok := addresses[index]
		if !ok {
			return address, unix.ENODEV
		}
		return address, nil
	})
	t.Cleanup(func() {
		m.Close()
		k.file.Close()
	})
	return m, k
}

// send sends an event.
func (k *kernel) send(event uint16, index int, parameters ...byte) {
	k.Helper()
	packet := binary.LittleEndian.AppendUint16(nil, event)
	packet = binary.LittleEndian.AppendUint16(packet, uint16(index))
	packet = binary.LittleEndian.AppendUint16(packet, uint16(len(parameters)))
	if _, err := k.file.Write(append(packet, parameters...)); err != nil {
		k.Error(err)
	}
}

// receive returns the next command.
func (k *kernel) receive() (opcode uint16, index int, parameters []byte) {
	k.Helper()
	packet := make([]byte, 256)
	n, err := k.file.Read(packet)
	if err != nil {
		k.Fatal(err)
	}
	return binary.LittleEndian.Uint16(packet), int(binary.LittleEndian.Uint16(packet[2:])), packet[6:n]
}

// answer sends the reply to a command.
func (k *kernel) answer(opcode uint16, index int, status byte) {
	k.Helper()
	k.send(commandComplete, index, byte(opcode), byte(opcode>>8), status)
}

// The kernel sends the pairing events of all adapters to every socket.
func TestSocketConfirmsOnlyItsOwnAdapters(t *testing.T) {
	// hci1 was removed, and its index now belongs to a foreign adapter.
	m, k := newTestSocket(t, map[int][6]byte{0: ours, 1: foreign, 2: foreign})
	m.own[0], m.own[1], m.own[3] = owned{ours, defaultPIN}, owned{ours, defaultPIN}, owned{ours, defaultPIN}
	device := append(kernelOrder(foreign), addressTypeBREDR, 0, 0, 0, 0, 0)
	for _, index := range []int{2, 1, 3, 0} {
		k.send(userConfirmNeeded, index, device...)
	}
	opcode, index, parameters := k.receive()
	if opcode != userConfirm || index != 0 || !bytes.Equal(parameters, device[:7]) {
		t.Errorf("the first command is 0x%04x for hci%d, % x", opcode, index, parameters)
	}
}

func TestSocketDoReturnsItsOwnReply(t *testing.T) {
	m, k := newTestSocket(t, nil)
	const n = 8
	errs := make(chan error, n)
	for range n {
		go func() { errs <- m.do(setBondable, 0, 1) }()
	}
	const refused = 3 // every third command
	for i := range n {
		opcode, index, _ := k.receive()
		status := byte(0)
		if i%refused == 0 {
			status = notPaired
		}
		k.answer(opcode, index, status)
	}
	failed := 0
	for range n {
		select {
		case err := <-errs:
			if err != nil {
				failed++
			}
		case <-time.After(10 * time.Second):
			t.Fatal("a command got no answer")
		}
	}
	if failed != 3 {
		t.Errorf("%d commands failed; 3 were refused", failed)
	}
}

// The kernel can answer a command before it considers it completed
// (settings_rsp).
func TestSocketDoRetriesWhileBusy(t *testing.T) {
	m, k := newTestSocket(t, nil)
	ended := make(chan error, 1)
	go func() { ended <- m.do(setSimplePair, 0, 1) }()
	for _, status := range []byte{busy, busy, notPaired} {
		opcode, index, parameters := k.receive()
		if opcode != setSimplePair || index != 0 || !bytes.Equal(parameters, []byte{1}) {
			t.Errorf("command 0x%04x for hci%d, % x", opcode, index, parameters)
		}
		k.answer(opcode, index, status)
	}
	var refused *commandError
	if err := <-ended; !errors.As(err, &refused) || refused.status != notPaired {
		t.Errorf("got %v, want the reply that is not busy", err)
	}
}

func TestSocketCloseEndsBusyCommand(t *testing.T) {
	m, k := newTestSocket(t, nil)
	ended := make(chan error, 1)
	go func() { ended <- m.do(setSimplePair, 0, 1) }()
	k.answer(setSimplePair, 0, busy)
	m.Close()
	if err := <-ended; err == nil {
		t.Error("the command succeeded")
	}
}

func TestSocketCloseEndsPendingCommands(t *testing.T) {
	m, k := newTestSocket(t, nil)
	ended := make(chan error)
	pair := func() {
		ended <- m.Pair(Adapter{Index: 0, Address: ours}, Adapter{Index: 1, Address: foreign}, JustWorks)
	}
	for range 2 {
		go pair()
	}
	k.receive()
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		select {
		case err := <-ended:
			if !errors.Is(err, os.ErrClosed) {
				t.Errorf("got %v", err)
			}
		case <-time.After(10 * time.Second):
			t.Fatal("a command is still pending")
		}
	}
}
