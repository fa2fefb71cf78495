package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/go-rfcomm/rfcomm/cmd/rfcommctl/internal/speed"
	"github.com/go-rfcomm/rfcomm/sdp"
)

// speedChannel is the default channel of the speed server. That of the file server
// is 20.
const speedChannel = 21

// speedService is the service in the record of a speed server.
var speedService = sdp.UUID{0x5c, 0x9e, 0x4d, 0x0a, 0x6c, 0x1f, 0x4a, 0x67, 0x9d, 0x2e, 0x1f, 0x2f, 0x8a, 0x3b, 0x7c, 0x21}

// speedOptions are the flags of the command "speed".
type speedOptions struct {
	serving
	serve     bool
	duration  duration // 0: until it is interrupted
	interval  timeout
	direction direction
	echo      bool
	keep      bool
	json      bool
}

// A direction is the value of the flag --direction.
type direction string

// directions are the values of the flag.
var directions = []string{"send", "receive", "both"}

func (d *direction) String() string { return string(*d) }

func (d *direction) Type() string { return "DIRECTION" }

func (d *direction) Set(text string) error {
	if !slices.Contains(directions, text) {
		return errors.New("use send, receive or both")
	}
	*d = direction(text)
	return nil
}

const speedHelp = `Measures a connection to "rfcommctl speed --serve", which runs on the other machine: the round trip, and the throughput of each direction and of both at once, one after the other. The receiver counts, so that data in queues does not. On a terminal, a graph shows the throughput, and at the end, or at Ctrl-C, there is a summary.

Without a service, TARGET means channel 21, the default channel of the server. A published server is also found by ADDRESS/5c9e4d0a-6c1f-4a67-9d2e-1f2f8a3b7c21.

The share is that of the ceiling: the payload of an ideal radio with the longest packets that both adapters have. It is 2178 kbit/s with 3-DH5, 1449 with 2-DH5 and 723 with DH5 one way, and 2614, 1738 and 868 for the sum of both ways. The kernel does not say which packets a link uses: on a bad radio, they can be shorter.

RSSI is the strength of the received signal in dB below (negative) or above the range that suits the receiver, and 0 within it; some controllers report dBm. The link quality is from 0 to 255, the best, and each manufacturer computes it differently.

To test the range, let it run with -t 0 --keep, walk away, and look at the graph: with --keep, a lost connection is made again, and the graph shows the gap as x. With -v, there is a line for each interval on standard error, also on a pipe.

With --echo, the other end is a service that returns all data, such as the example echo. Do not use it with devices that act on data. All data crosses the air twice, so the figures are those of both directions at once.

The server serves several clients at the same time, and every device in range, without pairing, unless --security is given.

` + speedJSONHelp

const speedJSONHelp = `With --json, each line is an object with the fields type and seconds (since the beginning). The type "interval" has the field test (send, receive, both or echo) and, as far as they are measured, the objects send and receive with bytes, seconds, kbit_per_s and share, and rssi and link_quality. The type "lost" is a lost connection with a reason, "gap" an interval without a connection, and "connected" a connection with the field peer. The last line has the type "summary" with the objects round_trip (count, min_ms, median_ms, p95_ms, max_ms), send, receive and echo (as in intervals), both (send, receive, kbit_per_s, share), ceiling (packets, one_way_kbit_per_s, both_ways_kbit_per_s, and assumed, if the packets of one end are not known), rssi and link_quality (min, max), and the number of losses. What was not measured is missing. A share is a number from 0 to 1, and in intervals of both directions it is missing.`

// speedCommand returns the command "speed".
func (t *tool) speedCommand() *cobra.Command {
	o := speedOptions{duration: duration(10 * time.Second), interval: timeout{duration(time.Second)}}
	c := &cobra.Command{
		Use:   "speed TARGET|--serve [FLAGS]",
		Short: "Measure throughput and round trips",
		Long:  speedHelp,
		Example: `	rfcommctl speed --serve
	rfcommctl speed 01:23:45:67:89:AB
	rfcommctl speed 01:23:45:67:89:AB -t 0 --keep --direction receive`,
		Args: o.checkWords,
		RunE: func(c *cobra.Command, words []string) error {
			if err := o.check(c); err != nil {
				return usageError{fmt.Errorf("%w (see rfcommctl speed --help)", err)}
			}
			if o.serve {
				return t.serveSpeed(c.Context(), &o)
			}
			return t.measureSpeed(c.Context(), &o, strings.Join(words, ""))
		},
		ValidArgsFunction: t.completeTargets,
	}
	t.speedFlags(c, &o)
	return c
}

