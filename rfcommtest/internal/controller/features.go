package controller

import "github.com/go-rfcomm/rfcomm/rfcommtest/internal/air"

// A Version is a version of the Core Specification, as the controller reports
// it to its host and to other controllers (Assigned Numbers, section 2.1). If
// zero, it is defaultVersion.
type Version uint8

// The versions that differ in the features of their controllers.
const (
	Version20 Version = 3 // without Secure Simple Pairing
	Version21 Version = 4 // the first with Secure Simple Pairing
	Version41 Version = 7 // the first with Secure Connections
)

const defaultVersion = Version41

// Features is a set of optional features of a controller.
type Features uint8

// The features that a Config can leave out. The comments give their bits (LMP
// features, Volume 2, Part C, section 3.3).
const (
	InquiryRSSI             Features = 1 << iota // RSSI with inquiry results: page 0, bit 30
	ExtendedInquiryResponse                      // page 0, bit 48
	SimplePairing                                // Secure Simple Pairing: page 0, bit 51
	SecureConnections                            // page 2, bit 8
	Ping                                         // page 2, bit 9
)

// featuresSince lists the features with the versions that introduced them, and
// the features that they depend on.
var featuresSince = []struct {
	feature Features
	version Version
	needs   Features
	page    uint8
	bit     bit
}{
	{InquiryRSSI, Version20, 0, 0, bit{3, 6}},
	{ExtendedInquiryResponse, Version21, InquiryRSSI, 0, bit{6, 0}},
	{SimplePairing, Version21, 0, 0, bit{6, 3}},
	{SecureConnections, Version41, SimplePairing, 2, bit{1, 0}},
	{Ping, Version41, SecureConnections, 2, bit{1, 1}},
}

// FeaturesOf returns the features of a controller of the given version that
// lacks some features and those that depend on them.
func FeaturesOf(version Version, without Features) Features {
	if version == 0 {
		version = defaultVersion
	}
	var features Features
	for _, f := range featuresSince {
		if version >= f.version && without&f.feature == 0 && features.Has(f.needs) {
			features |= f.feature
		}
	}
	return features
}

// Has reports whether f contains all of the given features.
func (f Features) Has(features Features) bool { return f&features == features }

// Features returns the features of the controller.
func (c *Controller) Features() Features { return c.features }

// has reports whether the controller has all of the given features.
func (c *Controller) has(features Features) bool { return c.features.Has(features) }

// baseFeatures holds the features of page 0 that every controller has. The host
// does not use features that are missing here: audio, role switches, and the
// modes that save power.
var baseFeatures = [8]byte{
	0: 1<<2 | 1<<3, // encryption, slot offset
}

// newFeatures holds the features of page 0 that controllers have since version
// 2.1.
var newFeatures = [8]byte{
	6: 1 << 6, // non-flushable packets
	7: 1 << 7, // extended features: the pages after page 0
}

// packetFeatures holds the features of page 0 that depend on the packet types.
var packetFeatures = []struct {
	feature bit
	types   air.PacketTypes // any of these
}{
	{bit{0, 0}, air.DM3 | air.DH3},
	{bit{0, 1}, air.DM5 | air.DH5},
	{bit{3, 1}, air.TwoDH1 | air.TwoDH3 | air.TwoDH5},
	{bit{3, 2}, air.ThreeDH1 | air.ThreeDH3 | air.ThreeDH5},
	{bit{4, 7}, air.TwoDH3 | air.ThreeDH3},
	{bit{5, 0}, air.TwoDH5 | air.ThreeDH5},
}

// maxPage returns the last page of features.
func (c *Controller) maxPage() uint8 {
	switch {
	case c.config.Version < Version21:
		return 0
	case c.has(SecureConnections):
		return 2
	}
	return 1
}

// A featurePage is a page of features.
type featurePage [8]byte

func (p *featurePage) set(b bit) { p[b.octet] |= 1 << b.bit }

// featurePage returns a page of features. Pages 0 and 2 describe the
// controller. Page 1 reports which features the host has enabled.
func (c *Controller) featurePage(number uint8) featurePage {
	var page featurePage
	switch {
	case number > c.maxPage():
	case number == 1:
		if c.settings.simplePairing != 0 {
			page.set(bit{0, 0})
		}
		if c.secureConnections() {
			page.set(bit{0, 3})
		}
	default:
		page = c.controllerPage(number)
	}
	return page
}

// controllerPage returns a page that describes the controller.
func (c *Controller) controllerPage(number uint8) featurePage {
	var page featurePage
	if number == 0 {
		page = baseFeatures
		if c.config.Version >= Version21 {
			for i, octet := range newFeatures {
				page[i] |= octet
			}
		}
		for _, f := range packetFeatures {
			if c.config.PacketTypes&f.types != 0 {
				page.set(f.feature)
			}
		}
	}
	for _, f := range featuresSince {
		if f.page == number && c.has(f.feature) {
			page.set(f.bit)
		}
	}
	return page
}
