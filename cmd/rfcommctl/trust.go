package main

import (
	"github.com/spf13/cobra"
)

// trustCommand returns the command "trust".
func (t *tool) trustCommand() *cobra.Command {
	var l link
	var off bool
	c := &cobra.Command{
		Use:   "trust DEVICE [FLAGS]",
		Short: "Let a device connect without a question",
		Long: `Lets a device connect to the services of bluetoothd without a question to a person, on all adapters that know it or on that of --adapter. Pair with it first: bluetoothd forgets other devices after half a minute.

Programs that listen by themselves, such as "rfcommctl listen", do not ask whether a device is trusted. They decide by --security and, with --exec, by the pairing.`,
		Example: "\trfcommctl trust 01:23:45:67:89:AB\n\trfcommctl trust Phone --off",
		Args:    oneWord("DEVICE"),
		RunE: func(c *cobra.Command, words []string) error {
			adapter, device, err := t.resolveKnown(c, &l, words[0])
			if err != nil {
				return err
			}
			return t.trust(c.Context(), adapter, device, !off)
		},
		ValidArgsFunction: t.completeDevices(paired),
	}
	c.Flags().BoolVar(&off, "off", false, "ask again, if there is an agent")
	t.adapterFlag(c, &l)
	refuseTCP(c, "it is about Bluetooth devices")
	return c
}
