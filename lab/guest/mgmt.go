//go:build linux

package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Commands and events of the kernel's Bluetooth management interface (mgmt),
// the one that bluetoothd uses, from include/net/bluetooth/mgmt.h.
const (
	mgmtReadInfo        = 0x0004
	mgmtSetConnectable  = 0x0007
	mgmtSetBondable     = 0x0009
	mgmtSetSimplePair   = 0x000B
	mgmtLoadLinkKeys    = 0x0012
	mgmtSetIOCapability = 0x0018
	mgmtPairDevice      = 0x0019
	mgmtUserConfirm     = 0x001C

	mgmtCommandComplete   = 0x0001
	mgmtCommandStatus     = 0x0002
	mgmtNewLinkKey        = 0x0009
	mgmtUserConfirmNeeded = 0x000F
)

const (
	mgmtNoAdapter = 0xFFFF // the index of requests about none, and to bind to

	addressTypeBREDR = 0x00
	ioNoInputOutput  = 0x03

	keyUnauthenticated = 0x04 // a combination key that nobody confirmed
)

// mgmtStatuses names the failures that pairing can meet.
var mgmtStatuses = map[uint8]string{
	0x01: "unknown command", 0x02: "not connected", 0x03: "failed", 0x04: "connect failed",
	0x05: "authentication failed", 0x06: "not paired", 0x07: "no resources", 0x08: "timeout",
	0x09: "already connected", 0x0A: "busy", 0x0B: "rejected", 0x0C: "not supported",
	0x0D: "invalid parameters", 0x0E: "disconnected", 0x0F: "not powered", 0x10: "cancelled",
	0x11: "invalid index", 0x12: "blocked by rfkill", 0x13: "already paired", 0x14: "permission denied",
}

// errMgmt is a command that the kernel answered with a failure.
type errMgmt struct {
	opcode uint16
	status uint8
}

func (e *errMgmt) Error() string {
	return fmt.Sprintf("the kernel refused management command 0x%04x: %s", e.opcode, mgmtStatuses[e.status])
}

// A mgmt is a management socket with an agent that confirms every pairing.
type mgmt struct {
	file *os.File

	mu       sync.Mutex
	awaited  map[mgmtCommand]chan uint8 // the statuses of commands under way
	keysSeen map[int]int                // link keys that the kernel made, by adapter index
}

// A mgmtCommand tells apart the replies on a socket.
type mgmtCommand struct {
	opcode uint16
	index  int
}

func openMgmt() (*mgmt, error) {
	fd, err := unix.Socket(unix.AF_BLUETOOTH, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.BTPROTO_HCI)
	if err != nil {
		return nil, fmt.Errorf("opening a management socket: %w", err)
	}
	if err := unix.Bind(fd, &unix.SockaddrHCI{Dev: mgmtNoAdapter, Channel: unix.HCI_CHANNEL_CONTROL}); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("binding a management socket: %w", err)
	}
	m := &mgmt{
		file:     os.NewFile(uintptr(fd), "mgmt"),
		awaited:  make(map[mgmtCommand]chan uint8),
		keysSeen: make(map[int]int),
	}
	go m.read()
	return m, nil
}

// read takes what the kernel says until the socket is closed.
func (m *mgmt) read() {
	packet := make([]byte, 4096)
	for {
		n, err := m.file.Read(packet)
		if err != nil {
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

func (m *mgmt) event(event uint16, index int, parameters []byte) {
	switch event {
	case mgmtCommandComplete, mgmtCommandStatus:
		if len(parameters) < 3 {
			return
		}
		command := mgmtCommand{binary.LittleEndian.Uint16(parameters), index}
		m.mu.Lock()
		if reply := m.awaited[command]; reply != nil {
			delete(m.awaited, command)
			reply <- parameters[2]
		}
		m.mu.Unlock()
	case mgmtNewLinkKey:
		m.mu.Lock()
		m.keysSeen[index]++
		m.mu.Unlock()
	case mgmtUserConfirmNeeded:
		if len(parameters) >= 7 {
			// No wait for the reply: that would come through this function.
			_ = m.send(mgmtUserConfirm, index, parameters[:7])
		}
	}
}

func (m *mgmt) send(opcode uint16, index int, parameters []byte) error {
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

// command sends a command and waits for its end.
func (m *mgmt) command(opcode uint16, index int, parameters ...byte) error {
	reply := make(chan uint8, 1)
	m.mu.Lock()
	m.awaited[mgmtCommand{opcode, index}] = reply
	m.mu.Unlock()
	if err := m.send(opcode, index, parameters); err != nil {
		return fmt.Errorf("sending management command 0x%04x: %w", opcode, err)
	}
	select {
	case status := <-reply:
		if status != 0 {
			return &errMgmt{opcode, status}
		}
		return nil
	case <-time.After(patience):
		return fmt.Errorf("management command 0x%04x on hci%d was not answered within %v", opcode, index, patience)
	}
}

// bondable makes an adapter one that pairs with whoever asks, without a
// question to anybody ("just works"), and keeps it connectable.
func (m *mgmt) bondable(index int) error {
	// The first command hands the adapter over to this interface. The kernel
	// may be setting up a new adapter still, and knows none of this index then.
	err := eventually(fmt.Sprintf("hci%d to be managed", index), func() error {
		return m.command(mgmtReadInfo, index)
	})
	for _, setting := range []struct {
		opcode uint16
		value  byte
	}{
		{mgmtSetSimplePair, 1},
		{mgmtSetBondable, 1},
		{mgmtSetConnectable, 1},
		{mgmtSetIOCapability, ioNoInputOutput},
	} {
		if err == nil {
			err = m.command(setting.opcode, index, setting.value)
		}
	}
	return err
}

// pair pairs an adapter with another and waits until both have agreed.
func (m *mgmt) pair(index int, other address) error {
	parameters := append(other.kernelOrder(), addressTypeBREDR, ioNoInputOutput)
	return m.command(mgmtPairDevice, index, parameters...)
}

// loadKey replaces all link keys of an adapter by one.
func (m *mgmt) loadKey(index int, other address, key [16]byte) error {
	parameters := []byte{0, 1, 0} // no debug keys; one key
	parameters = append(parameters, other.kernelOrder()...)
	parameters = append(parameters, addressTypeBREDR, keyUnauthenticated)
	parameters = append(parameters, key[:]...)
	parameters = append(parameters, 0) // no PIN
	return m.command(mgmtLoadLinkKeys, index, parameters...)
}

// keys returns how many link keys an adapter's kernel end has made.
func (m *mgmt) keys(index int) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.keysSeen[index]
}
