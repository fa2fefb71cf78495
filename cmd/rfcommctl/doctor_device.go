package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/sdp"
)

// deviceChecks are those of a device.
var deviceChecks = []check{
	{"bond", "bluetoothd", (*diagnosis).bond},
	{"range", checkPower, (*diagnosis).inRange},
	{"serial service", "range", (*diagnosis).serialService},
}

// optionalDevice is the check of the words of doctor: a device without a service,
// or nothing.
func optionalDevice(c *cobra.Command, words []string) error {
	if len(words) == 0 {
		return nil
	}
	parsed, err := parseTarget(words[0])
	if err == nil {
		err = deviceOnly(c, parsed.service, words[0])
	}
	if err != nil {
		return err
	}
	return noWords(c, words[1:])
}

// findDevice finds the device of the command line.
func (d *diagnosis) findDevice() error {
	if d.device.IsZero() && d.deviceErr == nil {
		d.device, _, d.deviceErr = d.resolve(d.ctx, d.link, d.word)
	}
	return d.deviceErr
}

// bond returns whether the device is paired. Many devices need that.
func (d *diagnosis) bond() finding {
	known, err := d.known(d.ctx)
	if err == nil {
		err = d.findDevice()
	}
	switch {
	case d.ctx.Err() != nil:
		return d.timeUp("bluetoothd does not answer", d.restart("bluetooth"))
	case err != nil:
		return problem(statusOf(err), err.Error(), "rfcommctl scan")
	case slices.ContainsFunc(known, func(k knownDevice) bool { return k.address == d.device && k.paired }):
		return ok(d.device.String() + " is paired")
	}
	return warning(d.device.String()+" is not paired, as --security medium and many devices need it", "rfcommctl pair "+d.device.String())
}

// inRange returns whether the device answers a search for its serial ports.
func (d *diagnosis) inRange() finding {
	err := d.findDevice()
	var dialer *rfcomm.Dialer
	if err == nil {
		dialer, err = d.dialer(d.link)
	}
	if err == nil {
		d.records, err = d.search(d.ctx, dialer, d.device, sdp.SerialPort)
	}
	switch {
	case err == nil:
		return ok(d.device.String() + " is in range, and answers")
	case errors.Is(err, syscall.EHOSTDOWN):
		return problem(statusNotFound, fmt.Sprintf("%s does not answer: it is off, asleep, out of range or connected to another machine", d.device),
			"switch it on, or press its button; then: rfcommctl scan")
	case d.ctx.Err() != nil, isOneOf(err, os.ErrDeadlineExceeded):
		return d.timeUp(d.word+" does not answer", "rfcommctl scan")
	}
	return problem(statusOf(err), err.Error(), "rfcommctl scan")
}

// serialService returns whether the device offers a serial port.
func (d *diagnosis) serialService() finding {
	var names []string
	for _, record := range d.records {
		if channel, ok := record.Channel(); ok {
			names = append(names, fmt.Sprintf("%s/%d", d.device, channel))
		}
	}
	if names == nil {
		return warning(d.device.String()+" lists no serial port", "rfcommctl services "+d.device.String())
	}
	return ok("serial ports: " + strings.Join(names, ", "))
}
