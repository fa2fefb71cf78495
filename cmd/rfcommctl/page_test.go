package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

// A transcript is a block of code in a page of docs/: commands with their output.
type transcript []shown

// A shown is a command in a page, and the lines that it prints. A line "…" stands
// for any lines, and "…" in a line for any text.
type shown struct {
	line        string
	output      []string
	interrupted bool // by Ctrl-C, which the terminal shows as ^C
}

// A section of a page begins with a heading, which can have a number.
type section struct {
	number, title string
	transcripts   []transcript
}

// prompt matches the prompt of this machine, or of the other one.
var prompt = regexp.MustCompile(`^(pi)?\$ `)

// readPage returns the text of a file of the module.
func readPage(t *testing.T, name string) string {
	t.Helper()
	for _, root := range []string{"../..", "."} { // the lab runs the tests in the root
		content, err := os.ReadFile(filepath.Join(root, name))
		if err == nil {
			return string(content)
		}
		if !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
	}
	t.Fatal("not in the module: ", name)
	return ""
}

// sections returns the sections of a page.
func sections(text string) []section {
	list := []section{{}}
	code := false
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		last := &list[len(list)-1]
		switch title, heading := strings.CutPrefix(line, "## "); {
		case strings.HasPrefix(line, "```"):
			if code = !code; code {
				last.transcripts = append(last.transcripts, nil)
			}
		case code:
			last.transcripts[len(last.transcripts)-1].add(line)
		case heading:
			list = append(list, headed(title))
		}
	}
	return list
}

// headed returns a section with a heading.
func headed(title string) section {
	number, rest, numbered := strings.Cut(title, ". ")
	if !numbered {
		return section{title: title}
	}
	return section{number: number, title: rest}
}

// add adds a line of the block.
func (s *transcript) add(line string) {
	mark := prompt.FindString(line)
	if mark != "" {
		*s = append(*s, shown{line: line[len(mark):]})
		return
	}
	if len(*s) == 0 {
		return // not a terminal
	}
	last := &(*s)[len(*s)-1]
	switch {
	case strings.HasSuffix(last.line, `\`):
		last.line = strings.TrimSuffix(last.line, `\`) + strings.TrimLeft(line, " ")
	case strings.HasPrefix(line, "> ") && len(last.output) == 0:
		last.line += "\n" + line[len("> "):]
	default:
		before, after, interrupted := strings.Cut(line, "^C")
		last.interrupted = last.interrupted || interrupted
		if interrupted && before+after == "" {
			return
		}
		last.output = append(last.output, before+after)
	}
}

// programWords matches the words of a command line, as far as pages need them.
var programWords = regexp.MustCompile(`'[^']*'|"[^"]*"|[|;&<>()]+|[^\s|;&<>()'"]+`)

// programLines returns the arguments of each rfcommctl in a line of the shell.
func programLines(line string) (lines [][]string) {
	inside, redirected := false, false
	for _, word := range programWords.FindAllString(line, -1) {
		switch {
		case strings.ContainsAny(word[:1], "<>"):
			redirected = true
		case strings.ContainsAny(word[:1], "|;&()") || strings.HasPrefix(word, "#"):
			inside = false
		case redirected:
			redirected = false
		case word == "rfcommctl":
			lines, inside = append(lines, nil), true
		case inside:
			lines[len(lines)-1] = append(lines[len(lines)-1], strings.Trim(word, `'"`))
		}
	}
	return lines
}

// parses returns an error if the arguments are not those of a command. Within a
// sentence, words and the values of flags can be missing.
func parses(t *testing.T, arguments []string, sentence bool) error {
	root, _ := newFake(t).rootCommand()
	root.InitDefaultHelpCmd()
	c, rest, err := root.Find(arguments)
	if err == nil && c == root && len(arguments) > 0 && !strings.HasPrefix(arguments[0], "-") {
		err = fmt.Errorf("unknown command %q", arguments[0])
	}
	if err == nil {
		err = c.ParseFlags(rest)
	}
	if err == nil && !sentence && !c.Flags().Changed("help") {
		err = c.ValidateArgs(c.Flags().Args())
	}
	if _, ok := errors.AsType[*pflag.ValueRequiredError](err); ok && sentence {
		return nil
	}
	return err
}

// pages are the files whose command lines are checked.
var pages = []string{"docs/rfcommctl.md", "docs/jobs.md", "docs/serial.md", "docs/filetransfer.md", "docs/sdp.md", "docs/bluez.md", "README.md"}

// Command lines in the documentation have commands, flags and words that exist.
func TestPagesHaveValidCommands(t *testing.T) {
	checked := 0
	for _, name := range pages {
		for _, s := range sections(readPage(t, name)) {
			for _, shown := range slices.Concat(s.transcripts...) {
				for _, arguments := range programLines(shown.line) {
					if err := parses(t, arguments, false); err != nil {
						t.Errorf("%s: %s: %v", name, shown.line, err)
					}
					checked++
				}
			}
		}
	}
	if checked < 30 {
		t.Errorf("checked only %d lines", checked)
	}
}

// inText matches a command line within a sentence.
var inText = regexp.MustCompile("`(?:go run \\./cmd/)?(rfcommctl [^`]+)`")

// Commands within sentences have commands and flags that exist.
func TestSentencesNameValidCommands(t *testing.T) {
	checked := 0
	for _, name := range pages {
		for _, found := range inText.FindAllStringSubmatch(readPage(t, name), -1) {
			for _, arguments := range programLines(found[1]) {
				if err := parses(t, arguments, true); err != nil {
					t.Errorf("%s: %s: %v", name, found[0], err)
				}
				checked++
			}
		}
	}
	if checked < 30 {
		t.Errorf("checked only %d commands", checked)
	}
}

func TestProgramLines(t *testing.T) {
	for line, want := range map[string]string{
		`rfcommctl connect A < receipt.txt`:                      "[[connect A]]",
		`date | rfcommctl put A - -o 'a b' > log # why`:          "[[put A - -o a b]]",
		`until rfcommctl put A x; do sleep 1; done`:              "[[put A x]]",
		`rfcommctl listen --exec "date; id" && rfcommctl ls A &`: "[[listen --exec date; id] [ls A]]",
	} {
		if got := fmt.Sprint(programLines(line)); got != want {
			t.Errorf("%s: got %s, want %s", line, got, want)
		}
	}
}
