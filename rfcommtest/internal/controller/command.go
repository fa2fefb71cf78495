package controller

import "github.com/go-rfcomm/rfcomm/rfcommtest/internal/hcipacket"

// A handler carries a command out. Its parameters are whole when it is called.
type handler func(c *Controller, f *hcipacket.Fields) reply

// A reply is what a host gets for a command at once. There are two kinds: the
// whole answer (Command Complete), or the word that the answer will follow as an
// event of its own (Command Status).
type reply struct {
	status hcipacket.Status
	values hcipacket.Parameters // after the status, in a Command Complete
	begun  bool                 // a Command Status
	then   func()               // done after the host was told
}

func complete(values hcipacket.Parameters) reply { return reply{values: values} }

func begun(then func()) reply { return reply{begun: true, then: then} }

func refused(status hcipacket.Status) reply { return reply{status: status, begun: true} }

// A known command has a bit in the list of supported commands (section 6.27),
// a number of bytes that its parameters have at least, and a handler.
type known struct {
	octet, bit int
	size       int
	handler    handler
}

// command carries a command out and tells the host.
func (c *Controller) command(command hcipacket.Command) {
	k, ok := commands[command.Opcode]
	if !ok {
		c.commandStatus(command.Opcode, hcipacket.UnknownCommand)
		return
	}
	if len(command.Parameters) < k.size {
		c.commandStatus(command.Opcode, hcipacket.InvalidParameters)
		return
	}
	r := k.handler(c, hcipacket.FieldsOf(command.Parameters))
	if r.begun {
		c.commandStatus(command.Opcode, r.status)
	} else {
		p := hcipacket.Parameters{}.Uint8(packetsAllowed).Uint16(uint16(command.Opcode)).Status(r.status)
		c.event(hcipacket.CommandComplete, append(p, r.values...))
	}
	if r.then != nil {
		r.then()
	}
}

// packetsAllowed is how many commands the host may send before the next answer.
const packetsAllowed = 1

func (c *Controller) commandStatus(opcode hcipacket.Opcode, status hcipacket.Status) {
	c.event(hcipacket.CommandStatus, hcipacket.Parameters{}.Status(status).Uint8(packetsAllowed).Uint16(uint16(opcode)))
}

// commands is filled by init, since the handlers use it.
var commands map[hcipacket.Opcode]known

func init() {
	commands = make(map[hcipacket.Opcode]known)
	for _, group := range []map[hcipacket.Opcode]known{
		informationCommands, settingCommands, linkCommands, remoteCommands, inquiryCommands, pairingCommands,
	} {
		for opcode, k := range group {
			commands[opcode] = k
		}
	}
}

// supportedCommands returns the list in the form of section 6.27.
func supportedCommands() [64]byte {
	var list [64]byte
	for _, k := range commands {
		list[k.octet] |= 1 << k.bit
	}
	return list
}
