package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/sdp"
)

// The forms in which services are printed.
type serviceForm struct{ xml, json bool }

// servicesCommand returns the command "services".
func (t *tool) servicesCommand() *cobra.Command {
	var l link
	var form serviceForm
	c := &cobra.Command{
		Use:   "services DEVICE[/UUID] [FLAGS]",
		Short: "List the services of a device",
		Long: `Lists the service records of a device, or those that contain a UUID. DEVICE is an address or the name of a recently found device. Devices answer without pairing. With -v, all attributes are printed.

With --xml, each record is a document in the form of "sdptool browse --xml" and bluetoothd. With --json, each record is an object in a line of its own; see the documentation of sdp.Record.MarshalJSON.`,
		Example: "\trfcommctl services 01:23:45:67:89:AB\n\trfcommctl services 01:23:45:67:89:AB/spp --json",
		Args:    oneWord("DEVICE"),
		RunE: func(c *cobra.Command, words []string) error {
			return t.listServices(c.Context(), &l, words[0], form)
		},
		ValidArgsFunction: t.completeTargets,
	}
	timeoutFlag(c, &l, 30*time.Second, "give up after this time")
	t.adapterFlag(c, &l)
	c.Flags().BoolVar(&form.json, "json", false, "print a JSON object for each record")
	c.Flags().BoolVar(&form.xml, "xml", false, "print an XML document for each record")
	refuseTCP(c, "service records are exchanged over Bluetooth only")
	return c
}

// oneWord returns a check for commands that take one word.
func oneWord(name string) cobra.PositionalArgs {
	return func(c *cobra.Command, words []string) error {
		if len(words) == 0 {
			return fmt.Errorf("%s is missing: use an address, such as 01:23:45:67:89:AB, or the name of a recently found device", name)
		}
		return noWords(c, words[1:])
	}
}

// listServices prints the records of a device.
func (t *tool) listServices(ctx context.Context, l *link, word string, form serviceForm) error {
	if form.xml && form.json {
		return usageError{errors.New("--xml and --json exclude each other")}
	}
	device, s, err := t.resolve(ctx, l, word)
	if err != nil {
		return err
	}
	if s.channel != 0 {
		return usageError{fmt.Errorf("%s has a channel: services takes a device, or a device and a UUID", word)}
	}
	dialer, err := t.dialer(l)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, dialer.Timeout)
	defer cancel()
	t.detail("asking %s for its services", device)
	records, err := t.search(ctx, dialer, device, s.uuids()...)
	if err == nil && len(records) == 0 {
		err = noServices(device, s)
	}
	for i, record := range records { // a malformed answer can have some, too
		if err := t.printRecord(record, form, i > 0); err != nil {
			return err
		}
	}
	return err
}

// noServices returns the error for a device that answers without records.
func noServices(device rfcomm.BDAddr, s service) error {
	if s.isZero() {
		return notFoundError{fmt.Errorf("%s answers, but lists no services", device)}
	}
	return notFoundError{fmt.Errorf("%s has no service %s: \"rfcommctl services %s\" lists those that it has", device, uuidText(s.uuid), device)}
}

// uuids returns the UUID of a service, or nothing if it has none.
func (s service) uuids() []sdp.UUID {
	if s.uuid == (sdp.UUID{}) {
		return nil
	}
	return []sdp.UUID{s.uuid}
}

// printRecord prints one record. Texts are separated by empty lines.
func (t *tool) printRecord(record *sdp.Record, form serviceForm, further bool) error {
	switch {
	case form.json:
		return writeJSON(t.stdout, record)
	case form.xml:
		_, err := fmt.Fprintln(t.stdout, trimLines(record.XML()))
		return err
	}
	text := recordText(record, t.verbose)
	if further {
		text = "\n" + text
	}
	_, err := fmt.Fprint(t.stdout, text)
	return err
}
