package main

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
)

// execute parses the arguments and runs a command. Errors of the command line
// are usage errors.
func (t *tool) execute(ctx context.Context, arguments []string) error {
	root, running := t.rootCommand()
	root.SetArgs(arguments)
	command, err := root.ExecuteContextC(ctx)
	if err == nil {
		err = t.stdout.err() // of a text that package cobra wrote
	}
	if err == nil || *running || t.stdout.err() != nil {
		return err
	}
	hint := singleDash(command, arguments)
	return usageError{fmt.Errorf("%w%s (see %s --help)", err, hint, command.CommandPath())}
}

const rootHelp = `Rfcommctl finds Bluetooth devices and their services, pairs with them, connects to them, and transfers files. It needs no root, except for tty --bind. Only pair, unpair, trust, --publish and the changes of adapters need the daemon bluetoothd.

TARGET is the address of a device, as printed by "rfcommctl scan", with the service after a slash: a channel, a name or a UUID. The name of a device that is paired or was found in the last 7 days works, too.

	01:23:45:67:89:AB/20
	01-23-45-67-89-ab/spp
	"Front desk printer/spp"
	01:23:45:67:89:AB/00001101-0000-1000-8000-00805f9b34fb`

// exitStatuses are the exit statuses and their meaning.
var exitStatuses = []struct{ code, text string }{
	{"0", "success"},
	{"1", "another error"},
	{"2", "wrong usage"},
	{"3", "not found, or not in range"},
	{"4", "busy or timed out: try again"},
	{"5", "refused, no permission or pairing"},
	{"130", "interrupted by Ctrl-C"},
}

// rootCommand returns the program's command. The variable that running points
// to is true once the arguments have been parsed.
func (t *tool) rootCommand() (root *cobra.Command, running *bool) {
	running = new(bool)
	root = &cobra.Command{
		Use:               "rfcommctl",
		Short:             "Work with Bluetooth devices that have serial ports (RFCOMM)",
		Long:              rootHelp,
		Version:           version(debug.ReadBuildInfo()),
		Args:              unknownCommand,
		RunE:              missingCommand,
		SilenceErrors:     true,
		SilenceUsage:      true,
		PersistentPreRunE: func(*cobra.Command, []string) error { *running = true; return nil },
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},

		SuggestionsMinimumDistance: 2,
		DisableFlagsInUseLine:      true,
	}
	root.SetIn(t.stdin)
	root.SetOut(t.stdout)
	root.SetErr(t.stderr)
	root.SetVersionTemplate("{{.Version}}\n")
	root.SetHelpFunc(func(c *cobra.Command, _ []string) { t.help(c) })
	root.SetHelpCommand(t.helpCommand())

	flags := root.PersistentFlags()
	flags.SortFlags = false
	flags.BoolVarP(&t.quiet, "quiet", "q", false, "print errors only")
	flags.BoolVarP(&t.verbose, "verbose", "v", false, "print details on standard error")
	flags.Bool("help", false, "print this text")
	flags.Bool("version", false, "print the version")
	root.AddCommand(t.adaptersCommand(), t.scanCommand(), t.pairCommand(), t.unpairCommand(), t.trustCommand(),
		t.servicesCommand(), t.connectCommand(), t.listenCommand(), t.ttyCommand(), t.relayCommand(),
		t.serveCommand(), t.getCommand(), t.putCommand(), t.lsCommand(), t.statCommand(), t.speedCommand(), t.doctorCommand(),
		t.demoCommand(), t.completionCommand(), t.manCommand())
	for _, c := range root.Commands() {
		c.DisableFlagsInUseLine = true
		c.Version = root.Version
		c.SetVersionTemplate(root.VersionTemplate())
	}
	return root, running
}

// unknownCommand returns an error for words that are not a command.
func unknownCommand(root *cobra.Command, words []string) error {
	if len(words) == 0 {
		return nil
	}
	text := fmt.Sprintf("unknown command %q", words[0])
	if similar := root.SuggestionsFor(words[0]); len(similar) > 0 {
		text += ": did you mean " + strings.Join(similar, " or ") + "?"
	}
	return errors.New(text)
}

// missingCommand returns an error that lists the commands.
func missingCommand(root *cobra.Command, _ []string) error {
	var names []string
	for _, c := range root.Commands() {
		if c.IsAvailableCommand() {
			names = append(names, c.Name())
		}
	}
	return usageError{fmt.Errorf("a command is missing: %s (see rfcommctl --help)", strings.Join(names, ", "))}
}

// singleDash returns a hint for a long flag with one dash, which package pflag
// takes for several flags of one letter.
func singleDash(c *cobra.Command, arguments []string) string {
	for _, argument := range arguments {
		name, one := strings.CutPrefix(argument, "-")
		name, _, _ = strings.Cut(name, "=")
		if argument == "--" {
			break
		}
		if one && len(name) > 1 && c.Flag(name) != nil {
			return ": use two dashes, as in --" + name
		}
	}
	return ""
}
