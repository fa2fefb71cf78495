package main

import (
	"context"
	"fmt"
	"path"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/serial"
)

// ttyJSON is the form of a node with --json.
type ttyJSON struct {
	Name    string         `json:"name"`
	ID      int            `json:"id"`
	Address rfcomm.BDAddr  `json:"address"`
	Channel int            `json:"channel"`
	Adapter *rfcomm.BDAddr `json:"adapter,omitempty"`
	State   string         `json:"state"`
	Open    bool           `json:"open"`
	Bound   bool           `json:"bound"`
}

// listTTYs prints the nodes of the kernel.
func (t *tool) listTTYs(asJSON bool) error {
	nodes, err := t.ttys()
	if err != nil {
		return err
	}
	for _, n := range nodes {
		if err := t.printTTY(n, asJSON); err != nil {
			return err
		}
	}
	if len(nodes) == 0 {
		t.note("There are no nodes.")
	}
	return nil
}

// printTTY prints one node.
func (t *tool) printTTY(n serial.DeviceInfo, asJSON bool) error {
	if asJSON {
		object := ttyJSON{n.Name, n.ID, n.Remote.Device, n.Remote.Channel, nil, n.State.String(), n.Open, n.Bound}
		if !n.Local.Device.IsZero() {
			object.Adapter = &n.Local.Device
		}
		return writeJSON(t.stdout, object)
	}
	state := n.State.String()
	if n.Open {
		state += ", open"
	}
	if n.Bound {
		state += ", bound"
	}
	if !n.Local.Device.IsZero() {
		state += fmt.Sprintf(", adapter %s", n.Local.Device)
	}
	_, err := fmt.Fprintf(t.stdout, "%-12s  %s/%-2d  %s\n", n.Name, n.Remote.Device, n.Remote.Channel, state)
	return err
}

// ttyNumber returns the number of a node: N of rfcommN, /dev/rfcommN or N.
func ttyNumber(name string) (int, error) {
	digits := strings.TrimPrefix(path.Base(name), "rfcomm")
	number, err := strconv.ParseUint(digits, 10, 15) // the kernel's id is an int16
	if dir := path.Dir(name); err != nil || dir != "." && dir != "/dev" {
		return 0, fmt.Errorf("invalid --release %q: use a name such as rfcomm0", name)
	}
	return int(number), nil
}

// releaseTTY removes a node.
func (t *tool) releaseTTY(name string) error {
	id, err := ttyNumber(name)
	if err != nil {
		return usageError{err}
	}
	return t.release(id)
}

// bindTTY makes a node for a target and prints its path.
func (t *tool) bindTTY(ctx context.Context, o *source, word string) error {
	o.limitDial()
	device, s, err := t.targetOf(ctx, &o.link, word)
	if err != nil {
		return err
	}
	local, err := t.adapterAddress(o.adapter)
	if err != nil {
		return err
	}
	channel, err := t.channelOf(ctx, o, device, s)
	if err != nil {
		return err
	}
	node, err := t.bind(-1, rfcomm.Addr{Device: local}, rfcomm.Addr{Device: device, Channel: channel})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(t.stdout, node.Name)
	return err
}

// channelOf returns the channel of a service of a device.
func (t *tool) channelOf(ctx context.Context, o *source, device rfcomm.BDAddr, s service) (int, error) {
	if s.channel != 0 {
		return s.channel, nil
	}
	dialer, err := t.dialer(&o.link)
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, dialer.Timeout)
	defer cancel()
	records, err := t.search(ctx, dialer, device, s.uuid)
	for _, record := range records {
		if channel, ok := record.Channel(); ok {
			return channel, nil
		}
	}
	if err == nil {
		err = noServices(device, s)
	}
	return 0, err
}

// completeTTYs completes the names of nodes.
func (t *tool) completeTTYs(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	nodes, err := t.ttys()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []string
	for _, n := range nodes {
		names = append(names, cobra.CompletionWithDesc(path.Base(n.Name), n.Remote.Device.String()))
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}
