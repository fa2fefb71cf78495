package rfcommtest

import (
	"fmt"
	"time"

	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/air"
	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/hcipacket"
	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/radio"
)

// A Link controls the radio between two controllers: how they reach each other,
// and the ACL link that carries all their connections, while it exists.
// Settings apply to the current ACL link and to later ones.
type Link struct {
	radio       *Radio
	controllers [2]*Controller
	conditions  *radio.Conditions
}

// SetPageDelay sets how long a page takes until the other controller hears it.
// The default is 0. A page whose delay exceeds the page timeout is not heard at
// all. Pages that have already started keep their delay. See also
// [Controller.SetPageTimeout].
func (l *Link) SetPageDelay(d time.Duration) {
	l.radio.radio.Lock()
	defer l.radio.radio.Unlock()
	l.conditions.PageDelay = d
}

// SetSupervisionTimeout sets how long a link may be silent before its
// controllers give it up. A silence that has already begun counts from its
// beginning. If the timeout is 0, which is the default, the kernel's value
// applies: 20 s.
func (l *Link) SetSupervisionTimeout(timeout time.Duration) {
	l.radio.radio.Lock()
	defer l.radio.radio.Unlock()
	l.conditions.SetSupervisionTimeout(timeout)
}

// SetDelay makes pages, data, and messages of the link manager arrive later by
// d. The rate of the data stays the same. The default is 0.
func (l *Link) SetDelay(d time.Duration) {
	l.radio.radio.Lock()
	defer l.radio.radio.Unlock()
	l.conditions.SetDelay(d)
}

// SetRSSI sets the received signal strength between the two controllers, from
// -127 to 20 dBm. The default is -50. Inquiry results contain this value. For a
// link, the kernel reads the distance in dB from the golden range (Core
// Specification, Volume 4, Part E, section 7.5.4), which is -60 to -40 dBm here.
//
// SetRSSI panics if dBm is out of range. It does not affect the transport of
// data.
func (l *Link) SetRSSI(dBm int) {
	const low, high = -127, 20
	if dBm < low || dBm > high {
		panic(fmt.Sprintf("rfcommtest: SetRSSI: %d dBm is not in the range of %d to %d", dBm, low, high))
	}
	l.radio.radio.Lock()
	defer l.radio.radio.Unlock()
	l.conditions.RSSI = int8(dBm)
}

// SetLinkQuality sets the quality of the link that the kernel reads at both
// ends (HCI_Read_Link_Quality, section 7.5.3; hcitool lq prints it). The
// default is 255, the best quality. It does not affect the transport of data.
func (l *Link) SetLinkQuality(quality uint8) {
	l.radio.radio.Lock()
	defer l.radio.radio.Unlock()
	l.conditions.LinkQuality = quality
}

// SimulateAirtime makes data take the air time of an ideal radio that uses the
// given packet types: BasicRate, EDR2, EDR3 or any other set. If types is 0,
// which is the default, data takes no time. The link uses only those of the
// types that both controllers support and the kernel allows (HCISETPTYPE); DM1
// is always allowed.
func (l *Link) SimulateAirtime(types PacketTypes) {
	l.radio.radio.Lock()
	defer l.radio.radio.Unlock()
	l.conditions.SetPacketTypes(air.PacketTypes(types))
}

// Airtime returns the traffic between the two controllers since the radio was
// created, over all ACL links that they have had.
func (l *Link) Airtime() Airtime {
	l.radio.radio.Lock()
	defer l.radio.radio.Unlock()
	return airtimeOf(l.conditions.Airtime())
}

// Stall holds back all data, messages and pages between the two controllers
// until Resume. The controllers keep the ACL link, however long the stall
// lasts. If the kernel disconnects one end meanwhile, the other end loses the
// link after the supervision timeout or at the end of the stall, whichever is
// first.
func (l *Link) Stall() {
	l.radio.radio.Lock()
	defer l.radio.radio.Unlock()
	l.conditions.Stall()
}

// Resume ends a stall. Everything that was held back then passes, in order.
func (l *Link) Resume() {
	l.radio.radio.Lock()
	defer l.radio.radio.Unlock()
	l.conditions.Resume()
}

// Disconnect ends the ACL link and reports whether there was one. Data that has
// not arrived is lost. The adapters receive the reason: those of the
// controllers in at, or both if at is empty.
//
// With ConnectionTimeout, nothing passes from now on, and the adapters receive
// the reason when the supervision timeout has expired. A controller that is not
// in at loses the link in the same way.
//
// Disconnect panics if reason is 0, or if a controller in at does not belong to
// the link.
func (l *Link) Disconnect(reason Reason, at ...*Controller) bool {
	if reason == 0 {
		panic("rfcommtest: Disconnect: reason is 0")
	}
	l.mustHave("Disconnect", at...)
	l.radio.radio.Lock()
	defer l.radio.radio.Unlock()
	var addresses []hcipacket.Address
	for _, c := range at {
		addresses = append(addresses, c.address())
	}
	return l.conditions.Disconnect(hcipacket.Status(reason), addresses...)
}

// StopEncryption switches the encryption of the ACL link off, as the host of
// either end can, and reports whether the link was encrypted. The keys stay
// valid.
//
// If both adapters use Secure Simple Pairing, each then ends the link itself,
// because such a link must be encrypted (hci_conn_check_link_mode). Otherwise
// the link remains, and the kernel ends those connections that require
// encryption: at once at SecurityHigh, and after 5 s (L2CAP_ENC_TIMEOUT) at
// SecurityMedium unless encryption is switched on again.
func (l *Link) StopEncryption() bool {
	a, b := l.controllers[0], l.controllers[1]
	l.radio.radio.Lock()
	defer l.radio.radio.Unlock()
	return a.core.StopEncryption(b.address())
}

// mustHave panics if a controller does not belong to the link.
func (l *Link) mustHave(method string, at ...*Controller) {
	for _, c := range at {
		if c != l.controllers[0] && c != l.controllers[1] {
			panic("rfcommtest: " + method + ": controller does not belong to the link")
		}
	}
}
