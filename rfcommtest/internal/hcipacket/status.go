package hcipacket

import "fmt"

// A Status is the result of a command or the reason for the end of a
// connection. The values are the error codes of Volume 1, Part F.
type Status byte

// The codes that a controller for BR/EDR connections uses.
const (
	Success               Status = 0x00
	UnknownCommand        Status = 0x01
	UnknownConnection     Status = 0x02
	PageTimeout           Status = 0x04
	AuthenticationFailure Status = 0x05
	KeyMissing            Status = 0x06
	ConnectionTimeout     Status = 0x08
	ConnectionExists      Status = 0x0b
	CommandDisallowed     Status = 0x0c
	LimitedResources      Status = 0x0d
	SecurityReasons       Status = 0x0e
	UnacceptableAddress   Status = 0x0f
	AcceptTimeout         Status = 0x10
	InvalidParameters     Status = 0x12
	RemoteUserTerminated  Status = 0x13
	RemoteLowResources    Status = 0x14
	RemotePowerOff        Status = 0x15
	TerminatedByLocalHost Status = 0x16
	PairingNotAllowed     Status = 0x18
	ResponseTimeout       Status = 0x22
	TransactionCollision  Status = 0x23
	DifferentCollision    Status = 0x2a
)

var statusNames = map[Status]string{
	Success:               "success",
	UnknownCommand:        "unknown command",
	UnknownConnection:     "unknown connection identifier",
	PageTimeout:           "page timeout",
	AuthenticationFailure: "authentication failure",
	KeyMissing:            "PIN or key missing",
	ConnectionTimeout:     "connection timeout",
	ConnectionExists:      "connection already exists",
	CommandDisallowed:     "command disallowed",
	LimitedResources:      "rejected for limited resources",
	SecurityReasons:       "rejected for security reasons",
	UnacceptableAddress:   "rejected for an unacceptable BD_ADDR",
	AcceptTimeout:         "connection accept timeout",
	InvalidParameters:     "invalid command parameters",
	RemoteUserTerminated:  "remote user terminated the connection",
	RemoteLowResources:    "remote device is low on resources",
	RemotePowerOff:        "remote device powers off",
	TerminatedByLocalHost: "terminated by the local host",
	PairingNotAllowed:     "pairing not allowed",
	ResponseTimeout:       "LMP response timeout",
	TransactionCollision:  "LMP error transaction collision",
	DifferentCollision:    "different transaction collision",
}

// String returns the number and, for the codes above, the name.
func (s Status) String() string {
	if name, ok := statusNames[s]; ok {
		return fmt.Sprintf("0x%02x (%s)", byte(s), name)
	}
	return fmt.Sprintf("0x%02x", byte(s))
}
