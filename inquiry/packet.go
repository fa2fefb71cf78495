package inquiry

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/go-rfcomm/rfcomm"
)

// Types of packets on an HCI socket (Core Specification, Volume 4, Part A,
// section 2).
const (
	commandPacket = 0x01
	eventPacket   = 0x04
)

// maxPacket is the length of the longest event packet: its type, its code, its
// length, and 255 bytes of parameters.
const maxPacket = 3 + 255

// An opcode identifies an HCI command (Core Specification, Volume 4, Part E,
// section 7.1).
type opcode uint16

const (
	inquiry           opcode = 0x0401
	inquiryCancel     opcode = 0x0402
	nameRequest       opcode = 0x0419
	nameRequestCancel opcode = 0x041a
)

// An eventCode identifies an HCI event (section 7.7).
type eventCode byte

const (
	inquiryComplete       eventCode = 0x01
	inquiryResult         eventCode = 0x02
	nameRequestComplete   eventCode = 0x07
	commandComplete       eventCode = 0x0e
	commandStatus         eventCode = 0x0f
	inquiryResultWithRSSI eventCode = 0x22
	extendedInquiryResult eventCode = 0x2f
)

// eventCodes are the events that parseEvent returns.
var eventCodes = []eventCode{
	inquiryComplete, inquiryResult, nameRequestComplete, commandComplete, commandStatus,
	inquiryResultWithRSSI, extendedInquiryResult,
}

// A status is the result of a command (Volume 1, Part F).
type status byte

const (
	success           status = 0x00
	commandDisallowed status = 0x0c
)

func (s status) String() string {
	name, ok := map[status]string{
		0x01: "Unknown HCI Command", 0x03: "Hardware Failure", 0x07: "Memory Capacity Exceeded",
		0x0c: "Command Disallowed", 0x11: "Unsupported Feature or Parameter Value",
		0x12: "Invalid HCI Command Parameters", 0x1f: "Unspecified Error", 0x3a: "Controller Busy",
	}[s]
	if !ok {
		return fmt.Sprintf("error code 0x%02x", byte(s))
	}
	return fmt.Sprintf("%s (0x%02x)", name, byte(s))
}

// A command returns the packet of a command.
func command(code opcode, parameters ...byte) []byte {
	p := binary.LittleEndian.AppendUint16([]byte{commandPacket}, uint16(code))
	return append(append(p, byte(len(parameters))), parameters...)
}

// An accessCode selects the devices that answer an inquiry (Assigned Numbers,
// section 2.2).
type accessCode uint32

const (
	general accessCode = 0x9e8b33 // GIAC
	limited accessCode = 0x9e8b00 // LIAC
)

// inquiryCommand returns the command of an inquiry of the given length, in
// units of 1.28 s, with any number of responses (section 7.1.1).
func inquiryCommand(code accessCode, length byte) []byte {
	const unlimited = 0
	return command(inquiry, byte(code), byte(code>>8), byte(code>>16), length, unlimited)
}

// nameRequestCommand returns the command that asks a device for its name, with
// the facts of a response that make the page faster (section 7.1.19).
func nameRequestCommand(r response) []byte {
	const reserved, valid = 0, 1 << 15
	p := append(kernelOrder(r.device), r.repetition, reserved)
	return command(nameRequest, binary.LittleEndian.AppendUint16(p, r.clockOffset|valid)...)
}

// kernelOrder returns an address in the order of HCI packets, the least
// significant byte first.
func kernelOrder(address rfcomm.BDAddr) []byte {
	slices.Reverse(address[:])
	return address[:]
}

// An event is an HCI event of one of the eventCodes. Only the fields of its
// code are set.
type event struct {
	code      eventCode
	status    status        // of all but results
	opcode    opcode        // of commandComplete and commandStatus
	device    rfcomm.BDAddr // of nameRequestComplete
	name      string        // of nameRequestComplete
	responses []response    // of results
}

// A response is the answer of a device to an inquiry.
type response struct {
	device      rfcomm.BDAddr
	class       Class
	rssi        RSSI
	name        string
	shortened   bool   // name is only the beginning of the name
	repetition  byte   // page scan repetition mode
	clockOffset uint16 // bits 16 to 2 of the difference of the clocks
}

// parseEvent parses a packet. It returns false if the packet is malformed or is
// another event. Bytes after the parameters of an event are ignored.
func parseEvent(packet []byte) (event, bool) {
	if len(packet) < 3 || packet[0] != eventPacket || len(packet)-3 < int(packet[2]) {
		return event{}, false
	}
	code, p := eventCode(packet[1]), packet[3:][:packet[2]]
	switch code {
	case inquiryComplete:
		if len(p) >= 1 {
			return event{code: code, status: status(p[0])}, true
		}
	case commandStatus: // status, number of packets, opcode
		if len(p) >= 4 {
			return event{code: code, status: status(p[0]), opcode: opcode(binary.LittleEndian.Uint16(p[2:]))}, true
		}
	case commandComplete: // number of packets, opcode, status
		if len(p) >= 4 {
			return event{code: code, status: status(p[3]), opcode: opcode(binary.LittleEndian.Uint16(p[1:]))}, true
		}
	case nameRequestComplete: // status, address, name
		if len(p) >= 7 {
			return event{code: code, status: status(p[0]), device: addressIn(p[1:]), name: textIn(p[7:])}, true
		}
	case inquiryResult, inquiryResultWithRSSI, extendedInquiryResult:
		responses := parseResponses(code, p)
		return event{code: code, responses: responses}, responses != nil
	}
	return event{}, false
}

// addressIn returns the address at the beginning of p.
func addressIn(p []byte) rfcomm.BDAddr {
	address := rfcomm.BDAddr(p[:6])
	slices.Reverse(address[:])
	return address
}

// The lengths of a response in a result. It has the address, the page scan
// repetition mode, reserved bytes, the class, the clock offset and, except in
// inquiryResult, the RSSI.
const (
	responseLength = 14
	// longResponseLength is the length of results with RSSI from controllers
	// before Bluetooth 1.2 was final (struct inquiry_info_with_rssi_and_pscan_mode).
	longResponseLength = 15
)

// parseResponses parses the parameters of a result: a number and as many
// responses. It returns nil if they are malformed.
func parseResponses(code eventCode, p []byte) []response {
	if len(p) == 0 || p[0] == 0 {
		return nil
	}
	number, rest := int(p[0]), p[1:]
	length, class := responseLength, 8
	switch {
	case code == inquiryResult:
		class = 9
	case code == extendedInquiryResult:
		if number != 1 || len(rest) < responseLength {
			return nil
		}
	case len(rest) == number*longResponseLength:
		length, class = longResponseLength, 9
	}
	if len(rest) < number*length {
		return nil
	}
	responses := make([]response, number)
	for i := range responses {
		responses[i] = parseResponse(rest[i*length:][:length], class, code != inquiryResult)
	}
	if code == extendedInquiryResult {
		responses[0].name, responses[0].shortened = nameIn(rest[length:])
	}
	return responses
}

// parseResponse parses one response. class is the position of its class.
func parseResponse(p []byte, class int, withRSSI bool) response {
	r := response{
		device:      addressIn(p),
		repetition:  p[6],
		class:       Class(p[class]) | Class(p[class+1])<<8 | Class(p[class+2])<<16,
		clockOffset: binary.LittleEndian.Uint16(p[class+3:]),
		rssi:        RSSIUnknown,
	}
	if withRSSI {
		r.rssi = rssiOf(p[class+5])
	}
	return r
}
