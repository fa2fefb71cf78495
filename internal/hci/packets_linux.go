package hci

// Bits of a controller's features (Core specification, volume 2, part C,
// section 3.3). Each rate includes packets of one slot; longer packets are
// separate features.
const (
	twoMegabits   = 1 << 1 // byte 3
	threeMegabits = 1 << 2 // byte 3
	threeSlots    = 1 << 7 // byte 4, at these rates
	fiveSlots     = 1 << 0 // byte 5, at these rates
)

// The flags by which HCISETPTYPE disables the longest packets of these rates
// (include/net/bluetooth/hci.h).
const (
	no2DH5 = 0x1000 // HCI_2DH5
	no3DH5 = 0x2000 // HCI_3DH5
)

// packets returns the maximum number of bytes in packets of 1, 3 and 5 slots,
// at the fastest rate for which the adapter has all three.
func (d *deviceInfo) packets() [3]int {
	if d.features[4]&threeSlots != 0 && d.features[5]&fiveSlots != 0 {
		switch {
		case d.features[3]&threeMegabits != 0 && d.packetType&no3DH5 == 0:
			return [3]int{83, 552, 1021} // 3-DH1, 3-DH3, 3-DH5
		case d.features[3]&twoMegabits != 0 && d.packetType&no2DH5 == 0:
			return [3]int{54, 367, 679} // 2-DH1, 2-DH3, 2-DH5
		}
	}
	return [3]int{27, 183, 339} // DH1, DH3, DH5
}
