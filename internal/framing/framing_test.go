package framing

import "testing"

func TestFrameReturnsPairsOfSlots(t *testing.T) {
	air := Air{1021, rates[0].packets}
	for _, tt := range []struct {
		air               Air
		data, wantedPairs int
	}{
		{air, 0, 0},
		{air, 1, 1},
		{air, 75, 1}, // 83 with the headers: 3-DH1
		{air, 76, 2},
		{air, 543, 2}, // 552: 3-DH3
		{air, 544, 3},
		{air, 1012, 3}, // 1021: 3-DH5
		{air, 1013, 4}, // and one byte in a 3-DH1
		{air, 1016, 4},
		{Air{310, air.Packets}, 921, 6}, // 310 + 310 + 310
		{Air{1021, rates[1].packets}, 1012, 5},
		{Air{1021, rates[2].packets}, 1016, 11},
		{Air{1021, rates[2].packets}, 19, 1}, // a length of one byte: DH1
		{Air{1021, rates[2].packets}, 20, 2},
	} {
		if pairs := tt.air.frame(tt.data); pairs != tt.wantedPairs {
			t.Errorf("%d bytes over %v: %d pairs of slots, want %d", tt.data, tt.air, pairs, tt.wantedPairs)
		}
	}
}

// The plan of a Chunker and the search for the fewest slots depend on this.
func TestFrameNeverTakesLessForMore(t *testing.T) {
	for _, s := range settings() {
		for data := 1; data <= s.mtu; data++ {
			if s.air.frame(data) < s.air.frame(data-1) {
				t.Errorf("%v: a frame of %d bytes takes less than one of %d", s, data, data-1)
			}
		}
	}
}
