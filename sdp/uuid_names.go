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

// PublicBrowseRoot is the UUID of the browse group in which devices list their
// services (Assigned Numbers, 3.3).
var PublicBrowseRoot = UUID16(0x1002)

// UUIDs of service classes and profiles (Assigned Numbers, 3.3).
var (
	ServiceDiscoveryServer    = UUID16(0x1000)
	SerialPort                = UUID16(0x1101)
	LANAccess                 = UUID16(0x1102)
	DialUpNetworking          = UUID16(0x1103)
	IrMCSync                  = UUID16(0x1104)
	ObjectPush                = UUID16(0x1105)
	FileTransfer              = UUID16(0x1106)
	Headset                   = UUID16(0x1108)
	AudioSource               = UUID16(0x110a)
	AudioSink                 = UUID16(0x110b)
	HeadsetAudioGateway       = UUID16(0x1112)
	Handsfree                 = UUID16(0x111e)
	HandsfreeAudioGateway     = UUID16(0x111f)
	HumanInterfaceDevice      = UUID16(0x1124)
	SIMAccess                 = UUID16(0x112d)
	PhonebookAccessClient     = UUID16(0x112e)
	PhonebookAccessServer     = UUID16(0x112f)
	PhonebookAccess           = UUID16(0x1130)
	MessageAccessServer       = UUID16(0x1132)
	MessageNotificationServer = UUID16(0x1133)
	MessageAccess             = UUID16(0x1134)
	PnPInformation            = UUID16(0x1200)
)

// An assignedName is the name of an assigned UUID.
type assignedName struct {
	short   uint32
	name    string
	aliases string // separated by commas
}

