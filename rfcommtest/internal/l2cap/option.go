package l2cap

import "encoding/binary"

// Types of configuration options (section 5). A receiver ignores an unknown
// option with the bit hint, and rejects one without it.
const (
	optionMTU            = 0x01
	optionFlushTimeout   = 0x02
	optionQoS            = 0x03
	optionRetransmission = 0x04
	optionFCS            = 0x05
	optionExtendedFlow   = 0x06
	optionExtendedWindow = 0x07

	hint = 0x80
)

// Limits of the MTU of a channel (section 5.1).
const (
	MinMTU = 48
	MaxMTU = 0xffff

	defaultMTU = 672
)

// Results of a configuration response (section 4.5).
const (
	configurationSuccess      = 0x0000
	configurationUnacceptable = 0x0001
	configurationRejected     = 0x0002
	configurationUnknown      = 0x0003
	configurationPending      = 0x0004
)

// continuation is the flag of configuration requests and responses that are
// followed by another one with more options.
const continuation = 0x0001

// optionLengths holds the length of each known option.
var optionLengths = map[byte]int{
	optionMTU:            2,
	optionFlushTimeout:   2,
	optionQoS:            22,
	optionRetransmission: 9,
	optionFCS:            1,
	optionExtendedFlow:   16,
	optionExtendedWindow: 2,
}

// An option is a configuration option.
type option struct {
	kind  byte // with the bit hint
	value []byte
}

// parseOptions splits the options of a configuration request or response. It
// reports false if the last one is cut short.
func parseOptions(data []byte) (options []option, ok bool) {
	for len(data) > 0 {
		if len(data) < 2 || len(data) < 2+int(data[1]) {
			return options, false
		}
		end := 2 + int(data[1])
		options = append(options, option{data[0], data[2:end:end]})
		data = data[end:]
	}
	return options, true
}

func (o option) append(b []byte) []byte {
	return append(append(b, o.kind, byte(len(o.value))), o.value...)
}

// mtuOption returns the option for an MTU.
func mtuOption(mtu int) option { return option{optionMTU, words(uint16(mtu))} }

// basicMode is the value of a retransmission option for basic mode (section
// 5.4).
var basicMode = make([]byte, optionLengths[optionRetransmission])

// judge decides on the options of a peer's configuration request. It returns
// the result and the options of the response, and the MTU of the peer, which is
// mtu if the options have none. Unacceptable options are in the response with
// an acceptable value, unknown ones without a value.
func judge(data []byte, mtu int) (result uint16, response []byte, newMTU int) {
	options, ok := parseOptions(data)
	if !ok {
		return configurationRejected, nil, mtu
	}
	newMTU = mtu
	var unknown, unacceptable []byte
	for _, o := range options {
		length, known := optionLengths[o.kind&^hint]
		switch {
		case !known && o.kind&hint == 0:
			unknown = append(unknown, o.kind, 0)
		case !known:
		case len(o.value) != length:
			return configurationRejected, nil, mtu
		case o.kind&^hint == optionMTU:
			newMTU = int(binary.LittleEndian.Uint16(o.value))
			if newMTU < MinMTU {
				unacceptable = mtuOption(MinMTU).append(unacceptable)
			}
		case o.kind&^hint == optionRetransmission && o.value[0] != 0:
			unacceptable = option{optionRetransmission, basicMode}.append(unacceptable)
		}
	}
	switch {
	case unknown != nil:
		return configurationUnknown, unknown, mtu
	case unacceptable != nil:
		return configurationUnacceptable, unacceptable, mtu
	}
	return configurationSuccess, nil, newMTU
}

// proposedMTU returns the MTU that a peer proposes in a configuration response,
// or 0 if it proposes none that is valid.
func proposedMTU(data []byte) int {
	options, _ := parseOptions(data)
	for _, o := range options {
		if o.kind&^hint == optionMTU && len(o.value) == 2 {
			if mtu := int(binary.LittleEndian.Uint16(o.value)); mtu >= MinMTU {
				return mtu
			}
		}
	}
	return 0
}
