// Package airlink reads the state of a link between two Bluetooth devices: the
// packets of the adapter, and the strength of the signal. It needs no privilege.
//
// It uses ioctls of the kernel's HCI sockets that only read, and two commands that
// the kernel lets every user send to a controller (hci_sec_filter in
// net/bluetooth/hci_sock.c). On other platforms, all functions fail with
// errors.ErrUnsupported.
package airlink

import "fmt"

// A Signal is the state of a link, as seen by the adapter.
type Signal struct {
	// RSSI is the strength of the received signal in dB, below (negative) or
	// above the range that suits the receiver (HCI_Read_RSSI). Some controllers
	// return dBm.
	RSSI int
	// Quality is from 0 to 255, the best (HCI_Read_Link_Quality). Each
	// manufacturer computes it differently.
	Quality int
}

// The commands, and the length of their answers: a status, a handle, and a value.
const (
	readLinkQuality = 5<<10 | 0x003
	readRSSI        = 5<<10 | 0x005
)

// Parts of HCI packets.
const (
	commandPacket   = 0x01
	eventPacket     = 0x04
	commandComplete = 0x0e
)

// command returns a packet with a command for a link.
func command(opcode, handle uint16) []byte {
	return []byte{commandPacket, byte(opcode), byte(opcode >> 8), 2, byte(handle), byte(handle >> 8)}
}

// answer returns the value in the answer to a command. It reports false for
// another packet.
func answer(packet []byte, opcode, handle uint16) (value byte, ok bool, err error) {
	const length = 3 + 3 + 4 // packet, event, answer
	if len(packet) < 7 || packet[0] != eventPacket || packet[1] != commandComplete ||
		uint16(packet[4])|uint16(packet[5])<<8 != opcode {
		return 0, false, nil
	}
	if status := packet[6]; status != 0 {
		return 0, true, fmt.Errorf("the controller answers with status %#02x", status)
	}
	if len(packet) < length || uint16(packet[7])|uint16(packet[8])<<8 != handle {
		return 0, false, nil
	}
	return packet[9], true, nil
}

// longestPacket returns the number of bytes in the longest packets of an adapter,
// given its features (Core specification, volume 2, part C, section 3.3) and the
// kernel's packet types (include/net/bluetooth/hci.h).
func longestPacket(features [8]uint8, types uint32) int {
	const (
		twoMegabits, threeMegabits = 1 << 1, 1 << 2 // byte 3
		threeSlots                 = 1 << 7         // byte 4, at these rates
		fiveSlots                  = 1 << 0         // byte 5, at these rates
		no2DH5, no3DH5             = 0x1000, 0x2000
	)
	if features[4]&threeSlots != 0 && features[5]&fiveSlots != 0 {
		switch {
		case features[3]&threeMegabits != 0 && types&no3DH5 == 0:
			return 1021
		case features[3]&twoMegabits != 0 && types&no2DH5 == 0:
			return 679
		}
	}
	return 339
}
