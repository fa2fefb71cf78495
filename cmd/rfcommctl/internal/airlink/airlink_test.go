package airlink

import "testing"

func TestAnswerChecksPacket(t *testing.T) {
	ours := []byte{eventPacket, commandComplete, 7, 1, 0x05, 0x14, 0, 0x2a, 0x00, 0xf6}
	if value, ok, err := answer(ours, readRSSI, 0x2a); !ok || err != nil || int8(value) != -10 {
		t.Errorf("the answer is %d, %v, %v", int8(value), ok, err)
	}
	for i := range ours {
		if _, ok, _ := answer(ours[:i], readRSSI, 0x2a); ok && i < 7 {
			t.Errorf("%d bytes are an answer", i)
		}
	}
	for name, change := range map[string]struct {
		at   int
		to   byte
		ok   bool
		fail bool
	}{
		"another event":   {1, 0x0f, false, false},
		"another command": {4, 0x03, false, false},
		"another link":    {7, 0x2b, false, false},
		"an error":        {6, 0x02, true, true},
	} {
		packet := append([]byte(nil), ours...)
		packet[change.at] = change.to
		if _, ok, err := answer(packet, readRSSI, 0x2a); ok != change.ok || (err != nil) != change.fail {
			t.Errorf("%s: %v, %v", name, ok, err)
		}
	}
}

func TestLongestPacketOfFeatures(t *testing.T) {
	for _, tt := range []struct {
		byte3, byte5 uint8
		types        uint32
		want         int
	}{
		{6, 1, 0, 1021},
		{6, 1, 0x2000, 679},
		{6, 1, 0x3000, 339},
		{2, 1, 0, 679},
		{6, 0, 0, 339},
		{0, 0, 0, 339},
	} {
		if got := longestPacket([8]uint8{3: tt.byte3, 4: 1 << 7, 5: tt.byte5}, tt.types); got != tt.want {
			t.Errorf("%+v: %d", tt, got)
		}
	}
}
