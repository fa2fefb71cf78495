// Package mgmt speaks the Linux kernel's Bluetooth management interface, the one
// that bluetoothd uses, as far as pairing adapters of one machine needs it. It
// needs CAP_NET_ADMIN.
package mgmt

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
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
	loadLinkKeys    = 0x0012
	setIOCapability = 0x0018
	pairDevice      = 0x0019
	unpairDevice    = 0x001B
	userConfirm     = 0x001C

	commandComplete   = 0x0001
	commandStatus     = 0x0002
	newLinkKey        = 0x0009
	userConfirmNeeded = 0x000F
)

const (
	noAdapter = 0xFFFF // the index of requests about none, and to bind to

	addressTypeBREDR = 0x00
	ioNoInputOutput  = 0x03

	keyUnauthenticated = 0x04 // a combination key that nobody confirmed
)

// statuses names the failures that pairing can meet.
var statuses = map[uint8]string{
	0x01: "unknown command", 0x02: "not connected", 0x03: "failed", 0x04: "connect failed",
	0x05: "authentication failed", 0x06: "not paired", 0x07: "no resources", 0x08: "timeout",
	0x09: "already connected", 0x0A: "busy", 0x0B: "rejected", 0x0C: "not supported",
	0x0D: "invalid parameters", 0x0E: "disconnected", 0x0F: "not powered", 0x10: "cancelled",
	0x11: "invalid index", 0x12: "blocked by rfkill", 0x13: "already paired", 0x14: "permission denied",
}

// notPaired is the status of a command that needs a bond.
const notPaired = 0x06

// commandError is a command that the kernel answered with a failure.
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

// A Socket is a management socket with an agent that confirms every pairing of the
// adapters that it was told to pair, and leaves all others alone. Its methods may be
// called from several goroutines at once.
type Socket struct {
	file      *os.File
	addressOf func(index int) ([6]byte, error)

	command sync.Mutex // one at a time: replies to two of a kind look alike

	ended   chan struct{} // closed when nothing reads any more
	readErr error         // why; set before

	mu       sync.Mutex
	awaited  request         // the command under way
	reply    chan<- uint8    // takes its status; nil: there is none
	keysSeen map[int]int     // link keys that the kernel made, by adapter index
	own      map[int][6]byte // the addresses of the adapters to confirm for, by index
}

// A request tells apart the replies on a socket.
type request struct {
	opcode uint16
	index  int
}

// Open opens a socket. Adapters that it has paired stay its own: the kernel asks
// an agent about them from then on, with whomever they pair.
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
		keysSeen:  make(map[int]int),
		own:       make(map[int][6]byte),
	}
	go m.read()
	return m
}

// read takes what the kernel says until the socket is closed.
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
		// Every packet: event, index and length, then the parameters.
		event := binary.LittleEndian.Uint16(packet[0:])
		index := int(binary.LittleEndian.Uint16(packet[2:]))
		m.event(event, index, packet[6:n])
	}
}

func (m *Socket) event(event uint16, index int, parameters []byte) {
	switch event {
	case commandComplete, commandStatus:
		if len(parameters) < 3 {
			return
		}
		key := request{binary.LittleEndian.Uint16(parameters), index}
		m.mu.Lock()
		if m.reply != nil && m.awaited == key {
			m.reply <- parameters[2]
			m.reply = nil
		}
		m.mu.Unlock()
	case newLinkKey:
		m.mu.Lock()
		m.keysSeen[index]++
		m.mu.Unlock()
	case userConfirmNeeded:
		if len(parameters) >= 7 && m.owns(index) {
			// No wait for the reply: that would come through this function.
			_ = m.send(userConfirm, index, parameters[:7])
		}
	}
}

// owns reports whether an adapter is one that the socket was told to pair. The kernel
// tells every socket of the pairings of all adapters, and gives the index of an
// adapter that is gone to the next one: only the address tells them apart.
func (m *Socket) owns(index int) bool {
	m.mu.Lock()
	own, ok := m.own[index]
	m.mu.Unlock()
	if !ok {
		return false
	}
	address, err := m.addressOf(index)
	return err == nil && address == own
}

func (m *Socket) send(opcode uint16, index int, parameters []byte) error {
	packet := binary.LittleEndian.AppendUint16(nil, opcode)
	packet = binary.LittleEndian.AppendUint16(packet, uint16(index))
	packet = binary.LittleEndian.AppendUint16(packet, uint16(len(parameters)))
	_, err := m.file.Write(append(packet, parameters...))
	// The kernel calls it nothing written when it refuses a command at once; the
	// refusal itself comes as an event.
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return err
}

