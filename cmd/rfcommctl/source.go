package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// A source holds the flags of commands that either connect to a target or accept
// connections: one or, with --keep, one after the other.
type source struct {
	serving
	listen bool
	keep   bool
}

// sourceFlags adds the flags of a source.
func (t *tool) sourceFlags(c *cobra.Command, o *source) {
	flags := c.Flags()
	flags.BoolVar(&o.listen, "listen", false, "accept a connection instead of connecting to TARGET")
	flags.StringVar(&o.publish, "publish", "", "accept a connection, and publish a service record with this `NAME`")
	flags.BoolVar(&o.keep, "keep", false, "connect, or accept, again when the connection has ended")
	t.adapterFlag(c, &o.link)
	timeoutFlag(c, &o.link, 0, "give up connecting, or waiting for a device, after this time (default 30s for connecting)")
	flags.Var(&o.channel, "channel", "connect to, or listen on, RFCOMM channel N, 1 to 30")
	securityFlag(c, &o.link)
	tcpFlag(c, &o.link, "use TCP `host:port` instead of Bluetooth, to try without")
	for _, name := range []string{"publish", "channel"} {
		c.RegisterFlagCompletionFunc(name, cobra.NoFileCompletions)
	}
}

// accepts reports whether connections are accepted.
func (o *source) accepts(c *cobra.Command) bool { return o.listen || c.Flags().Changed("publish") }

// inPlaceOfTarget returns the flag that replaces TARGET, or "".
func (o *source) inPlaceOfTarget(c *cobra.Command) string {
	for _, name := range []string{"publish", "listen", "tcp"} {
		if c.Flags().Changed(name) && (name != "listen" || o.listen) {
			return name
		}
	}
	return ""
}

// checkWords checks the word TARGET of the command line.
func (o *source) checkWords(c *cobra.Command, words []string) error {
	if name := o.inPlaceOfTarget(c); name != "" {
		return wordInPlaceOf(name, words)
	}
	return oneWord("TARGET")(c, words)
}

// wordInPlaceOf returns an error for a word that a flag replaces.
func wordInPlaceOf(flag string, words []string) error {
	if len(words) > 0 {
		return fmt.Errorf("--%s replaces TARGET %q: use one of them", flag, words[0])
	}
	return nil
}

// onlyFlags returns an error for a flag that has no meaning beside the first of
// some flags.
func onlyFlags(c *cobra.Command, names []string) error {
	var err error
	c.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) {
		if f.Changed && !slices.Contains(names, f.Name) && err == nil {
			err = fmt.Errorf("--%s and --%s exclude each other", names[0], f.Name)
		}
	})
	return err
}

// limitDial sets the default of --timeout for connecting. To wait for a device has
// no limit.
func (o *source) limitDial() {
	if o.timeout.duration == 0 {
		o.timeout.duration = duration(dialTimeout)
	}
}

// dialed returns a function that connects to the target.
func (t *tool) dialed(ctx context.Context, o *source, word string) (connectFunc, error) {
	o.limitDial()
	return t.dialing(ctx, &o.link, word)
}

// An acceptor is a listener with a connectFunc.
type acceptor struct {
	net.Listener
	t     *tool
	limit time.Duration // of each call, or 0
}

// acceptor listens as the flags demand. Unless the flag --security is given, it
// serves bonded devices over encrypted links.
func (t *tool) acceptor(c *cobra.Command, o *source) (*acceptor, error) {
	l, err := t.accepting(c.Context(), &o.serving, !c.Flags().Changed("security"))
	if err != nil {
		return nil, err
	}
	return &acceptor{l, t, time.Duration(o.timeout.duration)}, nil
}

// connect accepts the next connection.
func (a *acceptor) connect(ctx context.Context) (net.Conn, error) {
	conn, err := a.t.waitFor(ctx, a.Listener, a.limit)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = closedError{err}
	}
	return conn, err
}

// connectOnce accepts a connection and closes the listener.
func (a *acceptor) connectOnce(ctx context.Context) (net.Conn, error) {
	defer a.Close()
	return a.connect(ctx)
}

// A closedError is an error of Accept after which the listener is closed. It
// matches net.ErrClosed, so that it is not called again.
type closedError struct{ error }

func (e closedError) Unwrap() []error { return []error{e.error, net.ErrClosed} }