// speedFlags adds the flags of the command "speed".
func (t *tool) speedFlags(c *cobra.Command, o *speedOptions) {
	flags := c.Flags()
	flags.BoolVar(&o.serve, "serve", false, "be the server for another machine")
	flags.StringVar(&o.publish, "publish", "", "with --serve: publish a service record with this `NAME`")
	flags.VarP(&o.duration, "duration", "t", "duration of the test; 0: until Ctrl-C")
	flags.Var(&o.direction, "direction", "measure one direction, send or receive, or both at once (default all in turn, and both at once with -t 0)")
	flags.Var(&o.interval, "interval", "time between two figures")
	flags.BoolVar(&o.keep, "keep", false, "connect again when the connection is lost")
	flags.BoolVar(&o.echo, "echo", false, "measure a service that returns all data")
	flags.BoolVar(&o.json, "json", false, "print a JSON object for each interval, and a summary")
	t.adapterFlag(c, &o.link)
	o.timeout = timeout{duration(dialTimeout)}
	flags.Var(&o.timeout, "timeout", "give up connecting after this time")
	flags.Var(&o.channel, "channel", "connect to, or listen on, RFCOMM channel N, 1 to 30 (default 21)")
	securityFlag(c, &o.link)
	tcpFlag(c, &o.link, "use TCP `host:port` instead of Bluetooth, to try without")
	for _, name := range []string{"publish", "duration", "interval", "timeout", "channel"} {
		c.RegisterFlagCompletionFunc(name, cobra.NoFileCompletions)
	}
	c.RegisterFlagCompletionFunc("direction", cobra.FixedCompletions(directions, cobra.ShellCompDirectiveNoFileComp))
}

// checkWords checks the words of the command line.
func (o *speedOptions) checkWords(c *cobra.Command, words []string) error {
	switch {
	case o.serve && len(words) > 0:
		return wordInPlaceOf("serve", words)
	case o.serve:
		return nil
	case c.Flags().Changed("tcp"):
		return wordInPlaceOf("tcp", words)
	case len(words) == 0:
		return errors.New("TARGET is missing: use the address of a device, or be the server with --serve")
	}
	return noWords(c, words[1:])
}

// Limits of the flag --interval.
const (
	minInterval = 100 * time.Millisecond
	maxInterval = time.Minute
)

// check returns an error if the flags do not fit together.
func (o *speedOptions) check(c *cobra.Command) error {
	given := c.Flags().Changed
	interval := time.Duration(o.interval.duration)
	switch {
	case !o.serve && given("publish"):
		return errors.New("--publish is for the server: add --serve")
	case o.duration < 0:
		return fmt.Errorf("invalid --duration %s: use a time such as 30s, or 0 for no limit", o.duration.String())
	case interval < minInterval || interval > maxInterval:
		return fmt.Errorf("invalid --interval %s: use a time from %s to %s", interval, minInterval, maxInterval)
	case o.echo && given("direction"):
		return errors.New("--echo and --direction exclude each other: all data comes back")
	}
	if o.serve {
		for _, name := range []string{"duration", "direction", "interval", "keep", "echo", "json", "timeout"} {
			if given(name) {
				return fmt.Errorf("--%s is for the client, and --serve for the server", name)
			}
		}
	}
	return o.serving.check(c)
}

// dialSpeed returns a function that connects to the other end.
func (t *tool) dialSpeed(ctx context.Context, o *speedOptions, word string) (connectFunc, error) {
	if !o.echo {
		o.usual = service{channel: speedChannel}
	}
	dial, err := t.dialing(ctx, &o.link, word)
	if err != nil || o.echo {
		return dial, err
	}
	return func(ctx context.Context) (net.Conn, error) {
		conn, err := dial(ctx)
		if errors.Is(err, syscall.ECONNREFUSED) {
			err = fmt.Errorf("%w; run \"rfcommctl speed --serve\" on the other machine", err)
		}
		return conn, err
	}, nil
}

// noSpeedServer returns an error with the remedy if the other end is not a speed
// server or echo service.
func noSpeedServer(err error) error {
	switch {
	case errors.Is(err, speed.ErrNoServer):
		return notFoundError{fmt.Errorf("%w: run \"rfcommctl speed --serve\" there, or measure an echo service with --echo", err)}
	case errors.Is(err, speed.ErrNoEcho):
		return notFoundError{fmt.Errorf("%w: run \"rfcommctl speed --serve\" there, and omit --echo", err)}
	}
	return err
}
