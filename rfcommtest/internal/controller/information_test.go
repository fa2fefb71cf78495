package controller

import (
	"testing"

	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/air"
)

// The feature bits of packet types are those of Volume 2, Part C, section 3.3.
func TestFeaturesOfPacketTypes(t *testing.T) {
	for packets, want := range map[air.PacketTypes][8]byte{
		0:             {},
		air.BasicRate: {0: 0x03},
		air.EDR2:      {0: 0x03, 3: 0x02, 4: 0x80, 5: 0x01},
		air.EDR3:      {0: 0x03, 3: 0x06, 4: 0x80, 5: 0x01},
	} {
		got := featuresOf(packets)
		for i := range got {
			if got[i]&^baseFeatures[i] != want[i] {
				t.Errorf("%v: features % x, want % x besides % x", packets, got, want, baseFeatures)
				break
			}
		}
	}
}
