package controller

import (
	"strings"
	"testing"
)

func TestCommandsCiteTheSpecification(t *testing.T) {
	groups := map[uint16]string{1: "7.1.", 2: "7.2.", 3: "7.3.", 4: "7.4.", 5: "7.5."} // by OGF
	names, sections, bits := make(map[string]bool), make(map[string]bool), make(map[bit]bool)
	for opcode, command := range commands {
		if command.opcode != opcode || !strings.HasPrefix(command.name, "HCI_") || command.handle == nil {
			t.Errorf("%v: incomplete entry %+v", opcode, command)
		}
		if group := groups[uint16(opcode)>>10]; group == "" || !strings.HasPrefix(command.section, group) {
			t.Errorf("%s (%v): section %q, want one of group %q", command.name, opcode, command.section, group)
		}
		if names[command.name] || sections[command.section] || bits[command.supported] {
			t.Errorf("%s: name, section %s or bit %v of another command", command.name, command.section, command.supported)
		}
		names[command.name], sections[command.section], bits[command.supported] = true, true, true
	}
	n := 0
	for _, group := range [][]command{
		inquiryCommands, connectionCommands, remoteCommands, pairingCommands, settingCommands, informationCommands,
	} {
		n += len(group)
	}
	if n != len(commands) {
		t.Errorf("%d entries for %d opcodes", n, len(commands))
	}
}
