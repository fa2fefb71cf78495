package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"

	"github.com/spf13/cobra"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/sdp"
)

// listenOptions are the flags of the command "listen".
type listenOptions struct {
	serving
	exec string
	keep bool
}

// A serving holds the flags of commands that accept connections.
type serving struct {
	link
	publish string // name of the service record
	service serviceClass
}

// A serviceClass is the value of the flag --service.
type serviceClass struct{ sdp.UUID }

func (s *serviceClass) String() string {
	if s.UUID == (sdp.UUID{}) {
		return "" // no default in the help text
	}
	return s.UUID.String()
}

func (s *serviceClass) Type() string { return "UUID" }

func (s *serviceClass) Set(text string) error {
	uuid, err := sdp.ParseUUID(text)
	if err != nil || uuid == (sdp.UUID{}) {
		return errors.New("use a UUID, or a name such as spp")
	}
	s.UUID = uuid
	return nil
}

// listenCommand returns the command "listen".
func (t *tool) listenCommand() *cobra.Command {
	var o listenOptions
	c := &cobra.Command{
		Use:   "listen [FLAGS]",
		Short: "Accept a connection, as the server of a service",
		Long: `Waits until a device connects, sends standard input to the device, and prints what it sends, as "nc -l" does. It ends when the device closes the connection; the end of standard input does not end it.

Phones, and programs that search for a service, find the server by its service record. With --publish, bluetoothd publishes a record with that name and the channel, on every adapter, until listen ends. --service is the UUID in the record; the default is the serial port (spp). Without --publish, devices have to know the channel, which is printed.

With --exec, a command has the connection as its standard input and output. Unless --security is given, links must be encrypted (medium), and only devices that bluetoothd has paired are served. An explicit --security serves every device whose link has that protection, which an unpaired device can have without a question to anyone. Without bluetoothd, the pairing is unknown, and the encryption is all that protects the command.

With --keep, listen serves one device after the other or, with --exec, several at the same time, until it is interrupted.

Only connectable adapters accept connections: see "rfcommctl adapters". Pair devices first if their links must be encrypted: see "rfcommctl pair".`,
		Example: `	rfcommctl listen --publish "Front desk"
	rfcommctl listen --publish Clock --keep --exec date
	rfcommctl listen --channel 20 > received`,
		Args: noWords,
		RunE: func(c *cobra.Command, _ []string) error { return t.runListen(c, &o) },
	}
	t.listenFlags(c, &o)
	return c
}

// listenFlags adds the flags of the command "listen".
func (t *tool) listenFlags(c *cobra.Command, o *listenOptions) {
	flags := c.Flags()
	flags.StringVar(&o.publish, "publish", "", "publish a service record with this `NAME`")
	flags.Var(&o.service, "service", "publish this service: a UUID, or a name such as spp")
	flags.StringVar(&o.exec, "exec", "", "run this `COMMAND` of the shell with the connection as its input and output")
	flags.BoolVar(&o.keep, "keep", false, "continue to listen after a connection")
	t.adapterFlag(c, &o.link)
	timeoutFlag(c, &o.link, 0, "give up if no device connects for this time")
	flags.Var(&o.channel, "channel", "listen on RFCOMM channel N, 1 to 30, instead of a free one")
	securityFlag(c, &o.link)
	tcpFlag(c, &o.link, "listen on TCP `host:port`, to try without Bluetooth")
	for _, name := range []string{"publish", "exec", "channel"} {
		c.RegisterFlagCompletionFunc(name, cobra.NoFileCompletions)
	}
	c.RegisterFlagCompletionFunc("service", cobra.FixedCompletions(serviceNames, cobra.ShellCompDirectiveNoFileComp))
}

// check returns an error if the flags do not fit together.
func (o *listenOptions) check(c *cobra.Command) error {
	given := c.Flags().Changed
	if given("exec") && o.exec == "" {
		return errors.New("--exec needs a command")
	}
	return o.serving.check(c)
}

// check returns an error if the flags do not fit together.
func (o *serving) check(c *cobra.Command) error {
	given := c.Flags().Changed
	switch {
	case given("publish") && o.publish == "":
		return errors.New("--publish needs a name")
	case given("service") && !given("publish"):
		return errors.New("--service is part of a service record: add --publish NAME")
	case given("publish") && given("adapter"):
		return errors.New("--adapter and --publish exclude each other: bluetoothd publishes a record on every adapter")
	}
	return o.checkTCP(c, "publish", "adapter", "channel", "security")
}

// runListen runs the command "listen".
func (t *tool) runListen(c *cobra.Command, o *listenOptions) error {
	if err := o.check(c); err != nil {
		return usageError{fmt.Errorf("%w (see rfcommctl listen --help)", err)}
	}
	ctx := c.Context()
	l, err := t.accepting(ctx, &o.serving, o.exec != "" && !c.Flags().Changed("security"))
	if err != nil {
		return err
	}
	defer l.Close()
	return t.serveAll(ctx, l, o)
}

// accepting listens as the flags demand, and prints where. A guarded listener
// requires encrypted links (SecurityMedium) of bonded devices.
func (t *tool) accepting(ctx context.Context, o *serving, guarded bool) (net.Listener, error) {
	if guarded {
		o.security = security(rfcomm.SecurityMedium)
	}
	l, err := t.listener(ctx, o)
	if err != nil {
		return nil, err
	}
	t.warn("%s", listening(l.Addr(), o.publish))
	if o.tcp != "" {
		return l, nil
	}
	t.warnUnreachable(o.adapter)
	if guarded {
		l = t.bondedOnly(ctx, l)
	}
	return l, nil
}

// listener listens as the flags demand.
func (t *tool) listener(ctx context.Context, o *serving) (net.Listener, error) {
	if o.tcp != "" {
		l, err := new(net.ListenConfig).Listen(ctx, "tcp", o.tcp)
		return l, explainListen(err)
	}
	adapter, err := t.adapterAddress(o.adapter)
	if err != nil {
		return nil, err
	}
	return t.listen(ctx, server{
		address:  rfcomm.Addr{Device: adapter, Channel: int(o.channel)},
		security: rfcomm.Security(o.security),
		name:     o.publish,
		service:  o.service.UUID,
		report:   t.reportPublished,
	})
}

// listening returns a text about a new listener.
func listening(address net.Addr, published string) string {
	a, ok := address.(rfcomm.Addr)
	if !ok {
		return "listening on " + address.String()
	}
	text := fmt.Sprintf("listening on channel %d", a.Channel)
	if !a.Device.IsZero() {
		text += fmt.Sprintf(" of %s", a.Device)
	}
	if published != "" {
		text += fmt.Sprintf(", published as %q", published)
	}
	return text
}

// reportPublished prints that the service record is missing, or is back.
func (t *tool) reportPublished(err error) {
	if err != nil {
		t.warn("devices cannot find the service: %v", err)
		return
	}
	t.warn("the service is published again")
}

// warnUnreachable prints a warning if no device can connect to the adapter or,
// without a name, to any.
func (t *tool) warnUnreachable(name string) {
	adapters, err := t.adapters()
	if err != nil {
		return
	}
	reachable := slices.ContainsFunc(adapters, func(a rfcomm.Adapter) bool {
		return a.Up && a.PageScan && (name == "" || isNamed(a, name))
	})
	if !reachable {
		t.warn("no device can connect yet: no adapter is connectable (see rfcommctl adapters)")
	}
}
