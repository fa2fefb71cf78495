package controller

import "github.com/go-rfcomm/rfcomm/rfcommtest/internal/hcipacket"

// The golden range of received signal strengths, in dBm. Its lower threshold is
// at most -56 dBm, and at least 6 dB above the receiver's sensitivity of -70
// dBm or better. The upper threshold is 20 dB above the lower (Volume 2, Part
// A, section 4.7).
const (
	goldenLow  = -60
	goldenHigh = -40
)

// relativeRSSI returns how many dB a signal strength is below (negative) or
// above the golden range.
func relativeRSSI(dBm int8) int8 {
	return min(dBm-goldenLow, 0) + max(dBm-goldenHigh, 0)
}

// onReadLinkQuality returns the link quality (HCI_Read_Link_Quality, which was
// Get_Link_Quality until version 1.2).
func (conn *connection) onReadLinkQuality(*hcipacket.Fields) hcipacket.Parameters {
	return hcipacket.Parameters{conn.end.Conditions().LinkQuality}
}

// onReadRSSI returns the signal strength relative to the golden range. The RSSI
// in inquiry results is absolute (section 7.7.33).
func (conn *connection) onReadRSSI(*hcipacket.Fields) hcipacket.Parameters {
	return hcipacket.Parameters{uint8(relativeRSSI(conn.end.Conditions().RSSI))}
}
