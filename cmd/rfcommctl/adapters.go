package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/go-rfcomm/rfcomm"
)

// errNoAdapter means that the kernel knows no adapter.
var errNoAdapter = notFoundError{errors.New("this machine has no Bluetooth adapter: " + noAdapterRemedy)}

const noAdapterRemedy = "plug one in, or load the driver of the built-in one (modprobe btusb); " +
	"in a virtual machine, pass the USB device through"

// adaptersCommand returns the command "adapters".
func (t *tool) adaptersCommand() *cobra.Command {
	var l link
	var asJSON bool
	var change adapterChange
	c := &cobra.Command{
		Use:   "adapters [FLAGS]",
		Short: "List the adapters and what keeps them from working; switch them on",
		Long: `Lists the Bluetooth adapters of this machine, with their address and state. "Connectable" means that paired and other devices can connect (page scan); "discoverable" means that a scan of another device finds the adapter (inquiry scan). Lines below an adapter name what keeps it from working, and the remedy.

With --power, --discoverable or --pairable, the state of one adapter is changed by bluetoothd, and then printed. If that is for a time, adapters waits, and restores the state at the end of the time or when it is interrupted. Pairing also needs an agent that answers questions, such as that of a desktop or of bluetoothctl.

With --json, each adapter is an object with the fields name, address, up, page_scan, inquiry_scan and problems, a list of texts.`,
		Example: "\trfcommctl adapters\n\trfcommctl adapters --json\n\trfcommctl adapters -i hci0 --power on --discoverable 3m",
		Args:    noWords,
		RunE: func(c *cobra.Command, _ []string) error {
			if change.given() {
				return t.changeAdapter(c.Context(), l.adapter, &change, asJSON)
			}
			return t.listAdapters(l.adapter, asJSON)
		},
	}
	t.adapterFlag(c, &l)
	change.flags(c)
	c.Flags().BoolVar(&asJSON, "json", false, "print a JSON object for each adapter")
	refuseTCP(c, "it lists Bluetooth adapters")
	return c
}

// noWords returns an error for words after a command that takes none.
func noWords(c *cobra.Command, words []string) error {
	if len(words) > 0 {
		return fmt.Errorf("unexpected word %q", words[0])
	}
	return nil
}

// adapterJSON is the form of an adapter with --json.
type adapterJSON struct {
	Name        string        `json:"name"`
	Address     rfcomm.BDAddr `json:"address"`
	Up          bool          `json:"up"`
	PageScan    bool          `json:"page_scan"`
	InquiryScan bool          `json:"inquiry_scan"`
	Problems    []string      `json:"problems"`
}

// listAdapters prints all adapters, or the one with the given name or address.
func (t *tool) listAdapters(name string, asJSON bool) error {
	adapters, err := t.adapters()
	if err != nil {
		return err
	}
	if len(adapters) == 0 {
		return errNoAdapter
	}
	if name != "" {
		one, err := findAdapter(adapters, name)
		if err != nil {
			return err
		}
		adapters = []rfcomm.Adapter{one}
	}
	for _, a := range adapters {
		if err := t.printAdapter(a, asJSON); err != nil {
			return err
		}
	}
	return nil
}

// printAdapter prints one adapter.
func (t *tool) printAdapter(a rfcomm.Adapter, asJSON bool) error {
	problems := t.adapterProblems(a)
	if asJSON {
		return writeJSON(t.stdout, adapterJSON{a.Name, a.Addr, a.Up, a.PageScan, a.InquiryScan, problems})
	}
	state := []string{"down"}
	if a.Up {
		state = []string{"up", not(a.PageScan, "connectable"), not(a.InquiryScan, "discoverable")}
	}
	if _, err := fmt.Fprintf(t.stdout, "%s  %s  %s\n", a.Name, a.Addr, strings.Join(state, ", ")); err != nil {
		return err
	}
	for _, problem := range problems {
		if _, err := fmt.Fprintf(t.stdout, "      %s\n", problem); err != nil {
			return err
		}
	}
	return nil
}

// not returns an adjective, with "not" before it if it does not apply.
func not(applies bool, adjective string) string {
	if applies {
		return adjective
	}
	return "not " + adjective
}
