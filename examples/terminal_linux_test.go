package examples_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

// terminal returns a pseudo terminal for programs and its output.
func terminal(t *testing.T) (slave *os.File, printed *hosttest.Terminal) {
	t.Helper()
	printed = hosttest.OpenTerminal(t)
	return printed.Slave, printed
}

// on connects the standard streams with a terminal.
func on(terminal *os.File) setting {
	return func(c *exec.Cmd) { c.Stdin, c.Stdout, c.Stderr = terminal, terminal, terminal }
}

func TestGetShowsProgressOnTerminal(t *testing.T) {
	s := serve(t)
	newFile(t, filepath.Join(s.files, "file"), 1_000_000)
	here := t.TempDir()
	check := func(printed *hosttest.Terminal, want string) {
		t.Helper()
		// The output of the terminal is read in the background.
		hosttest.Eventually(t, fmt.Sprintf("%q on the terminal", want), func() bool {
			return regexp.MustCompile(want).MatchString(printed.String())
		})
	}

	slave, printed := terminal(t)
	valve := newValve(t, s.address, 600_000)
	client := launch(t, "client", []string{"-connect", valve.address, "get", "file"}, in(here), on(slave))
	awaitContent(t, filepath.Join(here, "file.part"), 400_000)
	valve.close()
	client.end(t, 1)
	check(printed, `\rfile   [45]\d%  \d{3}\.\d kB of 1\.0 MB  \d+\.\d .B/s  \S+s left *\r\nclient: `)

	slave, printed = terminal(t)
	launch(t, "client", []string{"-connect", s.address, "get", "file"}, in(here), on(slave)).end(t, 0)
	check(printed, `\rfile  100%  1\.0 MB  \d+\.\d .B/s  in \d+m?s *\r\n$`)

	slave, printed = terminal(t)
	launch(t, "client", []string{"-connect", s.address, "-plain", "get", "-f", "file"}, in(here), on(slave)).end(t, 0)
	check(printed, `\rfile  100%  1\.0 MB  \d+\.\d .B/s  in \d+m?s *\r\n$`)

	slave, printed = terminal(t)
	launch(t, "demo", []string{filepath.Join(s.files, "file")}, on(slave)).end(t, 0)
	check(printed, `\r  file  100%  1\.0 MB  `)
}

// The progress must not be drawn into content on the terminal.
func TestGetToTerminalShowsNoProgress(t *testing.T) {
	s := serve(t)
	if err := os.WriteFile(filepath.Join(s.files, "file"), []byte("some text\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	slave, printed := terminal(t)
	launch(t, "client", []string{"-connect", s.address, "get", "-o", "-", "file"}, on(slave)).end(t, 0)
	hosttest.Eventually(t, "the text on the terminal", func() bool {
		return strings.HasSuffix(printed.String(), "text\r\n")
	})
	if got := printed.String(); got != "some text\r\n" {
		t.Errorf("the terminal shows %q", got)
	}
}
