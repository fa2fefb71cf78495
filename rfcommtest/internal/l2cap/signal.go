package l2cap

import (
	"encoding/binary"
	"fmt"
)

// Channel identifiers with a fixed meaning (Volume 3, Part A, section 2.1). The
// identifiers from firstDynamic on belong to channels.
const (
	signallingCID = 0x0001
	firstDynamic  = 0x0040
	lastDynamic   = 0xffff
)

// Codes of signalling commands (section 4).
const (
	commandReject         = 0x01
	connectionRequest     = 0x02
	connectionResponse    = 0x03
	configurationRequest  = 0x04
	configurationResponse = 0x05
	disconnectionRequest  = 0x06
	disconnectionResponse = 0x07
	echoRequest           = 0x08
	echoResponse          = 0x09
	informationRequest    = 0x0a
	informationResponse   = 0x0b
)

// Reasons of a command reject (section 4.1).
const (
	notUnderstood = 0x0000
	invalidCID    = 0x0002
)

// A Result is the Result of a connection response (section 4.3).
type Result uint16

// The results that the package uses.
const (
	accepted           Result = 0x0000
	pendingResult      Result = 0x0001
	psmNotSupported    Result = 0x0002
	sourceCIDInvalid   Result = 0x0006
	sourceCIDAllocated Result = 0x0007
)

var resultNames = map[Result]string{
	psmNotSupported:    "PSM not supported",
	0x0003:             "security block",
	0x0004:             "no resources available",
	sourceCIDInvalid:   "invalid Source CID",
	sourceCIDAllocated: "Source CID already allocated",
}

// String returns the number and, for the results above, the name.
func (r Result) String() string {
	if name, ok := resultNames[r]; ok {
		return fmt.Sprintf("0x%04x (%s)", uint16(r), name)
	}
	return fmt.Sprintf("0x%04x", uint16(r))
}

// A command is a command on the signalling channel (section 4). Requests have
// an identifier, which the response repeats.
type command struct {
	code, id byte
	data     []byte
}

// parseCommands splits the payload of a signalling frame into its commands. If
// the last one is longer than the payload, cut holds its identifier and ok is
// false.
func parseCommands(payload []byte) (commands []command, cut byte, ok bool) {
	for len(payload) > 0 {
		if len(payload) < 4 {
			return commands, append(payload, 0)[1], false
		}
		length := int(binary.LittleEndian.Uint16(payload[2:]))
		c := command{code: payload[0], id: payload[1]}
		if payload = payload[4:]; len(payload) < length {
			return commands, c.id, false
		}
		c.data, payload = payload[:length:length], payload[length:]
		commands = append(commands, c)
	}
	return commands, 0, true
}

// append appends the encoded command to b.
func (c command) append(b []byte) []byte {
	b = binary.LittleEndian.AppendUint16(append(b, c.code, c.id), uint16(len(c.data)))
	return append(b, c.data...)
}

// words encodes numbers of two bytes each, of which most commands consist.
func words(numbers ...uint16) []byte {
	var b []byte
	for _, n := range numbers {
		b = binary.LittleEndian.AppendUint16(b, n)
	}
	return b
}

// word returns the number at an index of data that consists of such numbers.
func word(data []byte, index int) uint16 { return binary.LittleEndian.Uint16(data[2*index:]) }

// minimumData holds the minimum length of the data of each command that the
// package handles. Shorter commands are not understood.
var minimumData = map[byte]int{
	commandReject:         2,
	connectionRequest:     4,
	connectionResponse:    8,
	configurationRequest:  4,
	configurationResponse: 6,
	disconnectionRequest:  4,
	disconnectionResponse: 4,
	echoRequest:           0,
	echoResponse:          0,
	informationRequest:    2,
	informationResponse:   4,
}

// frame encodes a basic frame (section 3.1).
func frame(cid uint16, payload []byte) []byte {
	return append(words(uint16(len(payload)), cid), payload...)
}

// Lengths of the parts of a basic frame.
const (
	headerSize = 4
	maxPayload = 0xffff
)

// An assembler joins the fragments of a frame.
type assembler struct{ frame []byte }

// add adds a fragment. It reports true, and the frame, when the frame is
// complete. It discards a frame that is cut short by the next one, and one with
// more bytes than its header specifies.
func (a *assembler) add(first bool, fragment []byte) (cid uint16, payload []byte, ok bool) {
	if first {
		a.frame = nil
	} else if len(a.frame) == 0 {
		return 0, nil, false
	}
	a.frame = append(a.frame, fragment...)
	if len(a.frame) < headerSize {
		return 0, nil, false
	}
	end := headerSize + int(word(a.frame, 0))
	if len(a.frame) < end {
		return 0, nil, false
	}
	whole := a.frame
	a.frame = nil
	if len(whole) > end {
		return 0, nil, false
	}
	return word(whole, 1), whole[headerSize:end:end], true
}
