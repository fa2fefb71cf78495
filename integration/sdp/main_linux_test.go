package sdp_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
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
	if !checkCaptures() {
		status = 1
	}
	os.Exit(status)
}

// checkCaptures lets tshark check the packets of all tests. It prints the result
// like that of a test, so that lab/test counts it.
func checkCaptures() (passed bool) {
	if len(captures) == 0 {
		return true
	}
	const name = "TestMain/tshark"
	fmt.Println("=== RUN  ", name)
	err := captures.Check()
	result := "PASS"
	switch {
	case errors.Is(err, exec.ErrNotFound):
		fmt.Println("    needs tshark (package tshark)")
		result, err = "SKIP", nil
	case err != nil:
		fmt.Println(err)
		result = "FAIL"
	}
	fmt.Printf("--- %s: %s\n", result, name)
	return err == nil
}
