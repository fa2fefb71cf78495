package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/go-rfcomm/rfcomm/bluez"
)

// doctorCommand returns the command "doctor".
func (t *tool) doctorCommand() *cobra.Command {
	var l link
	var asJSON bool
	c := &cobra.Command{
		Use:   "doctor [DEVICE] [FLAGS]",
		Short: "Find out why Bluetooth does not work here, and how to mend it",
		Long: `Checks everything that the other commands need, and prints a line for each check: "ok", "warning" if some uses do not work, "problem" if commands do not work, or "unchecked" if another problem has to be solved first. Below a warning or a problem is the remedy, which is a command if one helps. The causes come first: solve the first problem, and run doctor again.

With DEVICE, an address or the name of a paired or recently found device, it also checks whether the device is paired, is in range, and offers a serial port.

It needs no root and changes nothing. With -q, only warnings and problems are printed; with -v, the versions and what was read.

With --json, each check is an object with the fields check, adapter (of the checks of an adapter), state (ok, warning, problem or unchecked), detail and remedy (of warnings and problems).

Exit status: 0 if there is no problem. Otherwise the first problem decides: 3 if there is no adapter, or it is off or blocked, or the device does not answer; 5 if a permission is missing; 4 if a check did not end in time; 1 for others, such as a kernel without Bluetooth, a network namespace, or bluetoothd that is not running.`,
		Example: "\trfcommctl doctor\n\trfcommctl doctor -v -i hci0\n\trfcommctl doctor 01:23:45:67:89:AB\n\trfcommctl doctor --json",
		Args:    optionalDevice,
		RunE: func(c *cobra.Command, words []string) error {
			return t.examine(c.Context(), &l, strings.Join(words, ""), asJSON)
		},
		ValidArgsFunction: t.completeDevices(func(knownDevice) bool { return true }),
	}
	timeoutFlag(c, &l, 30*time.Second, "give up after this time")
	t.adapterFlag(c, &l)
	c.Flags().BoolVar(&asJSON, "json", false, "print a JSON object for each check")
	refuseTCP(c, "it checks Bluetooth")
	return c
}

// examine prints the results of all checks, and returns the first problem.
func (t *tool) examine(ctx context.Context, l *link, word string, asJSON bool) error {
	limited, cancel := context.WithTimeout(ctx, time.Duration(l.timeout.duration))
	defer cancel()
	t.printVersions(limited)
	var first *finding
	counts := make(map[string]int)
	d := &diagnosis{tool: t, ctx: limited, only: l.adapter, link: l, word: word}
	for f := range d.findings() {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if f.State == stateProblem && first == nil {
			first = &f
		}
		counts[f.State]++
		if err := t.printFinding(f, asJSON); err != nil {
			return err
		}
	}
	t.note("%s", conclusion(counts[stateProblem], counts[stateWarning]))
	return diagnosed(first)
}

// conclusion returns a sentence about the number of problems and warnings.
func conclusion(problems, warnings int) string {
	switch {
	case problems == 1:
		return "There is a problem. Solve it, and run doctor again."
	case problems > 1:
		return fmt.Sprintf("There are %d problems. Solve the first one, and run doctor again.", problems)
	case warnings > 0:
		return "Bluetooth works here, with limits."
	}
	return "Bluetooth works here."
}

// printVersions prints what the diagnosis is about, with --verbose.
func (t *tool) printVersions(ctx context.Context) {
	if !t.verbose {
		return
	}
	t.detail("%s", version(debug.ReadBuildInfo()))
	t.detail("kernel: %s", t.host.read("proc/version"))
	if t.host.output != nil {
		t.detail("BlueZ: %s", orUnknown(t.host.output(ctx, "bluetoothctl", "--version")))
	}
	t.detail("system: %s", orUnknown(strings.Join(t.host.distributions(), ", like ")))
	t.detail("container: %s; first network namespace: %t", orUnknown(t.host.container()), t.host.firstNamespace())
}

// printFinding prints the result of a check.
func (t *tool) printFinding(f finding, asJSON bool) error {
	if t.quiet && f.Remedy == "" {
		return nil
	}
	if asJSON {
		return writeJSON(t.stdout, f)
	}
	_, err := fmt.Fprint(t.stdout, findingText(f, t.columns))
	return err
}

// Widths of the columns of findings, and the least width of a terminal for them.
const (
	stateWidth, checkWidth = 11, 14
	narrowFindings         = 60
)

// findingText returns the result of a check as a text for a terminal, or one line
// if the width is 0. The remedy has a line of its own, which is not broken, so
// that it can be copied.
func findingText(f finding, width int) string {
	head := fmt.Sprintf("%-*s%-*s", stateWidth, f.State, checkWidth, f.Check)
	indent := len(head)
	if width > 0 && width < narrowFindings {
		head, indent = f.State+" "+f.Check+": ", 2
	}
	text := printable(f.Detail)
	if width > 0 {
		text = wrapWords(strings.TrimSuffix(head, " "), text, width, indent)
	} else {
		text = head + text
	}
	text += "\n"
	if f.Remedy != "" {
		text += strings.Repeat(" ", min(indent, stateWidth)) + printable(f.Remedy) + "\n"
	}
	return text
}

func orUnknown(text string) string {
	if text == "" {
		return "unknown"
	}
	return text
}

// seeDoctor returns a reference to doctor for an error of this machine's Bluetooth,
// or "" for other errors.
func seeDoctor(err error) string {
	const reference = " (see rfcommctl doctor)"
	if isOneOf(err, errNoAdapter, bluez.ErrNoBus, bluez.ErrNoDaemon, bluez.ErrDenied, bluez.ErrNoAdapter, bluez.ErrPowerOff) {
		return reference
	}
	failed, ok := errors.AsType[*net.OpError](err)
	if ok && !strings.HasPrefix(failed.Net, "tcp") && isOneOf(err, syscall.EAFNOSUPPORT, syscall.EPROTONOSUPPORT, syscall.EHOSTUNREACH, syscall.ENETDOWN) {
		return reference
	}
	return ""
}
