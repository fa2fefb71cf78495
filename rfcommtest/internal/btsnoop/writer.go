package btsnoop

import (
	"fmt"
	"io"
	"time"
)

// A Direction is the direction of a packet between host and controller.
type Direction uint8

// The directions.
const (
	ToController Direction = iota
	ToHost
)

// A Writer writes a log. It is not safe for concurrent use.
//
// After the first error of the underlying writer, every call returns that error
// and writes nothing, because records after a partial record cannot be read.
type Writer struct {
	w       io.Writer
	started bool   // the file header has been written
	buffer  []byte // for the next record
	err     error
}

// NewWriter returns a Writer that writes to w, with one call of Write for each
// record. The first call also writes the file header; before it, nothing is
// written.
func NewWriter(w io.Writer) *Writer { return &Writer{w: w} }

// NewIndex logs a new virtual adapter. The address is in the order of the
// kernel: the last byte of the text form comes first. The name, such as "hci3",
// is truncated to 8 bytes.
func (w *Writer) NewIndex(t time.Time, index uint16, address [6]byte, name string) error {
	const primary, virtual = 0, 0 // type and bus
	data := [2 + len(address) + 8]byte{primary, virtual}
	copy(data[2:], address[:])
	copy(data[2+len(address):], name)
	return w.record(t, index, newIndex, data[:])
}

// DeleteIndex logs the removal of an adapter.
func (w *Writer) DeleteIndex(t time.Time, index uint16) error {
	return w.record(t, index, deleteIndex, nil)
}

// Packet logs a packet in the form of the UART transport: the type, then the
// packet (Core Specification, Volume 4, Part A, section 2). It returns an error
// if the type is not an HCI type or does not exist in that direction. Such an
// error does not affect later calls.
//
// A packet longer than 1490 bytes is truncated, and its record does not show
// that, because BlueZ cannot continue after a longer one. The length in the
// packet's own header shows how much is missing.
func (w *Writer) Packet(t time.Time, index uint16, direction Direction, h4 []byte) error {
	if w.err != nil {
		return w.err
	}
	if len(h4) == 0 {
		return fmt.Errorf("btsnoop: empty packet")
	}
	code, ok := opcodeOf(direction, h4[0])
	if !ok {
		return fmt.Errorf("btsnoop: invalid packet type %#02x %v", h4[0], direction)
	}
	return w.record(t, index, code, h4[1:])
}

// opcodeOf returns the opcode for a packet type of the UART transport.
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

// record writes a record, preceded by the file header if it is the first.
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
