package controller

import "github.com/go-rfcomm/rfcomm/rfcommtest/internal/hcipacket"

// A command is an HCI command that the controller supports. To add a command,
// add its opcode, its entry and its handler to the file of its subject
// (inquiry.go, connection.go, remote.go, pairing.go, settings.go or
// information.go), and its bit to TestReadLocalSupportedCommands. If its first
// parameter is a Connection_Handle, see onConnection, and add its opcode to
// TestCommandsWithUnknownHandleAreRejected.
type command struct {
	opcode     hcipacket.Opcode
	name       string // in the specification
	section    string // of Volume 4, Part E
	supported  bit    // in the list of supported commands
	parameters int    // minimum length in bytes
	handle     handler

	// Only controllers with these features and of this version or a later one
	// have the command.
	needs Features
	since Version
}

// A bit is the position of a command in the list of supported commands (Volume
// 4, Part E, section 6.27).
type bit struct{ octet, bit int }

// A handler executes a command. The parameters have at least the command's
// minimum length.
type handler func(c *Controller, f *hcipacket.Fields) reply

// A reply is the controller's immediate answer to a command. An answer with the
// command's result is HCI_Command_Complete (section 7.7.14). If the result
// follows as an event of its own, the answer is HCI_Command_Status (section
// 7.7.15).
type reply struct {
	status  hcipacket.Status
	returns hcipacket.Parameters // of HCI_Command_Complete, after the status
	pending bool                 // send HCI_Command_Status
	then    func()               // called after the answer was sent
}

// complete reports success with the given return parameters.
func complete(returns hcipacket.Parameters) reply { return reply{returns: returns} }

// pending reports that the command has started, and then calls then.
func pending(then func()) reply { return reply{pending: true, then: then} }

// rejected reports that the command has not started.
func rejected(status hcipacket.Status) reply { return reply{status: status, pending: true} }

// execute executes a command of the host.
func (c *Controller) execute(request hcipacket.Command) {
	command, ok := c.command(request.Opcode)
	if !ok {
		c.commandStatus(request.Opcode, hcipacket.UnknownCommand)
		return
	}
	if len(request.Parameters) < command.parameters {
		c.commandStatus(request.Opcode, hcipacket.InvalidParameters)
		return
	}
	r := command.handle(c, hcipacket.FieldsOf(request.Parameters))
	if r.pending {
		c.commandStatus(request.Opcode, r.status)
	} else {
		p := hcipacket.Parameters{}.Uint8(packetsAllowed).Uint16(uint16(request.Opcode)).Status(r.status)
		c.event(hcipacket.CommandComplete, append(p, r.returns...))
	}
	if r.then != nil {
		r.then()
	}
}

// packetsAllowed is the parameter Num_HCI_Command_Packets: the number of
// commands that the host may send before the next answer.
const packetsAllowed = 1

// commandStatus sends HCI_Command_Status (section 7.7.15).
func (c *Controller) commandStatus(opcode hcipacket.Opcode, status hcipacket.Status) {
	c.event(hcipacket.CommandStatus, hcipacket.Parameters{}.Status(status).Uint8(packetsAllowed).Uint16(uint16(opcode)))
}

// command returns a command that the controller supports.
func (c *Controller) command(opcode hcipacket.Opcode) (command, bool) {
	command, ok := commands[opcode]
	return command, ok && c.has(command.needs) && c.config.Version >= command.since
}

// commands holds the commands of all controllers. It is filled by init, because a
// handler refers to it.
var commands map[hcipacket.Opcode]command

func init() {
	commands = make(map[hcipacket.Opcode]command)
	for _, group := range [][]command{
		inquiryCommands, connectionCommands, remoteCommands, pairingCommands, settingCommands, informationCommands,
	} {
		for _, command := range group {
			commands[command.opcode] = command
		}
	}
}

// supportedCommands returns the list in the form of section 6.27.
func (c *Controller) supportedCommands() [64]byte {
	var list [64]byte
	for opcode := range commands {
		if command, ok := c.command(opcode); ok {
			list[command.supported.octet] |= 1 << command.supported.bit
		}
	}
	return list
}