// do sends a command and waits for its end.
func (m *Socket) do(opcode uint16, index int, parameters ...byte) error {
	m.command.Lock()
	defer m.command.Unlock()
	reply := make(chan uint8, 1)
	m.await(request{opcode, index}, reply)
	defer m.await(request{}, nil)
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

// await says where the status of a command goes.
func (m *Socket) await(key request, reply chan<- uint8) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.awaited, m.reply = key, reply
}

// bondable makes an adapter one that pairs with whoever asks, without a
// question to anybody ("just works"), and keeps it connectable.
func (m *Socket) bondable(index int) error {
	// The first command hands the adapter over to this interface. The kernel
	// may be setting up a new adapter still, and knows none of this index then.
	err := m.eventually(fmt.Sprintf("hci%d to be managed", index), func() error {
		return m.do(readInfo, index)
	})
	for _, setting := range []struct {
		opcode uint16
		value  byte
	}{
		{setSimplePair, 1},
		{setBondable, 1},
		{setConnectable, 1},
		{setIOCapability, ioNoInputOutput},
	} {
		if err == nil {
			err = m.do(setting.opcode, index, setting.value)
		}
	}
	return err
}

// forget has an adapter drop its link key for a device, if it has one, and the link
// between them with it: the kernel does not pair twice, nor over a link that is
// encrypted already.
func (m *Socket) forget(index int, device [6]byte) error {
	const disconnect = 1
	err := m.do(unpairDevice, index, append(kernelOrder(device), addressTypeBREDR, disconnect)...)
	var refused *commandError
	if errors.As(err, &refused) && refused.status == notPaired {
		return nil
	}
	return err
}

// An Adapter is one that is to be paired.
type Adapter struct {
	Index   int
	Address [6]byte // BD_ADDR, the most significant byte first
}

// Pair makes a bond between two adapters of this machine, in place of one that they
// have: the kernel holds a link key for both then. From then on they do Secure
// Simple Pairing, with which the kernel encrypts every link, whatever a socket asks
// for.
func (m *Socket) Pair(a, b Adapter) error {
	m.mu.Lock()
	for _, adapter := range []Adapter{a, b} {
		m.own[adapter.Index] = adapter.Address
	}
	m.mu.Unlock()
	before := make(map[Adapter]int)
	for adapter, other := range map[Adapter]Adapter{a: b, b: a} {
		if err := m.bondable(adapter.Index); err != nil {
			return fmt.Errorf("making hci%d bondable: %w", adapter.Index, err)
		}
		if err := m.forget(adapter.Index, other.Address); err != nil {
			return fmt.Errorf("ending the bond of hci%d: %w", adapter.Index, err)
		}
		before[adapter] = m.keys(adapter.Index)
	}
	parameters := append(kernelOrder(b.Address), addressTypeBREDR, ioNoInputOutput)
	if err := m.do(pairDevice, a.Index, parameters...); err != nil {
		return fmt.Errorf("pairing hci%d with hci%d: %w", a.Index, b.Index, err)
	}
	return m.eventually("both link keys", func() error {
		for adapter, had := range before {
			if m.keys(adapter.Index) == had {
				return fmt.Errorf("hci%d made none", adapter.Index)
			}
		}
		return nil
	})
}

// SetSimplePairing turns Secure Simple Pairing on or off for an adapter. Its keys
// stay. Without it a link is encrypted only when a socket asks for that.
func (m *Socket) SetSimplePairing(index int, on bool) error {
	value := byte(0)
	if on {
		value = 1
	}
	return m.do(setSimplePair, index, value)
}

// LoadKey replaces all link keys of an adapter by one, for a device.
func (m *Socket) LoadKey(index int, device [6]byte, key [16]byte) error {
	parameters := []byte{0, 1, 0} // no debug keys; one key
	parameters = append(parameters, kernelOrder(device)...)
	parameters = append(parameters, addressTypeBREDR, keyUnauthenticated)
	parameters = append(parameters, key[:]...)
	parameters = append(parameters, 0) // no PIN
	return m.do(loadLinkKeys, index, parameters...)
}

// keys returns how many link keys the kernel has made for an adapter.
func (m *Socket) keys(index int) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.keysSeen[index]
}

// Close closes the socket. Commands under way fail, with an error that matches
// os.ErrClosed. The adapters keep their keys.
func (m *Socket) Close() error { return m.file.Close() }

// patience bounds every wait for the kernel.
const patience = 20 * time.Second

// eventually tries until attempt succeeds, or the socket ends.
func (m *Socket) eventually(what string, attempt func() error) error {
	for end := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		err := attempt()
		if err == nil {
			return nil
		}
		if m.isEnded() || time.Now().After(end) {
			return fmt.Errorf("gave up waiting for %s: %w", what, err)
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

// kernelOrder returns an address with the least significant byte first.
func kernelOrder(address [6]byte) []byte {
	slices.Reverse(address[:])
	return address[:]
}
