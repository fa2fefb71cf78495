package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/inquiry"
)

// scanCommand returns the command "scan".
func (t *tool) scanCommand() *cobra.Command {
	var l link
	var asJSON bool
	c := &cobra.Command{
		Use:   "scan [FLAGS]",
		Short: "List the devices in range, as they are found",
		Long: `Lists the discoverable Bluetooth devices in range, without bluetoothd and without root: address, signal strength, name, and kind of device. A device is printed when its name is known. Devices that do not send their names are asked for them at the end, which can take longer than --timeout. The names are remembered for 7 days as targets of other commands.

Most devices are discoverable for a few minutes after a button was pressed or a menu opened. At other times, they can be reached by their address nevertheless.

With --json, each device is an object with the fields address, name, class (a number), kind (a text) and rssi (in dBm). Unknown ones are missing.`,
		Example: "\trfcommctl scan\n\trfcommctl scan -t 20s --json",
		Args:    noWords,
		RunE: func(c *cobra.Command, _ []string) error {
			return t.printScan(c.Context(), &l, asJSON)
		},
	}
	timeoutFlag(c, &l, 8*time.Second, "scan for this time")
	t.adapterFlag(c, &l)
	c.Flags().BoolVar(&asJSON, "json", false, "print a JSON object for each device")
	refuseTCP(c, "it finds Bluetooth devices")
	return c
}

// printScan prints the devices in range as they are found.
func (t *tool) printScan(ctx context.Context, l *link, asJSON bool) error {
	limit := time.Duration(l.timeout.duration)
	if t.hasPower() {
		t.note("Scanning for %s …", limit)
	}
	found, err := t.scan(ctx, l, limit, func(d inquiry.Device) error { return t.printDevice(d, asJSON) })
	if err == nil && len(found) == 0 {
		t.warn("no device answered in %s: make the device discoverable, or scan for longer with -t", limit)
	}
	return err
}

// hasPower reports whether an adapter is powered on. Without one, a scan fails
// before it begins.
func (t *tool) hasPower() bool {
	adapters, _ := t.adapters()
	return slices.ContainsFunc(adapters, func(a rfcomm.Adapter) bool { return a.Up })
}

// scan finds devices for a time and calls print, if it is not nil, once for each:
// when its name is known or, if it has none, at the end. It adds the devices to
// the recently found ones, and returns them.
func (t *tool) scan(ctx context.Context, l *link, limit time.Duration, print func(inquiry.Device) error) ([]recentDevice, error) {
	adapter, err := t.adapterAddress(l.adapter)
	if err != nil {
		return nil, err
	}
	s := scanned{print: print, devices: make(map[rfcomm.BDAddr]*scannedDevice)}
	err = s.collect(t.inquire(ctx, &inquiry.Options{Adapter: adapter, Duration: limit}))
	found := s.recent(t.recent.now())
	if failed := t.recent.add(found); failed != nil {
		t.detail("cannot remember the devices: %v", failed)
	}
	return found, err
}

// deviceJSON is the form of a device with --json.
type deviceJSON struct {
	Address rfcomm.BDAddr `json:"address"`
	Name    string        `json:"name,omitempty"`
	Class   uint32        `json:"class,omitempty"`
	Kind    string        `json:"kind,omitempty"`
	RSSI    *int8         `json:"rssi,omitempty"`
}

// printDevice prints one device.
func (t *tool) printDevice(d inquiry.Device, asJSON bool) error {
	if asJSON {
		object := deviceJSON{d.Addr, d.Name, uint32(d.Class), kindOf(d.Class), nil}
		if d.RSSI != inquiry.RSSIUnknown {
			object.RSSI = (*int8)(&d.RSSI)
		}
		return writeJSON(t.stdout, object)
	}
	signal := ""
	if d.RSSI != inquiry.RSSIUnknown {
		signal = d.RSSI.String()
	}
	fields := []string{d.Addr.String(), fmt.Sprintf("%8s", signal)}
	if d.Name != "" {
		fields = append(fields, printable(d.Name))
	}
	if kind := kindOf(d.Class); kind != "" {
		fields = append(fields, "("+kind+")")
	}
	_, err := fmt.Fprintln(t.stdout, strings.TrimRight(strings.Join(fields, "  "), " "))
	return err
}

// kindOf returns a word for the kind of a device: its minor class if it is
// known, or its major class.
func kindOf(class inquiry.Class) string {
	if minor := class.Minor(); class == 0 || minor != "" {
		return minor
	}
	return class.Major()
}
