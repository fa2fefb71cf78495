package labtest

import (
	"fmt"
	"strconv"
	"strings"
)

// A LinkEnd is one adapter's end of the link between the two, as the kernel
// lists it.
type LinkEnd struct {
	Adapter  int     // DialerAdapter or DeviceAdapter
	Handle   uint16  // the controller's number for the link
	Device   [6]byte // the BD_ADDR of the other end
	Mode     uint32  // the kernel's HCI_LM flags
	Outgoing bool    // this adapter made the link
	State    int     // the kernel's state; Connected if it carries data
}

// Connected is the State of a link that carries data (BT_CONNECTED).
const Connected = 1

// Authenticated reports whether the other end has proved that it holds
// the link key.
func (e LinkEnd) Authenticated() bool { return e.Mode&0x0002 != 0 } // HCI_LM_AUTH

// Encrypted reports whether the link is encrypted.
func (e LinkEnd) Encrypted() bool { return e.Mode&0x0004 != 0 } // HCI_LM_ENCRYPT

// LinkEnds returns both ends of the link between the adapters, or nil
// without a link.
func (l *Lab) LinkEnds() []LinkEnd {
	l.t.Helper()
	reply := l.ask("links")
	if reply == "" {
		return nil
	}
	var ends []LinkEnd
	for entry := range strings.SplitSeq(reply, "; ") {
		end, err := parseLinkEnd(entry)
		if err != nil {
			l.t.Fatalf("the lab's link %q: %v", entry, err)
		}
		ends = append(ends, end)
	}
	return ends
}

// parseLinkEnd parses pairs "name=value", separated by spaces.
func parseLinkEnd(entry string) (LinkEnd, error) {
	var end LinkEnd
	for word := range strings.FieldsSeq(entry) {
		name, value, _ := strings.Cut(word, "=")
		if name == "address" {
			device, err := parseAddress(value)
			if err != nil {
				return end, err
			}
			end.Device = device
			continue
		}
		number, err := strconv.ParseUint(value, 0, 32)
		if err != nil {
			return end, fmt.Errorf("%s: %w", name, err)
		}
		switch name {
		case "adapter":
			end.Adapter = int(number)
		case "handle":
			end.Handle = uint16(number)
		case "out":
			end.Outgoing = number != 0
		case "state":
			end.State = int(number)
		case "mode":
			end.Mode = uint32(number)
		}
	}
	return end, nil
}
