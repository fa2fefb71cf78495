package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/sdp"
)

// connectOptions are the flags of the command "connect".
type connectOptions struct {
	link
	wait      duration
	exec      string
	listenTCP string
	eol       eol
}

// connectCommand returns the command "connect".
func (t *tool) connectCommand() *cobra.Command {
	o := connectOptions{wait: duration(5 * time.Second)}
	c := &cobra.Command{
		Use:   "connect TARGET [FLAGS]",
		Short: "Connect standard input and output to a service",
		Long: `Connects to a service of a device, sends standard input to it, and prints what it sends, as nc does. Without a service, TARGET means the serial port (spp).

RFCOMM cannot close one direction alone. At the end of standard input, connect therefore continues to print what the device sends until the device closes the connection, or sends nothing for the time of --wait. It then disconnects, and succeeds only if the device has confirmed that it received everything.

The Enter key sends a line feed, and many devices expect something else: with --eol cr, as for OBD adapters, or --eol crlf, as for modems and most instruments, lines that are sent end as the device expects, and lines that are printed end in a line feed.

With --exec, a command has the connection as its standard input and output, and --security is medium unless it is given. With --listen-tcp, programs connect to a TCP port, one at a time, and each gets a connection of its own.`,
		Example: `	rfcommctl connect 01:23:45:67:89:AB/spp
	rfcommctl connect "Front desk printer" < receipt
	rfcommctl connect 01:23:45:67:89:AB/1 --eol cr
	rfcommctl connect 01:23:45:67:89:AB/1 --listen-tcp 35000
	rfcommctl connect 01:23:45:67:89:AB/spp --exec 'tee log'`,
		Args:              o.checkWords,
		RunE:              func(c *cobra.Command, words []string) error { return t.connect(c, &o, words) },
		ValidArgsFunction: t.completeTargets,
	}
	t.connectionFlags(c, &o.link)
	c.Flags().Var(&o.wait, "wait", "after the end of standard input, disconnect after this time of silence; negative: when the device closes")
	c.Flags().Var(&o.eol, "eol", "translate line feeds to and from the line ends of the device: cr or crlf")
	c.Flags().StringVar(&o.exec, "exec", "", "run this `COMMAND` of the shell with the connection as its input and output")
	c.Flags().StringVar(&o.listenTCP, "listen-tcp", "", "accept TCP connections on this `PORT` of 127.0.0.1, or on host:port")
	tcpFlag(c, &o.link, "connect to TCP `host:port` instead of TARGET, to try without Bluetooth")
	for _, name := range []string{"wait", "exec", "listen-tcp"} {
		c.RegisterFlagCompletionFunc(name, cobra.NoFileCompletions)
	}
	c.RegisterFlagCompletionFunc("eol", cobra.FixedCompletions(eolNames, cobra.ShellCompDirectiveNoFileComp))
	return c
}

// checkWords checks the words of the command line.
func (o *connectOptions) checkWords(c *cobra.Command, words []string) error {
	if !c.Flags().Changed("tcp") {
		return oneWord("TARGET")(c, words)
	}
	if len(words) > 0 {
		return fmt.Errorf("--tcp replaces TARGET %q: use one of them", words[0])
	}
	return nil
}

// check returns an error if the flags do not fit together.
func (o *connectOptions) check(c *cobra.Command) error {
	given := c.Flags().Changed
	if given("exec") && given("listen-tcp") {
		return errors.New("--exec and --listen-tcp exclude each other")
	}
	if given("exec") && given("wait") {
		return errors.New("--wait is for standard input: with --exec, the end of the command ends the connection")
	}
	if given("eol") && (given("exec") || given("listen-tcp")) {
		return errors.New("--eol is for standard input and output: omit it, or --exec and --listen-tcp")
	}
	if given("exec") && o.exec == "" {
		return errors.New("--exec needs a command")
	}
	if given("listen-tcp") {
		if _, err := listenAddress(o.listenTCP); err != nil {
			return err
		}
	}
	return o.checkTCP(c, "adapter", "channel", "security")
}

