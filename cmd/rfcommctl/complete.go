package main

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/go-rfcomm/rfcomm"
)

// completionCommand returns the command "completion".
func (t *tool) completionCommand() *cobra.Command {
	shells := []string{"bash", "zsh", "fish"}
	c := &cobra.Command{
		Use:   "completion bash|zsh|fish",
		Short: "Print completions for a shell",
		Long: `Prints a script that makes a shell complete commands, flags, adapters, and the addresses and names of paired and recently found devices. To load it in the current shell:

	source <(rfcommctl completion bash)
	source <(rfcommctl completion zsh)
	rfcommctl completion fish | source

Bash needs the package bash-completion. To load the script in each new shell, write it to a file:

	bash: ~/.local/share/bash-completion/completions/rfcommctl
	zsh: _rfcommctl, in a directory of $fpath
	fish: ~/.config/fish/completions/rfcommctl.fish`,
		Example:   "\trfcommctl completion bash > ~/.local/share/bash-completion/completions/rfcommctl",
		ValidArgs: shells,
		Args: func(_ *cobra.Command, words []string) error {
			if len(words) != 1 || !slices.Contains(shells, words[0]) {
				return errors.New("use one of bash, zsh and fish")
			}
			return nil
		},
		RunE: func(c *cobra.Command, words []string) error {
			switch words[0] {
			case "bash":
				return c.Root().GenBashCompletionV2(t.stdout, true)
			case "zsh":
				return t.printZshCompletion(c.Root())
			default:
				return c.Root().GenFishCompletion(t.stdout, true)
			}
		},
	}
	refuseTCP(c, "it prints a script")
	return c
}

// printZshCompletion prints the script for zsh. That of cobra loses the backslashes
// of names.
func (t *tool) printZshCompletion(root *cobra.Command) error {
	var script strings.Builder
	if err := root.GenZshCompletion(&script); err != nil {
		return err
	}
	_, err := io.WriteString(t.stdout, strings.Replace(script.String(), zshColons, zshBackslashes+zshColons, 1))
	return err
}

// zshColons is the line of cobra's script that escapes the characters of a
// completion, and zshBackslashes the one that is missing before it.
const (
	zshColons      = "comp=${comp//:/\\\\:}\n"
	zshBackslashes = "comp=${comp//\\\\/\\\\\\\\}\n            "
)

// serviceNames are the services that completion offers after a device.
var serviceNames = []string{"spp", "dun", "ftp", "opp", "pbap", "map"}

// completeTargets completes the addresses and names of paired and recently found
// devices, and services after a slash. It never asks a device.
func (t *tool) completeTargets(c *cobra.Command, words []string, begun string) ([]string, cobra.ShellCompDirective) {
	if len(words) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	if device, part, ok := strings.Cut(begun, "/"); ok {
		var targets []string
		for _, name := range serviceNames {
			if strings.HasPrefix(name, part) {
				targets = append(targets, device+"/"+name)
			}
		}
		return targets, cobra.ShellCompDirectiveNoFileComp
	}
	every := func(knownDevice) bool { return true }
	return t.completeKnown(c.Context(), begun, every), cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}

// completeDevices returns a function that completes the addresses and names of
// some of the devices.
func (t *tool) completeDevices(which func(knownDevice) bool) cobra.CompletionFunc {
	return func(c *cobra.Command, words []string, begun string) ([]string, cobra.ShellCompDirective) {
		if len(words) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return t.completeKnown(c.Context(), begun, which), cobra.ShellCompDirectiveNoFileComp
	}
}

// Devices for completeDevices.
func paired(d knownDevice) bool   { return d.paired }
func unpaired(d knownDevice) bool { return !d.paired }

// completeKnown returns the addresses and names that begin with a text, or all
// addresses if there is none.
func (t *tool) completeKnown(ctx context.Context, begun string, which func(knownDevice) bool) (texts []string) {
	devices := t.knownDevices(ctx)
	for _, d := range devices {
		if !which(d) {
			continue
		}
		name := printable(d.name)
		if text, ok := beginsWith(d.address, begun); ok {
			texts = append(texts, cobra.CompletionWithDesc(text, name))
		} else if begun != "" && name == d.name && hasPrefixFold(name, begun) && len(named(devices, name)) == 1 {
			texts = append(texts, cobra.CompletionWithDesc(name, d.address.String()))
		}
	}
	return texts
}

// hasPrefixFold reports whether a text begins with another one, in any case.
func hasPrefixFold(text, prefix string) bool {
	return len(text) >= len(prefix) && strings.EqualFold(text[:len(prefix)], prefix)
}

// beginsWith reports whether an address begins with a text, in any of its forms,
// and returns the address in that form.
func beginsWith(address rfcomm.BDAddr, begun string) (string, bool) {
	text := address.String()
	if strings.Contains(begun, "-") {
		text = strings.ReplaceAll(text, ":", "-")
	}
	if !hasPrefixFold(text, begun) {
		return "", false
	}
	return begun + text[len(begun):], true
}

// completeAdapters completes the names of adapters.
func (t *tool) completeAdapters(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	adapters, err := t.adapters()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []string
	for _, a := range adapters {
		names = append(names, cobra.CompletionWithDesc(a.Name, a.Addr.String()))
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}