// assignedNames holds the protocols and the service classes of Assigned
// Numbers, 3.2 and 3.3. The aliases are the abbreviations of the profiles, and
// the names that sdptool uses. The abbreviation of a profile with two roles
// stands for the role that is dialed, such as that of the phone that holds the
// phonebook.
var assignedNames = []assignedName{
	{0x0001, "SDP", ""},
	{0x0002, "UDP", ""},
	{0x0003, "RFCOMM", ""},
	{0x0004, "TCP", ""},
	{0x0005, "TCS-BIN", ""},
	{0x0006, "TCS-AT", ""},
	{0x0007, "ATT", ""},
	{0x0008, "OBEX", ""},
	{0x0009, "IP", ""},
	{0x000a, "FTP Protocol", ""},
	{0x000c, "HTTP", ""},
	{0x000e, "WSP", ""},
	{0x000f, "BNEP", ""},
	{0x0010, "UPnP", ""},
	{0x0011, "HIDP", ""},
	{0x0012, "Hardcopy Control Channel", ""},
	{0x0014, "Hardcopy Data Channel", ""},
	{0x0016, "Hardcopy Notification Channel", ""},
	{0x0017, "AVCTP", ""},
	{0x0019, "AVDTP", ""},
	{0x001b, "CMTP", ""},
	{0x001e, "MCAP Control Channel", ""},
	{0x001f, "MCAP Data Channel", ""},
	{0x0100, "L2CAP", ""},

	{0x1000, "Service Discovery Server", ""},
	{0x1001, "Browse Group Descriptor", ""},
	{0x1002, "Public Browse Root", "public browse group"},
	{0x1101, "Serial Port", "spp,sp"},
	{0x1102, "LAN Access Using PPP", "lan access,lan,lap"},
	{0x1103, "Dial-Up Networking", "dun"},
	{0x1104, "IrMC Sync", "sync"},
	{0x1105, "OBEX Object Push", "object push,opp,opush"},
	{0x1106, "OBEX File Transfer", "file transfer,ftp"},
	{0x1107, "IrMC Sync Command", ""},
	{0x1108, "Headset", "hsp,hs"},
	{0x1109, "Cordless Telephony", "ctp,cip"},
	{0x110a, "Audio Source", "a2src"},
	{0x110b, "Audio Sink", "a2snk"},
	{0x110c, "A/V Remote Control Target", "avrtg"},
	{0x110d, "Advanced Audio Distribution", "a2dp"},
	{0x110e, "A/V Remote Control", "avrcp,avrct"},
	{0x110f, "A/V Remote Control Controller", ""},
	{0x1110, "Intercom", ""},
	{0x1111, "Fax", ""},
	{0x1112, "Headset Audio Gateway", "hsag"},
	{0x1113, "WAP", ""},
	{0x1114, "WAP Client", ""},
	{0x1115, "PAN User", "panu"},
	{0x1116, "Network Access Point", "nap"},
	{0x1117, "Group Network", "gn"},
	{0x1118, "Direct Printing", "print"},
	{0x1119, "Reference Printing", ""},
	{0x111a, "Basic Imaging", "bip"},
	{0x111b, "Imaging Responder", ""},
	{0x111c, "Imaging Automatic Archive", ""},
	{0x111d, "Imaging Referenced Objects", ""},
	{0x111e, "Hands-Free", "hfp,hf"},
	{0x111f, "Hands-Free Audio Gateway", "hfag"},
	{0x1120, "Direct Printing Referenced Objects", ""},
	{0x1121, "Reflected UI", ""},
	{0x1122, "Basic Printing", "bpp"},
	{0x1123, "Printing Status", ""},
	{0x1124, "Human Interface Device", "hid"},
	{0x1125, "Hardcopy Cable Replacement", "hcrp"},
	{0x1126, "HCR Print", ""},
	{0x1127, "HCR Scan", ""},
	{0x1128, "Common ISDN Access", ""},
	{0x112d, "SIM Access", "sap"},
	{0x112e, "Phonebook Access Client", "pce"},
	{0x112f, "Phonebook Access Server", "pbap,pse"},
	{0x1130, "Phonebook Access", ""},
	{0x1131, "Headset HS", ""},
	{0x1132, "Message Access Server", "map,mas"},
	{0x1133, "Message Notification Server", "mns"},
	{0x1134, "Message Access", ""},
	{0x1135, "GNSS", ""},
	{0x1136, "GNSS Server", ""},
	{0x1137, "3D Display", ""},
	{0x1138, "3D Glasses", ""},
	{0x1139, "3D Synchronization", ""},
	{0x113a, "Multi-Profile", ""},
	{0x113b, "Multi-Profile Single Device", ""},
	{0x113c, "CTN Access Service", ""},
	{0x113d, "CTN Notification Service", ""},
	{0x113e, "Calendar, Tasks and Notes", "ctn"},
	{0x1200, "PnP Information", "did,pnp"},
	{0x1201, "Generic Networking", ""},
	{0x1202, "Generic File Transfer", ""},
	{0x1203, "Generic Audio", ""},
	{0x1204, "Generic Telephony", ""},
	{0x1205, "UPnP Service", ""},
	{0x1206, "UPnP IP Service", ""},
	{0x1300, "ESDP UPnP IP PAN", ""},
	{0x1301, "ESDP UPnP IP LAP", ""},
	{0x1302, "ESDP UPnP L2CAP", ""},
	{0x1303, "Video Source", ""},
	{0x1304, "Video Sink", ""},
	{0x1305, "Video Distribution", "vdp"},
	{0x1400, "Health Device", "hdp"},
	{0x1401, "Health Device Source", ""},
	{0x1402, "Health Device Sink", ""},
}

// namesByUUID and uuidsByName are the two directions of assignedNames. The keys
// of uuidsByName are folded.
var namesByUUID, uuidsByName = func() (map[UUID]string, map[string]UUID) {
	names, uuids := make(map[UUID]string), make(map[string]UUID)
	for _, n := range assignedNames {
		u := UUID32(n.short)
		names[u] = n.name
		uuids[foldName(n.name)] = u
		for alias := range strings.SplitSeq(n.aliases, ",") {
			if alias != "" {
				uuids[foldName(alias)] = u
			}
		}
	}
	return names, uuids
}()

// Name returns the name of an assigned UUID, such as "Serial Port", or "" if u
// is not assigned. [ParseUUID] accepts the name.
func (u UUID) Name() string { return namesByUUID[u] }

// label returns the name of an assigned UUID, or the 128-bit form of another.
func (u UUID) label() string {
	if name := u.Name(); name != "" {
		return name
	}
	return u.String()
}

// uuidByName returns the assigned UUID with the given name or abbreviation.
func uuidByName(s string) (UUID, bool) {
	u, ok := uuidsByName[foldName(s)]
	return u, ok
}

// foldName returns the letters and digits of a name in lower case.
func foldName(s string) string { return strings.ToLower(separators.Replace(s)) }

var separators = strings.NewReplacer(" ", "", "-", "", "_", "", "/", "", ",", "")
