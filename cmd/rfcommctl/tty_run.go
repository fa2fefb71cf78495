package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/spf13/cobra"

	"github.com/go-rfcomm/rfcomm/serial"
)

// A device is a [serial.Device].
type device interface {
	Name() string
	Kind() serial.Kind
	Wait() error
	Close() error
	Stats() serial.Stats
}

// A deviceFunc opens a device, as serial.Open does.
type deviceFunc func(ctx context.Context, o *serial.DeviceOptions) (device, error)

// openDevice is the openDevice of newTool.
func openDevice(ctx context.Context, o *serial.DeviceOptions) (device, error) {
	d, err := serial.Open(ctx, o)
	if err != nil {
		return nil, err // not a nil *serial.Device
	}
	return d, nil
}

// runTTY runs the command "tty".
func (t *tool) runTTY(c *cobra.Command, o *ttyOptions, words []string) error {
	if err := o.check(c); err != nil {
		return usageError{fmt.Errorf("%w (see rfcommctl tty --help)", err)}
	}
	word := strings.Join(words, "")
	switch {
	case o.list:
		return t.listTTYs(o.json)
	case o.release != "":
		return t.releaseTTY(o.release)
	case o.bind:
		return t.bindTTY(c.Context(), &o.source, word)
	}
	connect, closeListener, err := t.ttyConnect(c, &o.source, word)
	if err != nil {
		return err
	}
	defer closeListener()
	opened := closeListener
	if o.keep {
		opened = func() {}
	}
	return t.offer(c.Context(), opened, &serial.DeviceOptions{
		Connect: connect,
		Kind:    o.kind(),
		Link:    o.path,
		Mode:    fs.FileMode(o.mode),
		Hold:    int(o.hold),
		Keep:    o.keep,
		Report:  t.reporter(c, &o.source),
	})
}

// ttyConnect returns a function that dials or accepts, and one that closes the
// listener, if there is one.
func (t *tool) ttyConnect(c *cobra.Command, o *source, word string) (connect connectFunc, closeListener func(), err error) {
	if !o.accepts(c) {
		connect, err = t.dialed(c.Context(), o, word)
		return connect, func() {}, err
	}
	a, err := t.acceptor(c, o)
	if err != nil {
		return nil, nil, err
	}
	return a.connect, func() { a.Close() }, nil
}

// offer opens a device, calls opened, prints the path, and waits for the end of
// the device or of the context. To open a device can take two connections, if the
// first one cannot become a node of the kernel.
func (t *tool) offer(ctx context.Context, opened func(), o *serial.DeviceOptions) error {
	d, err := t.openDevice(ctx, o)
	if err != nil {
		return err
	}
	opened()
	defer d.Close()
	defer context.AfterFunc(ctx, func() { d.Close() })()
	if _, err := fmt.Fprintln(t.stdout, d.Name()); err != nil && err != errReaderGone {
		return err // a script may read the path alone
	}
	err = d.Wait()
	if stats := d.Stats(); d.Kind() == serial.PTY {
		t.detail("sent %d bytes, received %d", stats.Sent, stats.Received)
	}
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, io.EOF):
		return nil // the device has closed the connection
	}
	return err
}
