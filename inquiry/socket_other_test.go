//go:build !linux

package inquiry

import (
	"errors"
	"testing"
)

func TestDevicesUnsupported(t *testing.T) {
	n := 0
	for _, err := range Devices(t.Context(), nil) {
		n++
		if !errors.Is(err, errors.ErrUnsupported) {
			t.Error(err)
		}
	}
	if n != 1 {
		t.Errorf("the loop ran %d times, want once", n)
	}
}
