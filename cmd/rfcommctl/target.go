package main

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/sdp"
)

// A service selects a service of a device: by its RFCOMM channel, by its UUID,
// or, if it is zero, not at all.
type service struct {
	channel int
	uuid    sdp.UUID
}

func (s service) isZero() bool { return s == service{} }

// A target is a device and a service, as on the command line.
type target struct {
	device  rfcomm.BDAddr // zero if the device is given by its name
	service service
}

// likeAddress matches a text that was probably meant as a device address. Names
// such as HC-05 have one dash.
var likeAddress = regexp.MustCompile(`^[0-9A-Za-z]{1,2}(:[0-9A-Za-z]{1,2}|(-[0-9A-Za-z]{1,2}){3})`)

// parseTarget parses ADDRESS, ADDRESS/20, ADDRESS/spp, ADDRESS/UUID or a name.
// A target with a name has neither device nor service: only the names of the
// known devices show whether a slash belongs to the name.
func parseTarget(text string) (target, error) {
	if text == "" {
		return target{}, usageError{errors.New("the device is empty: use an address, such as 01:23:45:67:89:AB, or a name")}
	}
	address, rest, slash := strings.Cut(text, "/")
	device, err := rfcomm.ParseBDAddr(address)
	switch {
	case err != nil && likeAddress.MatchString(address) && !shortHostPort.MatchString(address):
		return target{}, usageError{err}
	case err != nil:
		return target{}, nil
	case device.IsZero():
		return target{}, usageError{fmt.Errorf("%s is not the address of a device", address)}
	case !slash:
		return target{device: device}, nil
	}
	s, err := parseService(rest)
	return target{device: device, service: s}, err
}

// likeHostPort matches a text that was probably meant as a host and a TCP port. No
// service follows it.
var likeHostPort = regexp.MustCompile(`^(\[[0-9A-Fa-f:.%]+\]|[0-9A-Za-z][0-9A-Za-z.-]*)?:[0-9]{1,5}$`)

// shortHostPort matches a host and a port that likeAddress matches, too.
var shortHostPort = regexp.MustCompile(`^[0-9A-Za-z]{1,2}:[0-9]{3,5}$`)

// refuseHostPort returns an error for a host and a port, which are not the name of
// a device that this machine knows.
func (l *link) refuseHostPort(text string) error {
	switch {
	case !likeHostPort.MatchString(text):
		return nil
	case l.takesTCP:
		return usageError{fmt.Errorf("%q looks like a host and a TCP port: to try without Bluetooth, use --tcp %[1]s in place of TARGET", text)}
	}
	return usageError{fmt.Errorf("%q looks like a host and a TCP port: use the address or the name of a Bluetooth device", text)}
}

// splitName returns the two parts of a target with a name: the name and the
// service after the last slash. The name is empty if there is none before a
// slash. The error is that of the service.
func splitName(text string) (name string, s service, err error) {
	slash := strings.LastIndexByte(text, '/')
	if slash <= 0 {
		return "", service{}, nil
	}
	s, err = parseService(text[slash+1:])
	return text[:slash], s, err
}

// decimal matches a channel. UUIDs have four digits or more.
var decimal = regexp.MustCompile(`^[0-9]{1,3}$`)

// parseService parses a channel, a UUID, or the name of a service.
func parseService(text string) (service, error) {
	if decimal.MatchString(text) {
		channel, err := strconv.Atoi(text)
		if err == nil {
			err = checkChannel(channel)
		}
		return service{channel: channel}, err
	}
	uuid, err := sdp.ParseUUID(text)
	if err != nil {
		return service{}, usageError{fmt.Errorf("unknown service %q: use a channel from 1 to 30, a UUID, or a name such as spp", text)}
	}
	return service{uuid: uuid}, nil
}

// checkChannel returns an error if a device cannot have the channel.
func checkChannel(channel int) error {
	if channel < 1 || channel > 30 {
		return usageError{fmt.Errorf("no such channel %d: RFCOMM has channels 1 to 30", channel)}
	}
	return nil
}
