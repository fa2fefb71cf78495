package sdp_test

import (
	"fmt"
	"os"
	"testing"
)

func TestMain(m *testing.M) {
	if arguments := os.Getenv(searchVariable); arguments != "" {
		if err := search(arguments); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	status := m.Run()
	if err := captures.check(); err != nil {
		fmt.Printf("--- FAIL: %v\n", err)
		status = 1
	}
	os.Exit(status)
}
