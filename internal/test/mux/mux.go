// Package mux builds and answers frames of an RFCOMM multiplexer (GSM 07.10,
// and the Bluetooth specification of RFCOMM), for tests that play a peer of the
// kernel's RFCOMM over an L2CAP channel of their own.
package mux

import "encoding/binary"

// PSM is the L2CAP PSM of RFCOMM.
const PSM = 3

// Types of frames (GSM 07.10, section 5.2.1.3), with their P/F bit.
const (
	SABM       = 0x3f
	Disconnect = 0x53
	UA         = 0x73
	DM         = 0x1f
	UIH        = 0xef
	UIHCredits = 0xff // a UIH frame whose first data byte is a number of credits
)

// Types of commands on the control channel (GSM 07.10, section 5.4.6.3).
const (
	ParameterNegotiation = 0x20
	ModemStatus          = 0x38
	Test                 = 0x08
	RemotePort           = 0x24
	LineStatus           = 0x14
)

// Frame returns a frame with a correct checksum, of the device that began the
// session. Linux ignores which one that is.
func Frame(dlci, kind byte, data ...byte) []byte {
	f := append([]byte{dlci<<2 | 1<<1 | 1, kind}, lengthOf(len(data))...)
	if kind == UIHCredits {
		f = append(f[:2], lengthOf(len(data)-1)...)
	}
	f = append(f, data...)
	return append(f, checksum(f, kind))
}

// Truncated returns a frame with a correct checksum that ends within its
// header.
func Truncated(dlci, kind byte, length ...byte) []byte {
	f := append([]byte{dlci<<2 | 3, kind}, length...)
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
	if len(head) > 2 && kind&^0x10 == UIH {
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

// Command returns a frame of the control channel with a command, or with the
// response to one.
func Command(kind byte, isCommand bool, data ...byte) []byte {
	head := kind<<2 | 1
	if isCommand {
		head |= 1 << 1
	}
	return Frame(0, UIH, append(append([]byte{head}, lengthOf(len(data))...), data...)...)
}

// Negotiation returns a PN command for a channel, with 7 credits.
func Negotiation(dlci byte, mtu uint16) []byte {
	p := []byte{dlci, 0xf0, 7, 0}
	p = binary.LittleEndian.AppendUint16(p, mtu)
	return Command(ParameterNegotiation, true, append(p, 0, 7)...)
}

// A Received is a frame that has been received.
type Received struct {
	DLCI, Kind byte
	Data       []byte // without credits
}

// Parse decodes a frame. It reports false if the frame is shorter than its
// header.
func Parse(frame []byte) (f Received, ok bool) {
	if len(frame) < 4 {
		return Received{}, false
	}
	f, frame = Received{DLCI: frame[0] >> 2, Kind: frame[1]}, frame[:len(frame)-1]
	head := 3
	if frame[2]&1 == 0 {
		head++
	}
	if f.Kind == UIHCredits {
		head++
	}
	if len(frame) < head {
		return Received{}, false
	}
	f.Data = frame[head:]
	return f, true
}

// Command returns the type of the command or response in a frame of the control
// channel, and its content. The type is 0 for other frames.
func (f Received) Command() (kind byte, isCommand bool, content []byte) {
	if f.DLCI != 0 || f.Kind&^0x10 != UIH || len(f.Data) < 2 {
		return 0, false, nil
	}
	return f.Data[0] >> 2, f.Data[0]&2 != 0, f.Data[2:]
}

// Answers returns the frames with which a correct multiplexer answers a frame
// other than data: it accepts every session and channel. It grants 7 credits
// for each channel.
func (f Received) Answers() [][]byte {
	if f.Kind == SABM || f.Kind == Disconnect {
		return [][]byte{Frame(f.DLCI, UA)}
	}
	switch kind, isCommand, content := f.Command(); {
	case !isCommand:
	case kind == ParameterNegotiation && len(content) == 8:
		const creditsAccepted, credits = 0xe0, 7
		accepted := append([]byte(nil), content...)
		accepted[1], accepted[7] = creditsAccepted, credits
		return [][]byte{Command(ParameterNegotiation, false, accepted...)}
	case kind == ModemStatus:
		return [][]byte{Command(ModemStatus, false, content...), Command(ModemStatus, true, content...)}
	}
	return nil
}
