package hci

import "testing"

func TestDeviceInfoPackets(t *testing.T) {
	three := [8]uint8{3: twoMegabits | threeMegabits, 4: threeSlots, 5: fiveSlots}
	two := [8]uint8{3: twoMegabits, 4: threeSlots, 5: fiveSlots}
	for name, tt := range map[string]struct {
		info deviceInfo
		want int // bytes in the longest
	}{
		"3 Mbit/s":                       {deviceInfo{features: three}, 1021},
		"3 Mbit/s, packet types by HCI":  {deviceInfo{features: three, packetType: 0xcc18}, 1021},
		"2 Mbit/s":                       {deviceInfo{features: two}, 679},
		"1 Mbit/s":                       {deviceInfo{}, 339},
		"3 Mbit/s, short packets":        {deviceInfo{features: [8]uint8{3: twoMegabits | threeMegabits}}, 339},
		"3 Mbit/s, 3-DH5 disabled":       {deviceInfo{features: three, packetType: no3DH5}, 679},
		"3 Mbit/s, both disabled":        {deviceInfo{features: three, packetType: no3DH5 | no2DH5}, 339},
		"2 Mbit/s, 3-DH5 not supported":  {deviceInfo{features: two, packetType: no3DH5}, 679},
		"3 Mbit/s, but only 3-slot ones": {deviceInfo{features: [8]uint8{3: threeMegabits, 4: threeSlots}}, 339},
		"3 Mbit/s, without 2 Mbit/s":     {deviceInfo{features: [8]uint8{3: threeMegabits, 4: threeSlots, 5: fiveSlots}}, 1021},
	} {
		if got := tt.info.packets(); got[2] != tt.want {
			t.Errorf("%s: %v, want %d in the longest", name, got, tt.want)
		}
	}
}
