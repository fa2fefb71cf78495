package bluez

import (
	"errors"

	"github.com/go-rfcomm/rfcomm/sdp"
)

// withChannel returns a copy of a record with another RFCOMM channel.
func withChannel(record *sdp.Record, channel int) (*sdp.Record, error) {
	list, _ := record.Get(sdp.AttributeProtocolDescriptorList)
	list, found := setChannel(list, channel)
	if !found {
		return nil, errors.New("bluez: the protocol list of the record has no RFCOMM, on which Listen listens: begin with a record of sdp.NewService")
	}
	record = record.Clone()
	record.Set(sdp.AttributeProtocolDescriptorList, list)
	return record, nil
}

// setChannel returns a protocol list, or a part of one, in which each descriptor
// of RFCOMM has the channel, and reports whether there is such a descriptor.
func setChannel(e sdp.DataElement, channel int) (_ sdp.DataElement, found bool) {
	elements := e.Elements()
	if len(elements) == 0 {
		return e, false
	}
	if u, _ := elements[0].UUID(); u == sdp.ProtocolRFCOMM {
		return sdp.Sequence(elements[0], sdp.Uint8(uint8(channel))), true
	}
	for i := range elements {
		var here bool
		elements[i], here = setChannel(elements[i], channel)
		found = found || here
	}
	if e.Type() == sdp.TypeAlternative {
		return sdp.Alternative(elements...), found
	}
	return sdp.Sequence(elements...), found
}
