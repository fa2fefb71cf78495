package main

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/go-rfcomm/rfcomm/sdp"
)

// recordText returns a record for people: its name, and a line for each of its
// most useful properties. With all, the attributes follow.
func recordText(r *sdp.Record, all bool) string {
	var b strings.Builder
	line := func(label, format string, values ...any) {
		fmt.Fprintf(&b, "  %-8s  %s\n", label, printable(fmt.Sprintf(format, values...)))
	}
	title := r.Name()
	classes := r.Classes()
	if title == "" && len(classes) > 0 {
		title = classes[0].Name()
	}
	if strings.TrimSpace(title) == "" {
		title = "(a service without a name)"
	}
	fmt.Fprintln(&b, printable(title))
	for _, class := range classes {
		line("class", "%s", uuidText(class))
	}
	if channel, ok := r.Channel(); ok {
		line("channel", "%d", channel)
	}
	if psm, ok := r.PSM(); ok {
		line("L2CAP", "PSM 0x%04x", psm)
	}
	for _, p := range r.Profiles() {
		line("profile", "%s %d.%d", cmp.Or(p.UUID.Name(), uuidText(p.UUID)), p.Version>>8, p.Version&0xff)
	}
	if text := r.Description(); text != "" {
		line("about", "%s", text)
	}
	if text := r.Provider(); text != "" {
		line("provider", "%s", text)
	}
	if all {
		for attribute := range strings.Lines(r.String()) {
			fmt.Fprintf(&b, "    %s\n", printable(trimLines(attribute)))
		}
	}
	return b.String()
}

// uuidText returns the assigned name and the number of a UUID, or the UUID.
func uuidText(u sdp.UUID) string {
	number := u.String()
	if short, ok := u.Short(); ok {
		number = fmt.Sprintf("0x%04x", short)
	}
	if name := u.Name(); name != "" {
		return fmt.Sprintf("%s (%s)", name, number)
	}
	return number
}
