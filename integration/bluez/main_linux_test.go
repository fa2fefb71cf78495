package bluez_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
)

// programVariable is the environment variable with the words of the program that
// this test binary runs as user nobody instead of running tests: a name of
// programs and its arguments, one a line.
const programVariable = "RFCOMM_TEST_PROGRAM"

// programs are functions that run as user nobody, in a process of their own, by
// name. The context ends when the test closes the program's standard input. A
// file adds its programs in its function init. See startAsNobody.
var programs = map[string]func(ctx context.Context, arguments []string) error{}

func TestMain(m *testing.M) {
	if words := os.Getenv(programVariable); words != "" {
		if err := runProgram(strings.Split(words, "\n")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// runProgram runs a program until it returns.
func runProgram(words []string) error {
	if os.Geteuid() == 0 {
		return fmt.Errorf("%s has the privileges of root", words[0])
	}
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
