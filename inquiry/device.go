package inquiry

import (
	"strconv"
	"strings"

	"github.com/go-rfcomm/rfcomm"
)

// A Device is a discovered device. Devices are comparable values.
type Device struct {
	Addr rfcomm.BDAddr

	// Name is the name as the device sent it, or empty if it is not known. It
	// may hold any bytes but zero, such as terminal escape sequences or invalid
	// UTF-8; print it with %q. It has at most 248 bytes.
	Name string

	// Class is the kind of device, according to the device. Zero means that it
	// is not known.
	Class Class

	// RSSI is the signal strength of the device's last answer before the Device
	// was returned.
	RSSI RSSI
}

// String returns a line that describes the device, such as
//
//	01:23:45:67:89:AB "My phone" Phone (Smartphone) -63 dBm
//
// without the parts that are not known. Special characters in the name are
// escaped as in a Go string.
func (d Device) String() string {
	parts := []string{d.Addr.String()}
	if d.Name != "" {
		parts = append(parts, strconv.Quote(d.Name))
	}
	if d.Class != 0 {
		parts = append(parts, d.Class.String())
	}
	if d.RSSI != RSSIUnknown {
		parts = append(parts, d.RSSI.String())
	}
	return strings.Join(parts, " ")
}

// An RSSI is a received signal strength in dBm, from -127 (weak) to 20, or
// RSSIUnknown. About -40 is next to the adapter, and about -90 the end of its
// range.
type RSSI int8

// RSSIUnknown is the RSSI of a device whose signal strength is not known. It is
// less than all others.
const RSSIUnknown RSSI = -128

// notAvailable is the RSSI with which a controller reports that it has none
// (Core Specification, Volume 4, Part E, section 7.7.65.2).
const notAvailable = 127

// rssiOf converts the RSSI of an event.
func rssiOf(b byte) RSSI {
	if b == notAvailable {
		return RSSIUnknown
	}
	return RSSI(b)
}

// String returns the RSSI in the form "-63 dBm", or "unknown".
func (r RSSI) String() string {
	if r == RSSIUnknown {
		return "unknown"
	}
	return strconv.Itoa(int(r)) + " dBm"
}
