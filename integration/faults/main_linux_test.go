package faults

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var (
	longFlag  = flag.Bool("long", false, "also run cells that take more than 10 s")
	tableFlag = flag.Bool("table", false, "print the table between two marker lines")
)

func TestMain(m *testing.M) {
	if args := os.Getenv(childEnv); args != "" {
		if err := child(strings.Split(args, "\n")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}
