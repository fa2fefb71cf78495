package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// pages writes the manual pages and returns their directory.
func (f *fake) pages(t *testing.T) string {
	t.Helper()
	directory := filepath.Join(t.TempDir(), "man", "man1")
	stdout, stderr := f.runs(t, 0, "man", directory)
	if stdout != "" || stderr != "" {
		t.Errorf("it printed %q, %q", stdout, stderr)
	}
	return directory
}

func readFile(t *testing.T, path ...string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func TestManWritesPageOfEachCommand(t *testing.T) {
	f := newFake(t)
	root, all := f.commands(t)
	directory, again := f.pages(t), f.pages(t)
	names := []string{"rfcommctl.1"}
	for _, c := range all {
		name := "rfcommctl-" + c.Name() + ".1"
		names = append(names, name)
		text := readFile(t, directory, name)
		wantParts(t, text, "\n.SH NAME\nrfcommctl\\-"+c.Name()+` \- `, "\n.SH SYNOPSIS\n\\fBrfcommctl "+c.Name()+"\\fR ", "\n.SH DESCRIPTION\n.PP\n",
			"\n.SH OPTIONS\n.TP\n\\fB\\-", "\n\\fB\\-q\\fR, \\fB\\-\\-quiet\\fR\nprint errors only\n", "\n.SH EXAMPLES\n.PP\n.EX\n  rfcommctl ", "\n.SH EXIT STATUS\n", "\n.SH SEE ALSO\n\\fBrfcommctl\\fR(1)\n")
		if text != readFile(t, again, name) {
			t.Errorf("%s is different each time", name)
		}
		if strings.Contains(text, `\-\-tcp`) != grammars[c.Name()].tcp {
			t.Errorf("%s is wrong about --tcp", name)
		}
		wantParts(t, readFile(t, directory, "rfcommctl.1"), "\\fBrfcommctl\\-"+c.Name()+"\\fR(1)", "\n\\fB"+c.Name()+"\\fR\n"+roff(c.Short)+"\n")
	}
	wantParts(t, readFile(t, directory, "rfcommctl.1"), roff(root.Short[1:]), "\n.SH FILES\n")
	wantFiles(t, directory, names...)
	wantParts(t, readFile(t, directory, "rfcommctl-get.1"), "\n.TP\n\\fB\\-o\\fR, \\fB\\-\\-output\\fR \\fIPATH\\fR\n", "(default 30s)\n")
	_, stderr := f.runs(t, statusUsage, "man")
	wantError(t, stderr, "DIRECTORY is missing")
	f.runs(t, statusUsage, "man", directory, "get")
	f.runs(t, statusOther, "man", filepath.Join(directory, "rfcommctl.1"))
}

func TestRoffEscapes(t *testing.T) {
	if got, want := roff(".x -q\n'a' \\x1b\nb.c"), "\\&.x \\-q\n\\&'a' \\ex1b\nb.c"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// A reader sees no warnings, and lines that fit the terminal.
func TestManPagesRender(t *testing.T) {
	man, err := exec.LookPath("man")
	if err != nil {
		t.Skip("this machine has no man")
	}
	directory := newFake(t).pages(t)
	arguments := []string{"-l", "--warnings"}
	for _, name := range []string{"rfcommctl", "rfcommctl-get", "rfcommctl-connect", "rfcommctl-tty"} {
		arguments = append(arguments, filepath.Join(directory, name+".1"))
	}
	for _, width := range []int{60, 80} {
		c := exec.CommandContext(t.Context(), man, arguments...)
		c.Env = append(os.Environ(), fmt.Sprint("MANWIDTH=", width), "LC_ALL=C.UTF-8", "MANPAGER=cat", "MAN_KEEP_FORMATTING=")
		var stdout, stderr bytes.Buffer
		c.Stdout, c.Stderr = &stdout, &stderr
		if err := c.Run(); err != nil || stderr.Len() > 0 {
			t.Fatalf("%v\n%s", err, &stderr)
		}
		text := stdout.String()
		wantParts(t, text, "NAME\n", "       rfcommctl-get - get files from a file server\n", "OPTIONS\n", "EXIT STATUS\n", "SEE ALSO\n       rfcommctl(1)\n")
		if word := hyphenated.FindString(text); word != "" {
			t.Errorf("the word %q is hyphenated", word)
		}
		for line := range strings.Lines(text) {
			if columns(trimLines(line)) > width && len(strings.Fields(line)) > 1 {
				t.Errorf("in %d columns: %q", width, line)
			}
		}
	}
}

// hyphenated matches a part of a word before a hyphen at the end of a line.
var hyphenated = regexp.MustCompile(`\pL+\x{2010}\n`)