// connect runs the command "connect".
func (t *tool) connect(c *cobra.Command, o *connectOptions, words []string) error {
	if err := o.check(c); err != nil {
		return usageError{fmt.Errorf("%w (see rfcommctl connect --help)", err)}
	}
	if o.exec != "" && !c.Flags().Changed("security") {
		o.security = security(rfcomm.SecurityMedium)
	}
	ctx := c.Context()
	dial, err := t.dialing(ctx, &o.link, strings.Join(words, ""))
	if err != nil {
		return err
	}
	if o.listenTCP != "" {
		return t.bridge(ctx, o, dial)
	}
	conn, err := dial(ctx)
	if err != nil {
		return err
	}
	t.note("Connected to %s from %s", conn.RemoteAddr(), conn.LocalAddr())
	if o.exec != "" {
		return t.runWith(ctx, conn, o.exec)
	}
	return t.connectStandard(ctx, conn, o)
}

// A connectFunc returns a new connection.
type connectFunc func(context.Context) (net.Conn, error)

// dialing returns a function that connects to a target or, with --tcp, over TCP.
// The name of a device is looked up once.
func (t *tool) dialing(ctx context.Context, l *link, word string) (connectFunc, error) {
	if l.tcp != "" {
		return overTCP(l.tcp, time.Duration(l.timeout.duration))
	}
	device, s, err := t.targetOf(ctx, l, word)
	if err != nil {
		return nil, err
	}
	d, err := t.dialer(l)
	t.detail("connecting to %s", word)
	return func(ctx context.Context) (net.Conn, error) {
		conn, err := t.dial(ctx, d, device, s)
		if s.channel == 0 && listsNothing(err) {
			err = fmt.Errorf("%w; simple devices often use channel 1: try %s/1", err, device)
		}
		return conn, err
	}, err
}

// targetOf returns the device and the service of a target, with --channel. Without
// a service, it is the usual one of the command.
func (t *tool) targetOf(ctx context.Context, l *link, word string) (rfcomm.BDAddr, service, error) {
	device, s, err := t.resolve(ctx, l, word)
	switch {
	case err != nil:
		return device, s, err
	case l.channel != 0 && !s.isZero():
		return device, s, usageError{fmt.Errorf("TARGET %s has a service: omit it or --channel", word)}
	case l.channel != 0:
		s = service{channel: int(l.channel)}
	case s.isZero():
		s = cmp.Or(l.usual, service{uuid: sdp.SerialPort})
	}
	return device, s, nil
}

// listsNothing reports whether an error means that a device has no service
// discovery server, or that its server has no records.
func listsNothing(err error) bool {
	if missing, ok := errors.AsType[*sdp.NotFoundError](err); ok {
		return len(missing.Offered) == 0
	}
	failed, ok := errors.AsType[*net.OpError](err)
	return ok && failed.Net == "l2cap" && errors.Is(err, syscall.ECONNREFUSED)
}

// connectStandard copies between a connection and the standard streams.
func (t *tool) connectStandard(ctx context.Context, conn net.Conn, o *connectOptions) error {
	return t.copyStandard(ctx, &copier{
		conn:    conn,
		in:      o.eol.reader(t.stdin),
		out:     o.eol.writer(t.stdout),
		wait:    time.Duration(o.wait),
		unsent:  unsent(conn),
		finite:  isFile(t.stdin),
		outGone: t.stdout.readerGone(),
	})
}

// copyStandard runs a copier and prints the details.
func (t *tool) copyStandard(ctx context.Context, cp *copier) error {
	err := cp.run(ctx)
	t.detail("sent %d bytes, received %d", cp.sent.Load(), cp.received.Load())
	if err == nil && cp.confirmed {
		t.detail("everything was received")
	}
	return err
}

// isFile reports whether a stream is a regular file, which ends without a
// person's or a program's doing.
func isFile(stream io.Reader) bool {
	file, ok := stream.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode().IsRegular()
}
