package main

import (
	"errors"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/go-rfcomm/rfcomm"
)

// completionCommand returns the command "completion".
func (t *tool) completionCommand() *cobra.Command {
	shells := []string{"bash", "zsh", "fish"}
	return &cobra.Command{
		Use:   "completion bash|zsh|fish",
		Short: "Print completions for a shell",
		Long: `Prints a script that makes a shell complete commands, flags, adapters, and the addresses of recently found devices. To load it in the current shell:

	source <(rfcommctl completion bash)
	source <(rfcommctl completion zsh)
	rfcommctl completion fish | source

Bash needs the package bash-completion. To load the script in each new shell, write it to a file:

	bash: ~/.local/share/bash-completion/completions/rfcommctl
	zsh: _rfcommctl, in a directory of $fpath
	fish: ~/.config/fish/completions/rfcommctl.fish`,
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
				return c.Root().GenZshCompletion(t.stdout)
			default:
				return c.Root().GenFishCompletion(t.stdout, true)
			}
		},
	}
}

// serviceNames are the services that completion offers after a device.
var serviceNames = []string{"spp", "dun", "ftp", "opp", "pbap", "map"}

// completeTargets completes the addresses of recently found devices, and
// services after a slash. It never asks a device.
func (t *tool) completeTargets(_ *cobra.Command, words []string, begun string) ([]string, cobra.ShellCompDirective) {
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
	var targets []string
	for _, d := range t.recent.devices() {
		if text, ok := beginsWith(d.Address, begun); ok {
			targets = append(targets, cobra.CompletionWithDesc(text, printable(d.Name)))
		}
	}
	return targets, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}

// beginsWith reports whether an address begins with a text, in any of its forms,
// and returns the address in that form.
func beginsWith(address rfcomm.BDAddr, begun string) (string, bool) {
	text := address.String()
	if strings.Contains(begun, "-") {
		text = strings.ReplaceAll(text, ":", "-")
	}
	if len(begun) > len(text) || !strings.EqualFold(text[:len(begun)], begun) {
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
