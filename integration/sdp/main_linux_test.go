package sdp_test

import (
	"fmt"
	"os"
	"testing"
)

func TestMain(m *testing.M) {
	status := m.Run()
	if err := captures.check(); err != nil {
		fmt.Printf("--- FAIL: %v\n", err)
		status = 1
	}
	os.Exit(status)
}
