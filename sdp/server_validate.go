package sdp

import (
	"errors"
	"fmt"
)

// validate returns an error unless a server can publish the record.
func validate(r *Record) error {
	if r == nil {
		return errors.New("sdp: no record: nil cannot be published")
	}
	if len(r.Classes()) == 0 {
		return errors.New("sdp: the record has no service class: set ServiceClassIDList to a sequence of at least one UUID")
	}
	for _, universal := range universalAttributes {
		if value, ok := r.Get(universal.id); ok && !universal.valid(value) {
			return fmt.Errorf("sdp: the attribute %v must be %s; it is %s", universal.id, universal.want, clip(fmt.Sprint(value)))
		}
	}
	if err := checkChannels(r); err != nil {
		return err
	}
	// A search attribute response nests the record in one more sequence.
	_, err := Sequence(r.element()).AppendBinary(nil)
	return err
}

// universalAttributes describes the attributes that every service can have
// (Core Specification, Volume 3, Part B, 5.1). Add replaces the record handle.
var universalAttributes = []struct {
	id    AttributeID
	want  string
	valid func(DataElement) bool
}{
	{AttributeServiceClassIDList, "a sequence of UUIDs", isSequence(1, isUUID)},
	{AttributeServiceRecordState, "a uint32", isUint(4)},
	{AttributeServiceID, "a UUID", isUUID},
	{AttributeProtocolDescriptorList, "a sequence of protocols, or an alternative of such sequences", isProtocols},
	{AttributeBrowseGroupList, "a sequence of UUIDs", isSequence(1, isUUID)},
	{AttributeLanguageBaseAttributeIDList, "a sequence of uint16, three for each language", isSequence(3, isUint(2))},
	{AttributeServiceInfoTimeToLive, "a uint32", isUint(4)},
	{AttributeServiceAvailability, "a uint8", isUint(1)},
	{AttributeBluetoothProfileDescriptorList, "a sequence of sequences of a UUID and a uint16", isSequence(1, isProfile)},
	{AttributeDocumentationURL, "a URL", isType(TypeURL)},
	{AttributeClientExecutableURL, "a URL", isType(TypeURL)},
	{AttributeIconURL, "a URL", isType(TypeURL)},
	{AttributeAdditionalProtocolDescriptorLists, "a sequence of protocol lists", isSequence(1, isProtocols)},
}

func isType(t Type) func(DataElement) bool {
	return func(e DataElement) bool { return e.Type() == t }
}

func isUUID(e DataElement) bool { return e.Type() == TypeUUID }

func isUint(width int) func(DataElement) bool {
	return func(e DataElement) bool { return e.Type() == TypeUint && e.Width() == width }
}

// isSequence returns a function that reports whether an element is a sequence of
// valid elements, whose number is a multiple of group and not 0.
func isSequence(group int, valid func(DataElement) bool) func(DataElement) bool {
	return func(e DataElement) bool {
		elements := e.Elements()
		return e.Type() == TypeSequence && len(elements) > 0 && len(elements)%group == 0 && all(elements, valid)
	}
}

func all(elements []DataElement, valid func(DataElement) bool) bool {
	for _, e := range elements {
		if !valid(e) {
			return false
		}
	}
	return true
}

// isProfile reports whether e is a UUID with a version.
func isProfile(e DataElement) bool {
	pair := e.Elements()
	return e.Type() == TypeSequence && len(pair) == 2 && isUUID(pair[0]) && isUint(2)(pair[1])
}

// isProtocols reports whether e is a protocol stack, or an alternative of
// stacks. Each protocol is a sequence of its UUID and its parameters.
func isProtocols(e DataElement) bool {
	if e.Type() == TypeAlternative {
		return len(e.Elements()) > 0 && all(e.Elements(), isProtocols)
	}
	return isSequence(1, func(protocol DataElement) bool {
		elements := protocol.Elements()
		return protocol.Type() == TypeSequence && len(elements) > 0 && isUUID(elements[0])
	})(e)
}

// checkChannels returns an error if a protocol stack has RFCOMM without a valid
// channel. The stacks have the right form.
func checkChannels(r *Record) error {
	for _, stack := range r.stacks() {
		for _, e := range stack.Elements() {
			layer := append(e.Elements(), DataElement{}) // a nil channel if there is none
			if u, _ := layer[0].UUID(); u != ProtocolRFCOMM {
				continue
			}
			if v, ok := layer[1].Uint(); !ok || v < minChannel || v > maxChannel {
				return fmt.Errorf("sdp: no such RFCOMM channel in the attribute %v: %s; it must be an unsigned integer from %d to %d",
					AttributeProtocolDescriptorList, clip(fmt.Sprint(layer[1])), minChannel, maxChannel)
			}
		}
	}
	return nil
}
