package btsnoop

import (
	"encoding/binary"
	"time"
)

// fileHeader is the start of a file: identification, version 1, datalink 2001.
const fileHeader = "btsnoop\x00" + "\x00\x00\x00\x01" + "\x00\x00\x07\xd1"

// longest is the maximum data length of a record in BlueZ
// (BTSNOOP_MAX_PACKET_SIZE). BlueZ regards a file with a longer record as
// corrupt and stops reading.
const longest = 1486 + 4

// unixEpoch is the start of 1970 in microseconds, as in all readers of the
// format. The format was meant to count from the year 0; the value is off by 12
// days.
const unixEpoch = 0x00dcddb30f2f8000

// An opcode specifies the type of a record.
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

// appendHeader appends the header of a record.
func appendHeader(b []byte, t time.Time, index uint16, code opcode, length int) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(length)) // original length
	b = binary.BigEndian.AppendUint32(b, uint32(length)) // included length
	b = binary.BigEndian.AppendUint32(b, uint32(index)<<16|uint32(code))
	b = binary.BigEndian.AppendUint32(b, 0) // packets dropped
	return binary.BigEndian.AppendUint64(b, uint64(t.UnixMicro()+unixEpoch))
}
