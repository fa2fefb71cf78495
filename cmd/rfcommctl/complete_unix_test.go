//go:build unix

package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

// bashCompletion is the library that the script for bash needs.
const bashCompletion = "/usr/share/bash-completion/bash_completion"

// bashWords matches the words as bash splits them for a completion: colons and
// equals signs are words of their own (COMP_WORDBREAKS).
var bashWords = regexp.MustCompile(`[^ :=]+|[:=]+`)

// completesInBash returns what bash completes the last word of a line to.
func completesInBash(t *testing.T, bash, cache, line string) []string {
	t.Helper()
	words := bashWords.FindAllString(line, -1)
	if strings.HasSuffix(line, " ") {
		words = append(words, "")
	}
	script := `. "$1"; . <(rfcommctl completion bash); COMP_LINE=$2; COMP_POINT=${#2}; COMP_TYPE=9; COMP_KEY=9
		shift 2; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); __start_rfcommctl; printf '%s\n' "${COMPREPLY[@]}"`
	directory := t.TempDir()
	executable, err := os.Executable()
	if err == nil {
		err = os.Symlink(executable, filepath.Join(directory, "rfcommctl"))
	}
	if err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), bash, append([]string{"--norc", "-c", script, "bash", bashCompletion, line}, words...)...)
	c.Env = append(programEnvironment(cache), "PATH="+directory+":"+os.Getenv("PATH"))
	output, err := c.Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimRight(string(output), "\n"), "\n")
}

func TestCompletionInBash(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("this machine has no bash")
	}
	if _, err := os.Stat(bashCompletion); err != nil {
		t.Skip("this machine has no package bash-completion")
	}
	cache := t.TempDir()
	now := time.Now().Format(time.RFC3339)
	directory := filepath.Join(cache, "rfcommctl")
	if err := os.Mkdir(directory, 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, fmt.Sprintf(`[{"address":"00:AA:01:00:00:01","name":"Front desk","seen":%q}]`, now), directory, "devices.json")
	write(t, fmt.Sprintf(`[{"server":"00:AA:01:00:00:01","directory":".","names":["a'b $x","c\\x1bd"],"seen":%q}]`, now), directory, "files.json")
	for line, want := range map[string][]string{
		"rfcommctl trus":                         {"trust"},
		"rfcommctl connect --secu":               {"--security"},
		"rfcommctl connect --security ":          {"high", "low", "medium"},
		"rfcommctl connect --security=m":         {"medium"},
		"rfcommctl connect 00:AA":                {"AA:01:00:00:01"}, // bash replaces the word after the colon
		"rfcommctl connect 00-":                  {"00-AA-01-00-00-01"},
		"rfcommctl connect 00:AA:01:00:00:01/sp": {"01/spp"},
		"rfcommctl connect F":                    {`Front\ desk`},
		"rfcommctl get 00:AA:01:00:00:01 a":      {`a\'b\ \$x`},
		"rfcommctl stat 00:AA:01:00:00:01 c":     {`c\\x1bd`},
		"rfcommctl completion f":                 {"fish"},
	} {
		got := completesInBash(t, bash, cache, line)
		for i := range got {
			got[i] = strings.TrimSpace(got[i])
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%q completes to %q, want %q", line, got, want)
		}
	}
}

// Completion opens no connection: the next one that the server sees is the test's.
func TestCompletionNeverDialsTCP(t *testing.T) {
	l, address := listenTCP(t)
	for _, line := range []string{"get --tcp %s ", "stat --tcp %s a", "ls --tcp=%s a/", "put --tcp %s x -o ", "connect --tcp %s ", "listen --tcp %s ", "speed --tcp %s ", "tty --tcp %s ", "relay --tcp %s "} {
		words := strings.Split(fmt.Sprintf(line, address), " ")
		if output, err := program(t, append([]string{"__complete"}, words...)...).Output(); err != nil || !strings.Contains(string(output), ":") {
			t.Errorf("%q: %q, %v", line, output, err)
		}
	}
	accepted := hosttest.InBackground(func() string {
		conn, err := l.Accept()
		if err != nil {
			return err.Error()
		}
		defer conn.Close()
		text, _ := io.ReadAll(conn)
		return string(text)
	})
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(conn, "the test")
	conn.Close()
	if got := hosttest.Receive(t, accepted); got != "the test" {
		t.Errorf("the first connection sent %q", got)
	}
}
