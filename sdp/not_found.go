package sdp

import (
	"fmt"
	"slices"
	"strings"

	"github.com/go-rfcomm/rfcomm"
)

// A NotFoundError reports that a device answers service searches, but does not
// offer the wanted service on an RFCOMM channel.
type NotFoundError struct {
	Device  rfcomm.BDAddr
	Service UUID

	// Offered holds the services that the device offers instead. It can contain
	// records of the wanted service that have no RFCOMM channel. It is empty if
	// the device lists nothing, as some simple devices do.
	Offered []*Record

	// Rejected reports that the device offers the service on RFCOMM channels,
	// and that [Dialer.Select] chose none of the records.
	Rejected bool
}

// maxListed is the maximum number of services in the text of a NotFoundError.
const maxListed = 12

// Error names the service and lists those that the device offers, with their
// channels. Names from the device are quoted, and long ones are shortened.
func (e *NotFoundError) Error() string {
	service := describeUUID(e.Service)
	has := func(r *Record) bool { return r.Contains(e.Service) }
	var text string
	switch {
	case e.Rejected:
		text = fmt.Sprintf("sdp: Select chose none of the records of service %s of %v", service, e.Device)
	case slices.ContainsFunc(e.Offered, has):
		text = fmt.Sprintf("sdp: %v offers the service %s without an RFCOMM channel", e.Device, service)
	default:
		text = fmt.Sprintf("sdp: %v does not offer the service %s", e.Device, service)
	}
	if len(e.Offered) == 0 {
		return text + "; it lists no services"
	}
	return text + "; it offers " + describeAll(e.Offered)
}

// describeAll lists records in one line.
func describeAll(records []*Record) string {
	var list []string
	for _, r := range records[:min(len(records), maxListed)] {
		list = append(list, describe(r))
	}
	if more := len(records) - len(list); more > 0 {
		list = append(list, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(list, ", ")
}

// describe returns the service class of a record, its name in quotes, and its
// channel.
func describe(r *Record) string {
	parts := []string{"a service without a class"}
	if classes := r.Classes(); len(classes) > 0 {
		parts[0] = describeUUID(classes[0])
	}
	if name := r.Name(); name != "" {
		parts = append(parts, fmt.Sprintf("%q", clip(name)))
	}
	if channel, ok := r.Channel(); ok {
		parts = append(parts, fmt.Sprintf("on channel %d", channel))
	}
	return strings.Join(parts, " ")
}

// describeUUID returns the assigned name of a UUID with its short form, or the
// UUID.
func describeUUID(u UUID) string {
	v, short := u.Short()
	switch name := u.Name(); {
	case short && name != "":
		return fmt.Sprintf("%s (0x%04x)", name, v)
	case short:
		return fmt.Sprintf("0x%04x", v)
	}
	return u.String()
}
