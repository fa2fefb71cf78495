package controller

// An ioCapability holds the parameters of HCI_IO_Capability_Request_Reply
// (section 7.1.29): IO_Capability, OOB_Data_Present and
// Authentication_Requirements.
type ioCapability [3]byte

// Values of IO_Capability.
const (
	displayOnly = iota
	displayYesNo
	keyboardOnly
	noInputNoOutput
)

// mitm is the bit of Authentication_Requirements that asks for protection
// against a man in the middle.
const mitm = 1 << 0

// maxRequirements is the highest value of Authentication_Requirements.
const maxRequirements = 0x05

func (c ioCapability) valid() bool { return c[0] <= noInputNoOutput && c[2] <= maxRequirements }

// A part is the task of the user of one end in Secure Simple Pairing.
type part uint8

const (
	compares part = iota // confirms that both ends show the same number
	shows                // reads the passkey that the end shows
	enters               // enters the passkey
)

// An association is the way in which two ends pair.
type association struct {
	initiator, responder part
	authenticated        bool // protected against a man in the middle
}

// associate returns the association of the end that begins a pairing and the
// other end (Volume 3, Part C, section 5.2.2.6, table 5.7). Out-of-band data is
// not supported: the controllers ignore that a host claims to have some.
//
// The users compare numbers in two cases: numeric comparison, and "just works",
// where at least one of the hosts confirms without asking its user.
func associate(initiator, responder ioCapability) association {
	if (initiator[2]|responder[2])&mitm == 0 {
		return association{}
	}
	a, b := initiator[0], responder[0]
	switch {
	case a == noInputNoOutput || b == noInputNoOutput:
		return association{}
	case a == keyboardOnly && b == keyboardOnly:
		return association{enters, enters, true}
	case a == keyboardOnly:
		return association{enters, shows, true}
	case b == keyboardOnly:
		return association{shows, enters, true}
	}
	return association{authenticated: a == displayYesNo && b == displayYesNo}
}

// keyType returns the type of the key.
func (a association) keyType(secureConnections bool) keyType {
	switch {
	case a.authenticated && secureConnections:
		return authenticatedP256Key
	case secureConnections:
		return unauthenticatedP256Key
	case a.authenticated:
		return authenticatedKey
	}
	return unauthenticatedKey
}
