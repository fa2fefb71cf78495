package sdp

import "math"

// A Profile is a profile that a service conforms to, and its version: the major
// number in the upper byte, the minor number in the lower.
type Profile struct {
	UUID    UUID
	Version uint16
}

// Handle returns the handle of the record, by which its server knows it.
func (r *Record) Handle() (uint32, bool) {
	e, _ := r.Get(AttributeServiceRecordHandle)
	v, ok := e.Uint()
	if !ok || e.Width() != 4 {
		return 0, false
	}
	return uint32(v), true
}

// Classes returns the service classes of the record, the most specific first.
func (r *Record) Classes() []UUID {
	list, _ := r.Get(AttributeServiceClassIDList)
	var classes []UUID
	for e := range list.children() {
		if u, ok := e.UUID(); ok {
			classes = append(classes, u)
		}
	}
	return classes
}

// Profiles returns the profiles of the record. The version of a profile is 0 if
// the record does not have it.
func (r *Record) Profiles() []Profile {
	list, _ := r.Get(AttributeBluetoothProfileDescriptorList)
	return appendProfiles(nil, list)
}

// appendProfiles appends the profiles in a list of UUIDs, each of which a version
// can follow, and in the sequences in it. Each profile should have a sequence of
// its own (Core Specification, Vol 3, Part B, 5.1.11). Mac OS X 10.7 and old
// Samsung phones omit these sequences (BlueZ, sdp_get_profile_descs).
func appendProfiles(profiles []Profile, list DataElement) []Profile {
	isVersion := false // whether an integer is the version of the last profile
	for e := range list.children() {
		if u, ok := e.UUID(); ok {
			profiles = append(profiles, Profile{UUID: u})
			isVersion = true
			continue
		}
		if v, ok := e.Uint(); ok && isVersion && v <= math.MaxUint16 {
			profiles[len(profiles)-1].Version = uint16(v)
		}
		profiles = appendProfiles(profiles, e)
		isVersion = false
	}
	return profiles
}

// RFCOMM has channels 1 to 30 (RFCOMM specification, section 5.4).
const (
	minChannel = 1
	maxChannel = 30
)

// Channel returns the RFCOMM channel of the service, 1 to 30: the parameter of
// RFCOMM in the protocol descriptor list. If the list is an alternative, Channel
// returns that of the first protocol stack with a channel. The additional
// protocol lists do not hold the channel of the service.
func (r *Record) Channel() (int, bool) {
	for _, stack := range r.stacks() {
		v, ok := parameter(stack, ProtocolRFCOMM)
		if ok && v >= minChannel && v <= maxChannel {
			return int(v), true
		}
	}
	return 0, false
}

// PSM returns the L2CAP PSM of the service: that of attribute 0x0200 for
// services over OBEX, and otherwise the parameter of L2CAP in the protocol
// descriptor list.
func (r *Record) PSM() (uint16, bool) {
	for _, stack := range r.stacks() {
		if contains(stack, ProtocolOBEX) {
			e, _ := r.Get(AttributeGOEPL2CAPPSM)
			if v, ok := e.Uint(); ok && validPSM(v) {
				return uint16(v), true
			}
		}
		if v, ok := parameter(stack, ProtocolL2CAP); ok && validPSM(v) {
			return uint16(v), true
		}
	}
	return 0, false
}

// validPSM reports whether the lowest bit of the lower byte is set and that of
// the upper byte is not (Core Specification, Vol 3, Part A, 4.2).
func validPSM(v uint64) bool { return v <= 0xffff && v&0x0101 == 0x0001 }

// stacks returns the protocol stacks of the record.
func (r *Record) stacks() []DataElement {
	list, _ := r.Get(AttributeProtocolDescriptorList)
	if list.Type() == TypeAlternative {
		return list.Elements()
	}
	return []DataElement{list}
}

// parameter returns the first parameter of a protocol in a stack.
func parameter(stack DataElement, protocol UUID) (uint64, bool) {
	for e := range stack.children() {
		layer := e.Elements()
		if len(layer) < 2 {
			continue
		}
		if u, ok := layer[0].UUID(); ok && u == protocol {
			return layer[1].Uint()
		}
	}
	return 0, false
}

// Contains reports whether the UUID occurs anywhere in the record, as a service
// search tests it (Core Specification, Vol 3, Part B, 2.5.2).
func (r *Record) Contains(u UUID) bool {
	for _, value := range r.All() {
		if contains(value, u) {
			return true
		}
	}
	return false
}

func contains(e DataElement, u UUID) bool {
	if v, ok := e.UUID(); ok {
		return v == u
	}
	for e := range e.children() {
		if contains(e, u) {
			return true
		}
	}
	return false
}
