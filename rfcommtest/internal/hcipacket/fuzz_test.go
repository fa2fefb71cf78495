package hcipacket_test

import (
	"bytes"
	"testing"

	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/hcipacket"
)

// FuzzParseRoundTrip checks that a packet is either rejected or encoded again
// without a change.
func FuzzParseRoundTrip(f *testing.F) {
	f.Add([]byte{0x01, 0x03, 0x0c, 0x00})
	f.Add([]byte{0x04, 0x13, 0x05, 0x01, 0x2a, 0x00, 0x03, 0x00})
	f.Add([]byte{0x02, 0x2a, 0x2e, 0x03, 0x00, 0x61, 0x62, 0x63})
	f.Add([]byte{})
	f.Add([]byte{0xff, 0x00})
	f.Fuzz(func(t *testing.T, packet []byte) {
		var again []byte
		if c, err := hcipacket.ParseCommand(packet); err == nil {
			again = c.Append(nil)
		}
		if e, err := hcipacket.ParseEvent(packet); err == nil {
			again = e.Append(nil)
		}
		if a, err := hcipacket.ParseACL(packet); err == nil {
			again = a.Append(nil)
			packet = bytes.Clone(packet)
			packet[2] &^= 0xc0 // broadcast flags, which BR/EDR hosts set to 0
		}
		if again != nil && !bytes.Equal(again, packet) {
			t.Errorf("% x was decoded and encoded as % x", packet, again)
		}
	})
}
