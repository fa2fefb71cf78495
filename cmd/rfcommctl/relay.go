package main

import (
	"cmp"
	"errors"

	"github.com/spf13/cobra"
)

// relayOptions are the flags of the command "relay".
type relayOptions struct {
	source
	baud   baud
	format lineFormat
	flow   lineFlow
	lines  bool
}

const relayHelp = `Relays data between a device and a serial port of this machine, such as /dev/ttyUSB0, in both directions. Without a service, TARGET means the serial port (spp).

With --listen, relay waits for a device that connects, as a Bluetooth adapter plugged into the port would. --publish makes bluetoothd publish a service record, by which phones and computers find it, until relay ends. One device is served at a time; with --keep, others wait. Links must be encrypted (medium), and only devices that bluetoothd has paired are served, unless --security is given: see "rfcommctl listen --help".

relay ends when the connection does. With --keep, it connects or accepts again, waiting for 0.5 s to 30 s between attempts to connect, and waits for a port that was unplugged.

Bluetooth does not carry the speed of a port: --baud and --format must suit what is connected to it. With --lines, the modem signals DTR, RTS, DSR and CTS are relayed, too; that needs a kernel node (/dev/rfcommN), which members of the group dialout can use.`

const relayExample = `	rfcommctl relay 01:23:45:67:89:AB/spp /dev/ttyUSB0 --baud 115200
	rfcommctl relay --publish "Scale 3" --keep /dev/ttyS0 --format 7E1
	rfcommctl relay --listen --channel 5 --lines /dev/ttyS1`

// relayCommand returns the command "relay".
func (t *tool) relayCommand() *cobra.Command {
	o := relayOptions{baud: 9600, format: lineFormat{dataBits: 8, stopBits: 1}}
	c := &cobra.Command{
		Use:               "relay TARGET|--listen PORT [FLAGS]",
		Short:             "Relay between a device and a serial port of this machine",
		Long:              relayHelp,
		Example:           relayExample,
		Args:              o.checkWords,
		RunE:              func(c *cobra.Command, words []string) error { return t.runRelay(c, &o, words) },
		ValidArgsFunction: t.completeRelay(&o),
	}
	flags := c.Flags()
	flags.Var(&o.baud, "baud", "speed of the port in bit/s")
	flags.Var(&o.format, "format", "data bits, parity (N, E, O, M or S) and stop bits of the port")
	flags.Var(&o.flow, "flow", "flow control of the port: none, rts or xon")
	flags.BoolVar(&o.lines, "lines", false, "relay the modem signals, too")
	t.sourceFlags(c, &o.source)
	for _, name := range []string{"baud", "format"} {
		c.RegisterFlagCompletionFunc(name, cobra.NoFileCompletions)
	}
	c.RegisterFlagCompletionFunc("flow", cobra.FixedCompletions([]string{"none", "rts", "xon"}, cobra.ShellCompDirectiveNoFileComp))
	return c
}

// checkWords checks the words of the command line: TARGET, unless a flag replaces
// it, and PORT.
func (o *relayOptions) checkWords(c *cobra.Command, words []string) error {
	flag, missing := o.inPlaceOfTarget(c), errors.New("PORT is missing: use the path of a serial port, such as /dev/ttyUSB0")
	switch {
	case flag != "" && len(words) == 0:
		return missing
	case flag != "":
		return wordInPlaceOf(flag, words[:len(words)-1])
	case len(words) < 2:
		return cmp.Or(o.source.checkWords(c, words), missing)
	}
	return noWords(c, words[2:])
}

// check returns an error if the flags do not fit together.
func (o *relayOptions) check(c *cobra.Command) error {
	if o.lines && c.Flags().Changed("tcp") {
		return errors.New("--lines needs Bluetooth: TCP carries no modem signals")
	}
	return o.source.check(c)
}

// completeRelay completes TARGET and PORT.
func (t *tool) completeRelay(o *relayOptions) cobra.CompletionFunc {
	return func(c *cobra.Command, words []string, begun string) ([]string, cobra.ShellCompDirective) {
		switch replaced := o.inPlaceOfTarget(c) != ""; {
		case len(words) == 0 && !replaced:
			return t.completeTargets(c, words, begun)
		case len(words) > 1 || replaced && len(words) > 0:
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return nil, cobra.ShellCompDirectiveDefault // a file
	}
}
