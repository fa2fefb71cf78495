package rfcommtest

import (
	"fmt"
	"strings"

	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/controller"
)

// A Version is a version of the Bluetooth Core Specification that a controller
// claims to implement. Its value is the number that controllers report.
type Version uint8

// The versions differ in the features of their controllers.
const (
	Version20 Version = Version(controller.Version20) // pairs by PIN only, has no extended inquiry responses
	Version21 Version = Version(controller.Version21) // the first with Secure Simple Pairing
	Version41 Version = Version(controller.Version41) // the first with Secure Connections
)

// Features is a set of features that controllers of a version can lack.
type Features uint8

// The features. Each one depends on those in brackets.
const (
	InquiryRSSI             Features = Features(controller.InquiryRSSI)             // signal strengths in inquiry results
	ExtendedInquiryResponse Features = Features(controller.ExtendedInquiryResponse) // names and other data in inquiry results (InquiryRSSI)
	SimplePairing           Features = Features(controller.SimplePairing)           // Secure Simple Pairing; without it, pairing is by PIN
	SecureConnections       Features = Features(controller.SecureConnections)       // P-256 keys and AES-CCM (SimplePairing)
)

// A ControllerConfig holds the properties of one controller. For a zero field,
// the controller has the default of the field or the value in [Config].
//
// Name, Class and EIR describe the device to other devices, in inquiry results,
// pages and answers to name requests. The kernel and programs such as bluetoothd
// write values of their own to a controller. They can read these back, but other
// devices receive the fields that are set here. For a zero field, they receive
// the kernel's value. Until the kernel has written a name, it is "rfcommtest "
// and the number of the controller. That of a [Device] is "device " and its
// number.
type ControllerConfig struct {
	// Version is the version of the specification. The default is Version41.
	Version Version

	// Without is the set of features that the controller lacks, although those
	// of its version have them. The default is none.
	Without Features

	// Name is the device's name, of at most 248 bytes. It also replaces the
	// name in the kernel's extended inquiry response.
	Name string
	// Class is the Class of Device, of 24 bits (Assigned Numbers, section 2.8).
	Class uint32
	// EIR is the extended inquiry response, of at most 240 bytes: structures of
	// a length, a type and data (Core Specification, Volume 3, Part C, section
	// 8). It can contain another name than Name.
	EIR []byte

	// These fields take precedence over those in Config.
	ACLLength   int
	ACLBuffers  int
	PacketTypes PacketTypes
}

// check returns an error that names the first invalid field of the config, which
// is the element with the given name. It replaces zero fields by those of the
// radio's config.
func (c *ControllerConfig) check(name string, radio *Config) error {
	if err := c.checkIdentity(name); err != nil {
		return err
	}
	switch c.Version {
	case 0, Version20, Version21, Version41:
	default:
		return fmt.Errorf("%s.Version is %d; want Version20, Version21 or Version41", name, c.Version)
	}
	const all = InquiryRSSI | ExtendedInquiryResponse | SimplePairing | SecureConnections
	if c.Without&^all != 0 {
		return fmt.Errorf("%s.Without is 0x%02x; 0x%02x is not a feature", name, uint8(c.Without), uint8(c.Without&^all))
	}
	if len(c.EIR) != 0 && !controller.FeaturesOf(controller.Version(c.Version), controller.Features(c.Without)).Has(controller.ExtendedInquiryResponse) {
		return fmt.Errorf("%s.EIR is set, but the controller has no extended inquiry responses", name)
	}
	if c.PacketTypes == 0 {
		c.PacketTypes = radio.PacketTypes
	}
	return checkLimits(name, []limit{
		{"ACLLength", &c.ACLLength, minACLLength, maxACLLength, radio.ACLLength},
		{"ACLBuffers", &c.ACLBuffers, 1, maxACLBuffers, radio.ACLBuffers},
	})
}

// checkIdentity checks the fields that describe the device to others.
func (c *ControllerConfig) checkIdentity(name string) error {
	const maxClass = 0xffffff
	switch {
	case len(c.Name) > controller.NameSize:
		return fmt.Errorf("%s.Name has %d bytes; want at most %d", name, len(c.Name), controller.NameSize)
	case strings.ContainsRune(c.Name, 0):
		return fmt.Errorf("%s.Name %q contains a zero byte, which ends a name", name, c.Name)
	case c.Class > maxClass:
		return fmt.Errorf("%s.Class is 0x%x; want at most 0x%x", name, c.Class, maxClass)
	case len(c.EIR) > controller.ResponseSize:
		return fmt.Errorf("%s.EIR has %d bytes; want at most %d", name, len(c.EIR), controller.ResponseSize)
	}
	return nil
}
