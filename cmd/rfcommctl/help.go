package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// helpWidth is the width of help texts if standard output is not a terminal.
const helpWidth = 80

// helpCommand returns the command "help".
func (t *tool) helpCommand() *cobra.Command {
	c := &cobra.Command{
		Use:     "help [COMMAND]",
		Short:   "Print help for a command",
		Long:    `Prints the help text of a command, as its flag --help does, or that of rfcommctl, which lists the commands.`,
		Example: "\trfcommctl help\n\trfcommctl help connect",
		Args:    cobra.ArbitraryArgs,

		DisableFlagsInUseLine: true,

		ValidArgsFunction: func(c *cobra.Command, words []string, begun string) ([]string, cobra.ShellCompDirective) {
			var names []string
			for _, command := range c.Root().Commands() {
				if command.IsAvailableCommand() && len(words) == 0 && strings.HasPrefix(command.Name(), begun) {
					names = append(names, cobra.CompletionWithDesc(command.Name(), command.Short))
				}
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(c *cobra.Command, words []string) error {
			root := c.Root()
			command, rest, err := root.Find(words)
			if err == nil && len(rest) > 0 {
				err = unknownCommand(root, rest)
			}
			if err != nil {
				return usageError{err}
			}
			t.help(command)
			return t.stdout.err()
		},
	}
	refuseTCP(c, "it prints a text")
	return c
}

// help prints the help text of a command. Errors are kept by the output.
func (t *tool) help(c *cobra.Command) {
	width := t.columns
	if width == 0 {
		width = helpWidth
	}
	var b strings.Builder
	long := c.Long
	if long == "" {
		long = c.Short + "."
	}
	b.WriteString(wrapText(long, width))
	fmt.Fprintf(&b, "\nUsage:\n%s", wrapText("\t"+useLine(c), width))
	if c.HasExample() {
		fmt.Fprintf(&b, "\nExamples:\n%s", wrapText(c.Example, width))
	}
	if c.HasAvailableSubCommands() {
		fmt.Fprintf(&b, "\nCommands:\n%s", commandList(c, width))
	}
	if !c.HasParent() {
		fmt.Fprintf(&b, "\nExit status:\n%s", statusList())
	}
	c.InheritedFlags() // makes Flags include them
	c.Flags().SortFlags = false
	fmt.Fprintf(&b, "\nFlags:\n%s", c.Flags().FlagUsagesWrapped(width))
	fmt.Fprint(t.stdout, b.String())
}

// useLine returns the form of a command line.
func useLine(c *cobra.Command) string {
	if c.HasAvailableSubCommands() {
		return c.CommandPath() + " COMMAND [FLAGS]"
	}
	return c.UseLine()
}

// commandList returns a line for each command, or two if the terminal is narrow.
func commandList(c *cobra.Command, width int) string {
	var b strings.Builder
	for _, command := range listed(c) {
		const indent = 13
		name := fmt.Sprintf("  %-*s", indent-3, command.Name())
		b.WriteString(wrapWords(name, command.Short, width, indent) + "\n")
	}
	return b.String()
}

// statusList returns a line for each exit status.
func statusList() string {
	var b strings.Builder
	for _, s := range exitStatuses {
		fmt.Fprintf(&b, "  %-3s  %s\n", s.code, s.text)
	}
	return b.String()
}
