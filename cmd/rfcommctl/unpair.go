package main

import (
	"github.com/spf13/cobra"
)

// unpairCommand returns the command "unpair".
func (t *tool) unpairCommand() *cobra.Command {
	var l link
	c := &cobra.Command{
		Use:     "unpair DEVICE [FLAGS]",
		Short:   "Remove a device and its key",
		Long:    `Removes a device and its key from bluetoothd, on all adapters or on that of --adapter. Its connections end. The device keeps its own key, and connections that need it fail until it has removed the pairing, too.`,
		Example: "\trfcommctl unpair 01:23:45:67:89:AB",
		Args:    oneWord("DEVICE"),
		RunE: func(c *cobra.Command, words []string) error {
			adapter, device, err := t.resolveKnown(c, &l, words[0])
			if err != nil {
				return err
			}
			name := t.nameOf(c.Context(), device)
			if err := t.unpair(c.Context(), adapter, device); err != nil {
				return err
			}
			t.note("Removed %s", name)
			return nil
		},
		ValidArgsFunction: t.completeDevices(paired),
	}
	t.adapterFlag(c, &l)
	refuseTCP(c, "it removes the key of a Bluetooth device")
	return c
}
