package sdp_test

import (
	"encoding/binary"
	"testing"

	"github.com/go-rfcomm/rfcomm/internal/test/capture"
	"github.com/go-rfcomm/rfcomm/internal/test/conntest"
)

// Types of the records of a btsnoop log of BlueZ.
const (
	btsnoopCommand = 2
	btsnoopEvent   = 3
)

// Commands and events of the links between devices (Core Vol 4 Part E 7.1, 7.7).
// Every pairing, authentication and encryption has one of them besides Connection
// Complete.
var (
	linkCommands = map[uint16]string{0x0411: "Authentication Requested", 0x0413: "Set Connection Encryption"}
	linkEvents   = map[byte]string{
		0x03: connectionComplete, 0x06: "Authentication Complete", 0x08: "Encryption Change", 0x16: "PIN Code Request",
		0x17: "Link Key Request", 0x18: "Link Key Notification", 0x31: "IO Capability Request",
	}
)

const connectionComplete = "Connection Complete"

// linkPackets counts the packets of a log that make, pair or protect links.
func linkPackets(log []byte) map[string]int {
	const recordHeader = 24
	found := make(map[string]int)
	for log = log[min(len(log), capture.HeaderLength):]; len(log) > recordHeader; {
		end := recordHeader + int(binary.BigEndian.Uint32(log[4:]))
		data := log[recordHeader:end]
		switch binary.BigEndian.Uint16(log[10:]) {
		case btsnoopCommand:
			found[linkCommands[binary.LittleEndian.Uint16(data)]]++
		case btsnoopEvent:
			found[linkEvents[data[0]]]++
		}
		log = log[end:]
	}
	delete(found, "") // all others
	return found
}

// wantOpenLinks checks that links were made since the radio was made, and none
// was paired, authenticated or encrypted.
func (a *air) wantOpenLinks(t *testing.T) {
	t.Helper()
	log, _ := a.log.Packets()
	if found := linkPackets(log); found[connectionComplete] == 0 || len(found) > 1 {
		t.Errorf("the log has %v, want %s alone", found, connectionComplete)
	}
}

func TestLinkPacketsFindsPairing(t *testing.T) {
	a := inLab(t)
	conntest.Pair(t, a.near.Addr(), a.far.Addr())
	a.wantOpenLinks(t)
	if err := a.Link(a.near, a.far).Pair(); err != nil {
		t.Fatal(err)
	}
	log, _ := a.log.Packets()
	found := linkPackets(log)
	for _, name := range []string{"Link Key Request", "Link Key Notification", "IO Capability Request", "Encryption Change"} {
		if found[name] == 0 {
			t.Errorf("the log of a pairing has %v, want also %s", found, name)
		}
	}
}
