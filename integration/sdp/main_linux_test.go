package sdp_test

import (
	"fmt"
	"os"
	"testing"
)

func TestMain(m *testing.M) {
	if text := os.Getenv(taskVariable); text != "" {
		if err := runTask(text); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	status := m.Run()
	if err := captures.check(); err != nil {
		fmt.Printf("--- FAIL: the check of all packets by tshark\n%v\n", err)
		status = 1
	}
	os.Exit(status)
}
