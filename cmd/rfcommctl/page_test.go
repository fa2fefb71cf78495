package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
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

// parses returns an error if the arguments are not those of a command.
func parses(root *cobra.Command, arguments []string) error {
	c, rest, err := root.Find(arguments)
	if err == nil && c == root && len(arguments) > 0 && !strings.HasPrefix(arguments[0], "-") {
		err = fmt.Errorf("unknown command %q", arguments[0])
	}
	if err == nil {
		err = c.ParseFlags(rest)
	}
	if err == nil && c.Flags().Changed("help") {
		return nil
	}
	if err == nil {
		err = c.ValidateArgs(c.Flags().Args())
	}
	return err
}

// pages are the files whose command lines are checked.
var pages = []string{"docs/rfcommctl.md", "docs/jobs.md", "docs/serial.md", "docs/filetransfer.md", "docs/sdp.md", "docs/bluez.md", "README.md"}

// Command lines in the documentation have commands, flags and words that exist.
func TestPagesHaveValidCommands(t *testing.T) {
	checked := 0
	for _, name := range pages {
		for i, line := range strings.Split(readPage(t, name), "\n") {
			mark := prompt.FindString(line)
			if mark == "" {
				continue
			}
			for _, arguments := range programLines(line[len(mark):]) {
				root, _ := newFake(t).rootCommand()
				if err := parses(root, arguments); err != nil {
					t.Errorf("%s:%d: %s: %v", name, i+1, line, err)
				}
				checked++
			}
		}
	}
	if checked < 30 {
		t.Errorf("checked only %d lines", checked)
	}
}

// inText matches a command line within a sentence.
var inText = regexp.MustCompile("`(?:go run \\./cmd/)?rfcommctl ([^`]+)`")

// Commands within sentences have commands and flags that exist.
func TestSentencesNameValidCommands(t *testing.T) {
	for _, name := range pages {
		for _, found := range inText.FindAllStringSubmatch(readPage(t, name), -1) {
			root, _ := newFake(t).rootCommand()
			for _, arguments := range programLines("rfcommctl " + found[1]) {
				c, rest, err := root.Find(arguments)
				if err == nil && c == root && !strings.HasPrefix(arguments[0], "-") {
					err = errors.New("unknown command")
				}
				if err == nil {
					err = c.ParseFlags(rest)
				}
				if err != nil {
					t.Errorf("%s: %s: %v", name, found[0], err)
				}
			}
		}
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
