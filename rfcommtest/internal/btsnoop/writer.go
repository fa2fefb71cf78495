package btsnoop

import (
	"fmt"
	"io"
	"time"
)

// A Direction says which way a packet goes between host and controller.
type Direction uint8

// The directions.
const (
	ToController Direction = iota
	ToHost
)

// A Writer writes a log. It must not be used by several goroutines at once.
//
// The first error of the underlying writer sticks: every later call returns it
// and writes nothing, because what follows half a record cannot be read.
type Writer struct {
	w       io.Writer
	started bool   // the header of the file is written
	buffer  []byte // for the next record
	err     error
}

// NewWriter returns a Writer that writes to w, each record with one call of
// Write. Nothing is written before the first record, which brings the header
// of the file along.
func NewWriter(w io.Writer) *Writer { return &Writer{w: w} }

// NewIndex notes that an adapter appeared: a virtual one, with the address in
// the order of the kernel (the last byte that people write first), and a name
// such as "hci3" of which 8 bytes are kept.
func (w *Writer) NewIndex(t time.Time, index uint16, address [6]byte, name string) error {
	const primary, virtual = 0, 0 // type and bus
	data := [2 + len(address) + 8]byte{primary, virtual}
	copy(data[2:], address[:])
	copy(data[2+len(address):], name)
	return w.record(t, index, newIndex, data[:])
}

// DeleteIndex notes that an adapter disappeared.
func (w *Writer) DeleteIndex(t time.Time, index uint16) error {
	return w.record(t, index, deleteIndex, nil)
}

// Packet notes a packet in the form of the UART transport: its type, then the
// packet (Core specification, Vol 4 Part A, section 2). One that is none of
// HCI, or that goes the wrong way, is an error that does not stick.
//
// Of a packet longer than 1490 bytes only the start is noted, as if that were
// all, since BlueZ cannot read on after a longer one. The length in the packet
// itself shows what is missing.
func (w *Writer) Packet(t time.Time, index uint16, direction Direction, h4 []byte) error {
	if w.err != nil {
		return w.err
	}
	if len(h4) == 0 {
		return fmt.Errorf("btsnoop: an empty packet")
	}
	code, ok := opcodeOf(direction, h4[0])
	if !ok {
		return fmt.Errorf("btsnoop: a packet of type %#02x %v", h4[0], direction)
	}
	return w.record(t, index, code, h4[1:])
}

// opcodeOf returns the opcode for a packet of a type of the UART transport.
func opcodeOf(direction Direction, packetType byte) (code opcode, ok bool) {
	type key struct {
		direction  Direction
		packetType byte
	}
	switch (key{direction, packetType}) {
	case key{ToController, 1}:
		return command, true
	case key{ToController, 2}:
		return aclSent, true
	case key{ToHost, 2}:
		return aclReceived, true
	case key{ToController, 3}:
		return scoSent, true
	case key{ToHost, 3}:
		return scoReceived, true
	case key{ToHost, 4}:
		return event, true
	case key{ToController, 5}:
		return isoSent, true
	case key{ToHost, 5}:
		return isoReceived, true
	}
	return 0, false
}

// record writes a record, and before the first the header of the file.
func (w *Writer) record(t time.Time, index uint16, code opcode, data []byte) error {
	if w.err != nil {
		return w.err
	}
	b := w.buffer[:0]
	if !w.started {
		b = append(b, fileHeader...)
	}
	data = data[:min(len(data), longest)]
	b = appendHeader(b, t, index, code, len(data))
	b = append(b, data...)
	w.buffer, w.started = b, true
	_, w.err = w.w.Write(b)
	return w.err
}

func (d Direction) String() string {
	switch d {
	case ToController:
		return "to the controller"
	case ToHost:
		return "to the host"
	}
	return fmt.Sprintf("in direction %d", uint8(d))
}
