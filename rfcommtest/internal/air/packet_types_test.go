package air

import (
	"slices"
	"testing"
)

func TestPacketTypesPackets(t *testing.T) {
	for _, c := range []struct {
		types PacketTypes
		size  int
		want  []PacketTypes
	}{
		{0, 10, nil},
		{EDR3, -1, []PacketTypes{DM1}},
		{EDR3, 0, []PacketTypes{DM1}},
		{EDR3, 17, []PacketTypes{DM1}},
		{EDR3, 18, []PacketTypes{DH1}},
		{EDR3, 28, []PacketTypes{TwoDH1}},
		{EDR3, 55, []PacketTypes{ThreeDH1}},
		{EDR3, 84, []PacketTypes{DM3}},
		{EDR3, 122, []PacketTypes{DH3}},
		{EDR3, 184, []PacketTypes{TwoDH3}},
		{EDR3, 368, []PacketTypes{ThreeDH3}},
		{EDR3, 553, []PacketTypes{TwoDH5}},
		{EDR3, 680, []PacketTypes{ThreeDH5}},
		{EDR3, 1022, []PacketTypes{ThreeDH5, DM1}},
		{EDR3, 2 * 1021, []PacketTypes{ThreeDH5, ThreeDH5}},
		{BasicRate, 184, []PacketTypes{DM5}},
		{BasicRate, 225, []PacketTypes{DH5}},
		{DM1 | ThreeDH3 | TwoDH5, 700, []PacketTypes{TwoDH5, ThreeDH3}},
		{DH5, 18, []PacketTypes{DH5}},
		{DH5, 17, []PacketTypes{DM1}}, // always allowed
	} {
		var got []PacketTypes
		for _, p := range c.types.Packets(c.size) {
			got = append(got, p.Type)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%v, %d bytes: %v, want %v", c.types, c.size, got, c.want)
		}
	}
}

// This repeats the table of the specification to catch typing errors.
func TestPacketTypesMatchTheSpecification(t *testing.T) {
	want := map[PacketTypes][2]int{
		DM1: {17, 1}, DH1: {27, 1}, DM3: {121, 3}, DH3: {183, 3}, DM5: {224, 5}, DH5: {339, 5},
		TwoDH1: {54, 1}, TwoDH3: {367, 3}, TwoDH5: {679, 5},
		ThreeDH1: {83, 1}, ThreeDH3: {552, 3}, ThreeDH5: {1021, 5},
	}
	all := PacketTypes(0)
	for i := range kinds {
		k := kinds[i]
		if k.Type.index() != i {
			t.Errorf("%s is at %d", k.name, i)
		}
		if k.Type.String() != k.name {
			t.Errorf("%s is called %v", k.name, k.Type)
		}
		if got := [2]int{k.Payload, k.Slots}; got != want[k.Type] {
			t.Errorf("%s: %v, want %v", k.name, got, want[k.Type])
		}
		all |= k.Type
	}
	if all != EDR3 || len(want) != len(kinds) {
		t.Errorf("all: %v", all)
	}
}

func TestPacketTypesSlotsCountReturns(t *testing.T) {
	for size, want := range map[int]int{9: 2, 1021: 6, 1025: 8, 100: 4} {
		if got := EDR3.Slots(size); got != want {
			t.Errorf("%d bytes: %d slots, want %d", size, got, want)
		}
	}
	if got := PacketTypes(0).Slots(1021); got != 0 {
		t.Errorf("no types: %d slots", got)
	}
}

func TestFromHCIAllowsBasicForbidsEnhanced(t *testing.T) {
	const noEnhanced = 0x3306
	for packetType, want := range map[uint16]PacketTypes{
		0xcc18:               EDR3,
		0xcc18 | noEnhanced:  BasicRate,
		0xcc18 | 0x2204:      EDR2,
		noEnhanced:           DM1,
		0:                    EDR3&^BasicRate | DM1,
		noEnhanced | 0x0010:  DM1 | DH1,
		noEnhanced | 0x0400:  DM1 | DM3,
		noEnhanced | 0x0800:  DM1 | DH3,
		noEnhanced | 0x4000:  DM1 | DM5,
		noEnhanced | 0x8000:  DM1 | DH5,
		noEnhanced &^ 0x0002: DM1 | TwoDH1,
		noEnhanced &^ 0x0004: DM1 | ThreeDH1,
		noEnhanced &^ 0x0100: DM1 | TwoDH3,
		noEnhanced &^ 0x0200: DM1 | ThreeDH3,
		noEnhanced &^ 0x1000: DM1 | TwoDH5,
		noEnhanced &^ 0x2000: DM1 | ThreeDH5,
	} {
		if got := FromHCI(packetType); got != want {
			t.Errorf("%#04x: %v, want %v", packetType, got, want)
		}
	}
	if got := (DM1 | ThreeDH5).String() + " " + PacketTypes(0).String(); got != "DM1|3-DH5 none" {
		t.Error(got)
	}
}
