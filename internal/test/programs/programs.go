// Package programs runs functions of a test binary as programs: in processes of
// their own, which a test can kill, and as user nobody.
package programs

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
)

// variable is the environment variable with the words of the program that this
// test binary runs instead of tests: its name and its arguments, one a line.
const variable = "RFCOMM_TEST_PROGRAM"

// A Program is a function that runs in a process of its own. The context ends
// when the test closes the program's standard input, as it does at its end.
type Program func(ctx context.Context, arguments []string) error

// Main runs the program that the environment names, or else the tests. Call it
// in TestMain.
func Main(m *testing.M, programs map[string]Program) {
	words := os.Getenv(variable)
	if words == "" {
		os.Exit(m.Run())
	}
	if err := run(programs, strings.Split(words, "\n")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run runs a program until it returns.
func run(programs map[string]Program, words []string) error {
	program, ok := programs[words[0]]
	if !ok {
		return fmt.Errorf("no program %q", words[0])
	}
	ctx, end := context.WithCancel(context.Background())
	defer end()
	go func() {
		os.Stdin.Read(make([]byte, 1))
		end()
	}()
	return program(ctx, words[1:])
}
