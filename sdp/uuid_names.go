package sdp

import "strings"

// UUIDs of protocols (Assigned Numbers, 3.2).
var (
	ProtocolSDP    = UUID16(0x0001)
	ProtocolRFCOMM = UUID16(0x0003)
	ProtocolOBEX   = UUID16(0x0008)
	ProtocolBNEP   = UUID16(0x000f)
	ProtocolHIDP   = UUID16(0x0011)
	ProtocolAVCTP  = UUID16(0x0017)
	ProtocolAVDTP  = UUID16(0x0019)
	ProtocolL2CAP  = UUID16(0x0100)
)

// PublicBrowseRoot is the UUID of the browse group that holds the services of a
// device (Assigned Numbers, 3.3).
var PublicBrowseRoot = UUID16(0x1002)

// UUIDs of service classes and profiles (Assigned Numbers, 3.3).
var (
	ServiceDiscoveryServer = UUID16(0x1000)
	SerialPort             = UUID16(0x1101)
	LANAccess              = UUID16(0x1102)
	DialUpNetworking       = UUID16(0x1103)
	IrMCSync               = UUID16(0x1104)
	ObjectPush             = UUID16(0x1105)
	FileTransfer           = UUID16(0x1106)
	Headset                = UUID16(0x1108)
	AudioSource            = UUID16(0x110a)
	AudioSink              = UUID16(0x110b)
	HeadsetAudioGateway    = UUID16(0x1112)
	Handsfree              = UUID16(0x111e)
	HandsfreeAudioGateway  = UUID16(0x111f)
	HumanInterfaceDevice   = UUID16(0x1124)
	SIMAccess              = UUID16(0x112d)
	PhonebookAccessClient  = UUID16(0x112e)
	PhonebookAccessServer  = UUID16(0x112f)
	PhonebookAccess        = UUID16(0x1130)
	MessageAccessServer    = UUID16(0x1132)
	MessageNotification    = UUID16(0x1133)
	MessageAccess          = UUID16(0x1134)
	PnPInformation         = UUID16(0x1200)
)

// An assignedName is the name of an assigned UUID.
type assignedName struct {
	name    string
	aliases []string
}

// assignedNames holds the names of the 16-bit UUIDs of Assigned Numbers 3.2 and
// 3.3 and common abbreviations.
var assignedNames = map[uint32]assignedName{
	0x0001: {"SDP", nil},
	0x0003: {"RFCOMM", nil},
	0x0008: {"OBEX", nil},
	0x0100: {"L2CAP", nil},
	0x1002: {"Public Browse Root", []string{"browse"}},
	0x1101: {"Serial Port", []string{"spp", "sp"}},
	0x1105: {"Object Push", []string{"opp", "opush"}},
	0x1106: {"File Transfer", []string{"ftp"}},
}

// Name returns the name of an assigned UUID, such as "Serial Port", or "" if u
// is not assigned or its name is not known.
func (u UUID) Name() string {
	v, ok := u.Short()
	if !ok {
		return ""
	}
	return assignedNames[v].name
}

var uuidsByName = func() map[string]UUID {
	byName := make(map[string]UUID)
	for v, n := range assignedNames {
		byName[foldName(n.name)] = UUID32(v)
		for _, alias := range n.aliases {
			byName[foldName(alias)] = UUID32(v)
		}
	}
	return byName
}()

// uuidByName returns the assigned UUID with the given name or abbreviation.
func uuidByName(s string) (UUID, bool) {
	u, ok := uuidsByName[foldName(s)]
	return u, ok
}

// foldName returns a name in lower case without separators.
func foldName(s string) string {
	return strings.ToLower(strings.NewReplacer(" ", "", "-", "", "_", "").Replace(s))
}
