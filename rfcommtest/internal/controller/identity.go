package controller

import (
	"slices"
	"unicode/utf8"

	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/hcipacket"
)

// An Identity describes a device to others. They receive the values of the host
// for its zero fields.
type Identity struct {
	Name     string // at most NameSize bytes
	Class    uint32 // Class of Device, 24 bits
	Response []byte // extended inquiry response, at most ResponseSize bytes
}

// Lengths in bytes of a device name (section 7.3.11) and of an extended inquiry
// response (section 7.3.56).
const (
	NameSize     = 248
	ResponseSize = 240
)

// seenName returns the name that others receive.
func (c *Controller) seenName() []byte {
	if c.config.Seen.Name != "" {
		return hcipacket.Parameters{}.Text(c.config.Seen.Name, NameSize)
	}
	return c.settings.name
}

// seenClass returns the Class of Device that others receive.
func (c *Controller) seenClass() uint32 {
	if c.config.Seen.Class != 0 {
		return c.config.Seen.Class
	}
	return c.settings.class
}

// seenResponse returns the extended inquiry response that others receive, or
// nil if the controller sends none, because it lacks the feature or the data
// (Volume 2, Part B, section 8.4.3).
func (c *Controller) seenResponse() []byte {
	response := c.settings.response
	switch {
	case !c.has(ExtendedInquiryResponse):
		return nil
	case len(c.config.Seen.Response) != 0:
		response = c.config.Seen.Response
	case c.config.Seen.Name != "":
		response = withName(response, c.config.Seen.Name)
	}
	if !slices.ContainsFunc(response, func(b byte) bool { return b != 0 }) {
		return nil
	}
	return hcipacket.Parameters{}.Text(string(response), ResponseSize)
}

// Types of the data in an extended inquiry response (Assigned Numbers, section
// 2.3).
const (
	shortenedName = 0x08
	completeName  = 0x09
)

// maxResponseName is the longest name in an extended inquiry response that is
// not shortened. Linux has the same limit (eir_create).
const maxResponseName = 48

// withName returns an extended inquiry response with the given name instead of
// its own. Data that does not fit is left out.
func withName(response []byte, name string) []byte {
	kind := byte(completeName)
	if n := maxResponseName; len(name) > n {
		for !utf8.RuneStart(name[n]) {
			n--
		}
		kind, name = shortenedName, name[:n]
	}
	named := append([]byte{byte(1 + len(name)), kind}, name...)
	for _, data := range dataOf(response) {
		isName := data[1] == shortenedName || data[1] == completeName
		if !isName && len(named)+len(data) <= ResponseSize {
			named = append(named, data...)
		}
	}
	return named
}

// dataOf returns the data structures of an extended inquiry response, with
// their lengths (Volume 3, Part C, section 8). It ignores an invalid rest.
func dataOf(response []byte) [][]byte {
	var all [][]byte
	for len(response) > 1 && response[0] != 0 && int(response[0]) < len(response) {
		n := 1 + int(response[0])
		all = append(all, response[:n])
		response = response[n:]
	}
	return all
}
