package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/go-rfcomm/rfcomm/serial"
)

// A reporter prints the events of a device or a relay.
type reporter struct {
	t         *tool
	keep      bool   // another connection follows
	accepted  bool   // connections are printed by waitFor
	connected bool   // at least once
	retrying  string // the last reason for another attempt
	name      string // of the device
}

// reporter returns a function that prints the events of connections.
func (t *tool) reporter(c *cobra.Command, o *source) func(serial.Event) {
	r := &reporter{t: t, keep: o.keep, accepted: o.accepts(c)}
	return r.report
}

// report prints an event.
func (r *reporter) report(e serial.Event) {
	if _, ok := errors.AsType[signalError](e.Err); ok {
		e.Err = nil // run prints it
	}
	switch e.State {
	case serial.StateOpen:
		r.opened(e)
	case serial.StateConnected:
		r.connectedTo(e)
	case serial.StateDisconnected:
		if r.keep && e.Err != nil {
			r.t.warn("%s", ended(e.Err))
			r.retrying = ended(e.Err)
		}
	case serial.StateRetrying:
		r.retryingIn(e)
	case serial.StateDiscarding:
		if e.Kind == serial.Auto { // of a relay
			r.t.warn("there is no connection: what the port sends is discarded")
		} else {
			r.t.warn("there is no connection: what programs write to the port is discarded (see --hold)")
		}
	case serial.StatePortLost:
		r.portLost(e)
	case serial.StateClosed:
		r.discarded(e.Discarded)
	}
}

// portLost prints why a port has ended. It prints nothing if that is the error of
// the command: all but the end of the input, unless there is --keep.
func (r *reporter) portLost(e serial.Event) {
	if r.keep || errors.Is(e.Err, io.EOF) {
		r.t.warn("port %s: %v", e.Name, e.Err)
		r.retrying = ended(e.Err)
	}
}

// opened prints the event that a device or a port is open.
func (r *reporter) opened(e serial.Event) {
	before := r.name
	r.name = e.Name
	switch {
	case e.Kind == serial.Auto:
		r.t.detail("port %s is open", e.Name)
	case before != "" && before != e.Name:
		r.t.warn("the port is %s now", e.Name)
	case before == "":
		r.t.note("%s is %s", e.Name, kindText(e))
	}
}

// kindText returns a text about the kind of a device.
func kindText(e serial.Event) string {
	text := "a node of the kernel"
	if e.Kind == serial.PTY {
		text = "a pty"
	}
	if e.Node != e.Name {
		text += " (" + e.Node + ")"
	}
	if e.Reason != "" {
		text += ": " + e.Reason
	}
	return text
}

// connectedTo prints a connection. A later one is news for a log as well.
func (r *reporter) connectedTo(e serial.Event) {
	r.discarded(e.Discarded)
	switch {
	case r.accepted:
	case !r.connected:
		r.t.note("Connected to %s", e.Remote)
	default:
		r.t.warn("connected again to %s", e.Remote)
	}
	r.connected, r.retrying = true, ""
}

// retryingIn prints the reason for another attempt, unless it is the last one.
func (r *reporter) retryingIn(e serial.Event) {
	text := ended(e.Err)
	if text != r.retrying {
		r.t.warn("%s; trying again", text)
		r.retrying = text
	}
	r.t.detail("next attempt in %s", e.Delay)
}

// discarded prints the number of discarded bytes.
func (r *reporter) discarded(n int64) {
	if n > 0 {
		r.t.warn("%d bytes were discarded while there was no connection", n)
	}
}

// ended returns a text for the end of a connection.
func ended(err error) string {
	if err == nil || errors.Is(err, io.EOF) {
		return "the device closed the connection"
	}
	return fmt.Sprint(err)
}
