package btsnoop

import (
	"encoding/binary"
	"time"
)

// fileHeader is the start of a file: identification, version 1, datalink 2001.
const fileHeader = "btsnoop\x00" + "\x00\x00\x00\x01" + "\x00\x00\x07\xd1"

// longest is how much data of a record BlueZ reads (BTSNOOP_MAX_PACKET_SIZE).
// At a longer one it takes the file for broken and stops.
const longest = 1486 + 4

// unixEpoch is 1970 in microseconds, as every reader of the format has it. It
// was meant to count from the year 0, from which it is 12 days off.
const unixEpoch = 0x00dcddb30f2f8000

// An opcode says what a record is about.
type opcode uint16

const (
	newIndex    opcode = 0
	deleteIndex opcode = 1
	command     opcode = 2
	event       opcode = 3
	aclSent     opcode = 4 // by the host
	aclReceived opcode = 5
	scoSent     opcode = 6
	scoReceived opcode = 7
	isoSent     opcode = 18
	isoReceived opcode = 19
)

// appendHeader appends the header of a record about an adapter.
func appendHeader(b []byte, t time.Time, index uint16, code opcode, length int) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(length)) // of the packet
	b = binary.BigEndian.AppendUint32(b, uint32(length)) // of what is included
	b = binary.BigEndian.AppendUint32(b, uint32(index)<<16|uint32(code))
	b = binary.BigEndian.AppendUint32(b, 0) // packets dropped
	return binary.BigEndian.AppendUint64(b, uint64(t.UnixMicro()+unixEpoch))
}
