package faults

import "encoding/binary"

// Types of RFCOMM frames (GSM 07.10, section 5.2.1.3), with their P/F bit, and
// of the commands on the control channel (section 5.4.6.3).
const (
	sabm       = 0x3f
	disconnect = 0x53
	ua         = 0x73
	dm         = 0x1f
	uih        = 0xef
	uihCredits = 0xff // a UIH frame whose first data byte is a number of credits

	parameterNegotiation = 0x20
	modemStatus          = 0x38
	testCommand          = 0x08
	remotePort           = 0x24
	lineStatus           = 0x14
)

// frame returns an RFCOMM frame, with a correct checksum, of the device that
// began the session.
func frame(dlci, kind byte, data ...byte) []byte {
	f := append([]byte{dlci<<2 | 1<<1 | 1, kind}, lengthOf(len(data))...)
	if kind == uihCredits {
		f = append(f[:2], lengthOf(len(data)-1)...)
	}
	f = append(f, data...)
	return append(f, checksum(f, kind))
}

func lengthOf(n int) []byte {
	if n <= 127 {
		return []byte{byte(n<<1 | 1)}
	}
	return binary.LittleEndian.AppendUint16(nil, uint16(n<<1))
}

// checksum returns the checksum of a frame's header. That of UIH frames does
// not cover the length.
func checksum(head []byte, kind byte) byte {
	if len(head) > 2 && kind&^0x10 == uih {
		head = head[:2]
	} else if len(head) > 3 {
		head = head[:3]
	}
	fcs := byte(0xff)
	for _, b := range head {
		fcs ^= b
		for range 8 {
			if fcs&1 != 0 {
				fcs = fcs>>1 ^ 0xe0
			} else {
				fcs >>= 1
			}
		}
	}
	return 0xff - fcs
}

// command returns a frame of the control channel with a command, or with the
// response to one.
func command(kind byte, isCommand bool, data ...byte) []byte {
	head := kind<<2 | 1
	if isCommand {
		head |= 1 << 1
	}
	return frame(0, uih, append(append([]byte{head}, lengthOf(len(data))...), data...)...)
}

// negotiation returns a PN command for a channel, with credits.
func negotiation(dlci byte, mtu uint16) []byte {
	p := []byte{dlci, 0xf0, 7, 0}
	p = binary.LittleEndian.AppendUint16(p, mtu)
	return command(parameterNegotiation, true, append(p, 0, 7)...)
}
