// Package mgmt pairs Bluetooth adapters of one machine over the Linux kernel's
// management interface, which bluetoothd also uses. It needs CAP_NET_ADMIN.
package mgmt

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm/internal/hci"
)

// Commands and events, from include/net/bluetooth/mgmt.h.
const (
	readInfo        = 0x0004
	setConnectable  = 0x0007
	setBondable     = 0x0009
	setSimplePair   = 0x000B
	pinCode         = 0x0016
	noPINCode       = 0x0017
	setIOCapability = 0x0018
	pairDevice      = 0x0019
	unpairDevice    = 0x001B
	userConfirm     = 0x001C
	userPasskey     = 0x001E
	setSecureConn   = 0x002D

	commandComplete   = 0x0001
	commandStatus     = 0x0002
	newLinkKey        = 0x0009
	pinCodeNeeded     = 0x000E
	userConfirmNeeded = 0x000F
	passkeyNeeded     = 0x0010
	passkeyShown      = 0x0017
)

const (
	noAdapter = 0xFFFF // index to bind to, and of requests without an adapter

	addressTypeBREDR = 0x00
)

// statuses holds the names of the statuses with which pairing can fail.
var statuses = map[uint8]string{
	0x01: "unknown command", 0x02: "not connected", 0x03: "failed", 0x04: "connect failed",
	0x05: "authentication failed", 0x06: "not paired", 0x07: "no resources", 0x08: "timeout",
	0x09: "already connected", 0x0A: "busy", 0x0B: "rejected", 0x0C: "not supported",
	0x0D: "invalid parameters", 0x0E: "disconnected", 0x0F: "not powered", 0x10: "cancelled",
	0x11: "invalid index", 0x12: "blocked by rfkill", 0x13: "already paired", 0x14: "permission denied",
}

// Statuses that have a meaning of their own.
const (
	notPaired = 0x06 // the command requires a bond
	busy      = 0x0A // see do
)

// A commandError is the error of a command that the kernel refused.
type commandError struct {
	opcode uint16
	status uint8
}

func (e *commandError) Error() string {
	reason, ok := statuses[e.status]
	if !ok {
		reason = fmt.Sprintf("status 0x%02x", e.status)
	}
	return fmt.Sprintf("the kernel refused management command 0x%04x: %s", e.opcode, reason)
}

// A Socket is a management socket with a pairing agent. The agent confirms
// every pairing of the adapters passed to Pair, Manage or SetPIN, and ignores all other
// pairings. If one of these adapters shows a passkey to another, the agent
// enters it there. The methods may be called from several goroutines at once.
type Socket struct {
	file      *os.File
	addressOf func(index int) ([6]byte, error)

	ended   chan struct{} // closed when the reader has ended
	readErr error         // the reader's error; set before ended is closed

	mu       sync.Mutex
	commands map[request]*sync.Mutex  // each is held while such a command is pending
	replies  map[request]chan<- uint8 // of the pending commands, each for a status
	keysSeen map[int]int              // number of new link keys, by adapter index
	own      map[int]owned            // the adapters to answer for, by index
	passkeys map[exchange]entry

	observing sync.Mutex
	observers []*observer
}

// A request is the part of a command that its reply repeats. Two commands with
// the same opcode and index cannot be distinguished.
type request struct {
	opcode uint16
	index  int
}

// Open opens a socket. Its agent remains responsible for the adapters that it
// has paired: the kernel then asks an agent about every pairing of these
// adapters, with any device.
func Open() (*Socket, error) {
	fd, err := unix.Socket(unix.AF_BLUETOOTH, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.BTPROTO_HCI)
	if err != nil {
		return nil, fmt.Errorf("opening a management socket: %w", err)
	}
	if err := unix.Bind(fd, &unix.SockaddrHCI{Dev: noAdapter, Channel: unix.HCI_CHANNEL_CONTROL}); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("binding a management socket: %w", err)
	}
	return newSocket(os.NewFile(uintptr(fd), "mgmt"), func(index int) ([6]byte, error) {
		adapter, err := hci.AdapterByIndex(index)
		return adapter.Address, err
	}), nil
}

func newSocket(file *os.File, addressOf func(index int) ([6]byte, error)) *Socket {
	m := &Socket{
		file:      file,
		addressOf: addressOf,
		ended:     make(chan struct{}),
		commands:  make(map[request]*sync.Mutex),
		replies:   make(map[request]chan<- uint8),
		keysSeen:  make(map[int]int),
		own:       make(map[int]owned),
		passkeys:  make(map[exchange]entry),
	}
	go m.read()
	return m
}

