package hcipacket

import (
	"encoding/binary"
	"fmt"
)

// An Opcode is the number of a command. It consists of a group (OGF) of 6 bits
// and a command within the group (OCF) of 10 bits. Package controller has the
// opcodes.
type Opcode uint16

func (o Opcode) String() string { return fmt.Sprintf("command 0x%04x", uint16(o)) }

// A Command is a request of a host to its controller.
type Command struct {
	Opcode     Opcode
	Parameters []byte // at most 255 bytes
}

// ParseCommand decodes a command. The result refers to packet.
func ParseCommand(packet []byte) (Command, error) {
	head, rest, err := split(packet, KindCommand, 3, func(head []byte) int { return int(head[2]) })
	if err != nil {
		return Command{}, err
	}
	return Command{Opcode(binary.LittleEndian.Uint16(head)), rest}, nil
}

// Append appends the encoded packet to b.
func (c Command) Append(b []byte) []byte {
	b = append(b, byte(KindCommand))
	b = binary.LittleEndian.AppendUint16(b, uint16(c.Opcode))
	return append(append(b, byte(len(c.Parameters))), c.Parameters...)
}
