package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// manCommand returns the command "man".
func (t *tool) manCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "man DIRECTORY [FLAGS]",
		Short: "Write the manual pages",
		Long: `Writes the manual pages to a directory, which is created if it does not exist: rfcommctl.1, and a page such as rfcommctl-get.1 for each command. They contain no date, so that the same version always writes the same pages.

After the first example, "man rfcommctl-get" finds the pages of this user. The second one reads a page without installing it.`,
		Example: "\trfcommctl man ~/.local/share/man/man1\n\trfcommctl man /tmp/pages && man -l /tmp/pages/rfcommctl-get.1",
		Args: func(c *cobra.Command, words []string) error {
			if len(words) == 0 || words[0] == "" {
				return errors.New("DIRECTORY is missing: use the path of a directory for the pages, such as ~/.local/share/man/man1")
			}
			return noWords(c, words[1:])
		},
		RunE: func(c *cobra.Command, words []string) error { return t.writePages(c.Root(), words[0]) },
		ValidArgsFunction: func(_ *cobra.Command, words []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(words) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return nil, cobra.ShellCompDirectiveFilterDirs
		},
	}
	refuseTCP(c, "it writes files")
	return c
}

// writePages writes the manual pages of all commands.
func (t *tool) writePages(root *cobra.Command, directory string) error {
	if err := os.MkdirAll(directory, 0o777); err != nil {
		return err
	}
	pages := append([]*cobra.Command{root}, listed(root)...)
	for _, c := range pages {
		if err := os.WriteFile(filepath.Join(directory, pageName(c)+".1"), []byte(manPage(c)), 0o666); err != nil {
			return err
		}
	}
	t.note("Wrote %d pages to %s", len(pages), directory)
	return nil
}

// listed returns the commands that a help text lists.
func listed(root *cobra.Command) (all []*cobra.Command) {
	for _, c := range root.Commands() {
		if c.IsAvailableCommand() || c.Name() == "help" {
			all = append(all, c)
		}
	}
	return all
}

// pageName returns the name of a command's manual page.
func pageName(c *cobra.Command) string { return strings.ReplaceAll(c.CommandPath(), " ", "-") }

// A page is a manual page, in the language of groff_man(7).
type page struct{ strings.Builder }

// manPage returns the manual page of a command.
func manPage(c *cobra.Command) string {
	var p page
	fmt.Fprintf(&p, ".nr HY 0\n.TH %q 1 \"\" %q \"User Commands\"\n.nh\n.ad l\n", roff(strings.ToUpper(pageName(c))), roff(c.Root().Name()))
	p.section("NAME")
	fmt.Fprintf(&p, "%s \\- %s\n", roff(pageName(c)), roff(lowerFirst(c.Short)))
	p.section("SYNOPSIS")
	fmt.Fprintf(&p, "\\fB%s\\fR%s\n", roff(c.CommandPath()), roff(strings.TrimPrefix(useLine(c), c.CommandPath())))
	p.section("DESCRIPTION")
	p.text(c.Long)
	if c.HasAvailableSubCommands() {
		p.section("COMMANDS")
		for _, command := range listed(c) {
			p.item("\\fB"+roff(command.Name())+"\\fR", command.Short)
		}
	}
	p.section("OPTIONS")
	c.InheritedFlags() // makes Flags include them
	c.Flags().SortFlags = false
	c.Flags().VisitAll(p.flag)
	if c.HasExample() {
		p.section("EXAMPLES")
		p.text(c.Example)
	}
	p.section("EXIT STATUS")
	for _, s := range exitStatuses {
		p.item(s.code, s.text)
	}
	if !c.HasParent() {
		p.files()
	}
	p.seeAlso(c)
	return p.String()
}

func (p *page) section(title string) { fmt.Fprintf(p, ".SH %s\n", title) }

// item adds a term, which is escaped already, and its description.
func (p *page) item(term, text string) { fmt.Fprintf(p, ".TP\n%s\n%s\n", term, roff(text)) }

// text adds paragraphs. Lines that begin with a tab are code.
func (p *page) text(text string) {
	code := false
	for line := range strings.Lines(text) {
		line, isCode := strings.CutPrefix(strings.TrimRight(line, "\n"), "\t")
		switch {
		case isCode && !code:
			p.WriteString(".PP\n.EX\n")
		case code && !isCode:
			p.WriteString(".EE\n")
		}
		code = isCode
		switch {
		case isCode:
			p.WriteString(roff(wrapCode(line, codeWidth)) + "\n")
		case line != "":
			p.WriteString(".PP\n" + roff(line) + "\n")
		}
	}
	if code {
		p.WriteString(".EE\n")
	}
}

// codeWidth is the width of code, such that it fits a terminal of 60 columns with
// the indentation of a section.
const codeWidth = 52

// flag adds a flag.
func (p *page) flag(f *pflag.Flag) {
	if f.Hidden {
		return
	}
	value, usage := pflag.UnquoteUsage(f)
	term := "\\fB" + roff("--"+f.Name) + "\\fR"
	if f.Shorthand != "" {
		term = "\\fB" + roff("-"+f.Shorthand) + "\\fR, " + term
	}
	if value != "" {
		term += " \\fI" + roff(value) + "\\fR"
	}
	if f.DefValue != "" && f.DefValue != "false" && f.DefValue != "0" && f.DefValue != "0s" {
		usage += " (default " + f.DefValue + ")"
	}
	p.item(term, usage)
}

// files adds the files that the program keeps.
func (p *page) files() {
	p.section("FILES")
	p.item("\\fI"+roff("~/.cache/rfcommctl/devices.json")+"\\fR", "Devices that scans have found in the last 7 days: names for targets. With $XDG_CACHE_HOME, it is in that directory.")
	p.item("\\fI"+roff("~/.cache/rfcommctl/files.json")+"\\fR", "Names of files that ls has listed in the last 7 days: for completion.")
}

// seeAlso adds the names of other pages.
func (p *page) seeAlso(c *cobra.Command) {
	others := []*cobra.Command{c.Root()}
	if !c.HasParent() {
		others = listed(c)
	}
	var names []string
	for _, other := range others {
		names = append(names, "\\fB"+roff(pageName(other))+"\\fR(1)")
	}
	p.section("SEE ALSO")
	p.WriteString(strings.Join(names, ",\n") + "\n")
}

// roff escapes a text of one or more lines. Dashes are those of a command line, not
// hyphens.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(text)
	var b strings.Builder
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			b.WriteString(`\&`)
		}
		b.WriteString(line)
	}
	return b.String()
}

// lowerFirst returns a text that begins with a small letter.
func lowerFirst(text string) string {
	first, size := utf8.DecodeRuneInString(text)
	return string(unicode.ToLower(first)) + text[size:]
}