// read handles the kernel's events until the socket is closed.
func (m *Socket) read() {
	defer close(m.ended)
	packet := make([]byte, 4096)
	for {
		n, err := m.file.Read(packet)
		if err != nil {
			m.readErr = err
			return
		}
		if n < 6 {
			continue
		}
		// A packet has an event, an index, a length, and the parameters.
		event := binary.LittleEndian.Uint16(packet[0:])
		index := int(binary.LittleEndian.Uint16(packet[2:]))
		m.observed(event, index, packet[6:n])
		m.event(event, index, packet[6:n])
	}
}

// event handles one event of the kernel.
func (m *Socket) event(event uint16, index int, parameters []byte) {
	switch event {
	case commandComplete, commandStatus:
		if len(parameters) < 3 {
			return
		}
		key := request{binary.LittleEndian.Uint16(parameters), index}
		m.mu.Lock()
		if reply := m.replies[key]; reply != nil {
			reply <- parameters[2]
			delete(m.replies, key)
		}
		m.mu.Unlock()
	case newLinkKey:
		m.mu.Lock()
		m.keysSeen[index]++
		m.mu.Unlock()
	default:
		m.question(event, index, parameters)
	}
}

// send sends a command without waiting for its reply.
func (m *Socket) send(opcode uint16, index int, parameters []byte) error {
	packet := binary.LittleEndian.AppendUint16(nil, opcode)
	packet = binary.LittleEndian.AppendUint16(packet, uint16(index))
	packet = binary.LittleEndian.AppendUint16(packet, uint16(len(parameters)))
	_, err := m.file.Write(append(packet, parameters...))
	// If the kernel refuses a command at once, its write(2) returns 0. The
	// refusal itself arrives as an event.
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return err
}

// do sends a command and waits for its reply. It repeats a command that the
// kernel refuses because it is busy, until patience has passed. The kernel does
// so while an equal command is pending, also for a moment after its reply
// (settings_rsp), and while the link that a pairing needs is being taken down.
func (m *Socket) do(opcode uint16, index int, parameters ...byte) error {
	for end := time.Now().Add(patience); ; time.Sleep(pause) {
		err := m.doOnce(opcode, index, parameters)
		var refused *commandError
		if !errors.As(err, &refused) || refused.status != busy || m.isEnded() || time.Now().After(end) {
			return err
		}
	}
}

// doOnce sends a command and waits for its reply.
func (m *Socket) doOnce(opcode uint16, index int, parameters []byte) error {
	reply := make(chan uint8, 1)
	defer m.await(request{opcode, index}, reply)()
	if err := m.send(opcode, index, parameters); err != nil {
		return fmt.Errorf("sending management command 0x%04x: %w", opcode, err)
	}
	select {
	case status := <-reply:
		if status != 0 {
			return &commandError{opcode, status}
		}
		return nil
	case <-m.ended:
		return fmt.Errorf("the management socket ended before command 0x%04x was answered: %w", opcode, m.readErr)
	case <-time.After(patience):
		return fmt.Errorf("management command 0x%04x on hci%d was not answered within %v", opcode, index, patience)
	}
}

// await waits until no equal command is pending, and makes reply receive the
// status of the next one until done is called.
func (m *Socket) await(key request, reply chan<- uint8) (done func()) {
	m.mu.Lock()
	command := m.commands[key]
	if command == nil {
		command = new(sync.Mutex)
		m.commands[key] = command
	}
	m.mu.Unlock()
	command.Lock()
	m.expect(key, reply)
	return func() {
		m.expect(key, nil)
		command.Unlock()
	}
}

// expect sets the channel that receives the status of a command.
func (m *Socket) expect(key request, reply chan<- uint8) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.replies[key] = reply
}

// keys returns the number of link keys that the kernel has created for an
// adapter.
func (m *Socket) keys(index int) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.keysSeen[index]
}

// Close closes the socket. Pending commands fail with an error that matches
// os.ErrClosed. The adapters keep their link keys.
func (m *Socket) Close() error { return m.file.Close() }

const (
	// patience is the timeout of every wait for the kernel.
	patience = time.Minute

	// pause is the time between two attempts.
	pause = 5 * time.Millisecond
)

// eventually repeats attempt until it succeeds, the socket ends, or patience
// has passed.
func (m *Socket) eventually(what string, attempt func() error) error {
	for end := time.Now().Add(patience); ; time.Sleep(pause) {
		err := attempt()
		if err == nil {
			return nil
		}
		if m.isEnded() || time.Now().After(end) {
			return fmt.Errorf("waiting for %s: %w", what, err)
		}
	}
}

func (m *Socket) isEnded() bool {
	select {
	case <-m.ended:
		return true
	default:
		return false
	}
}
