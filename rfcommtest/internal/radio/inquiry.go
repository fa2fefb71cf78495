package radio

import (
	"slices"
	"time"
)

// maxBackoff is the greatest back-off of an inquiry response, in slots. It is
// MAX_RAND for devices that scan at the default interval (Volume 2, Part B,
// section 8.4.3).
const maxBackoff = 1023

// An Inquiry is a station's inquiry for other stations.
//
// A station that hears the inquiry backs off for a random number of slots, and
// then responds if it still hears it. It does so again and again, with another
// back-off each time, because the inquiry repeats its trains of ID packets
// until it ends (Volume 2, Part B, sections 8.4.2 and 8.4.3). On average it
// responds four times in 1.28 s.
//
// The radio is ideal: a station hears the inquiry immediately, whatever its
// scan interval and window, and no response is lost.
type Inquiry struct {
	from     *Station
	code     uint32
	response func(other Receiver, rssi int8)
	backoffs map[*Station]*time.Timer // of the stations that hear the inquiry
}

// Inquire searches, until End, for stations that scan for an inquiry access
// code. It calls response each time that one responds.
func (s *Station) Inquire(code uint32, response func(other Receiver, rssi int8)) *Inquiry {
	inquiry := &Inquiry{from: s, code: code, response: response, backoffs: make(map[*Station]*time.Timer)}
	s.radio.inquiries[inquiry] = struct{}{}
	inquiry.find()
	return inquiry
}

// End ends the inquiry.
func (i *Inquiry) End() {
	delete(i.from.radio.inquiries, i)
	for other, timer := range i.backoffs {
		timer.Stop()
		delete(i.backoffs, other)
	}
}

func (i *Inquiry) running() bool {
	_, running := i.from.radio.inquiries[i]
	return running
}

// find makes all stations that hear the inquiry now back off.
func (i *Inquiry) find() {
	for _, other := range i.from.radio.stations {
		i.backOff(other)
	}
}

// heardBy reports whether another station hears the inquiry now.
func (i *Inquiry) heardBy(other *Station) bool {
	return other != i.from && slices.Contains(other.inquiryScan, i.code) && i.from.canReach(other)
}

// backOff makes a station that hears the inquiry respond later, unless it is
// backing off already.
func (i *Inquiry) backOff(other *Station) {
	if i.backoffs[other] != nil || !i.heardBy(other) {
		return
	}
	var timer *time.Timer
	timer = time.AfterFunc(i.from.radio.responseTime(), func() {
		i.from.Locked(func() {
			if i.backoffs[other] != timer { // the inquiry has ended
				return
			}
			delete(i.backoffs, other)
			if i.heardBy(other) {
				i.response(other.receiver, i.from.radio.Conditions(i.from.address, other.address).RSSI)
			}
			if i.running() {
				i.backOff(other)
			}
		})
	})
	i.backoffs[other] = timer
}

// responseTime returns the random time until the next response. The response
// follows one slot after the packet that it answers.
func (r *Radio) responseTime() time.Duration {
	return time.Duration(r.Random(maxBackoff+1)+1) * SlotTime
}
