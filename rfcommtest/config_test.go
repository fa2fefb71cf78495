package rfcommtest_test

import (
	"errors"
	"runtime"
	"strings"
	"testing"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/rfcommtest"
)

func TestNewRadioRejectsInvalidConfigs(t *testing.T) {
	for name, tt := range map[string]struct {
		config rfcommtest.Config
		says   []string
	}{
		"one controller":    {rfcommtest.Config{Controllers: 1}, []string{"Controllers is 1", "2 to 8"}},
		"nine controllers":  {rfcommtest.Config{Controllers: 9}, []string{"Controllers is 9", "2 to 8"}},
		"a negative length": {rfcommtest.Config{ACLLength: -1}, []string{"ACLLength is -1", "27 to 1021"}},
		"a short length":    {rfcommtest.Config{ACLLength: 26}, []string{"ACLLength is 26"}},
		"a long length":     {rfcommtest.Config{ACLLength: 1022}, []string{"ACLLength is 1022"}},
		"many buffers":      {rfcommtest.Config{ACLBuffers: 256}, []string{"ACLBuffers is 256", "1 to 255"}},
		"addresses run out": {rfcommtest.Config{Controllers: 8, Address: rfcomm.BDAddr{2, 0, 0, 0, 0, 0xf9}}, []string{"02:00:00:00:00:F9", "FF"}},
	} {
		_, err := rfcommtest.NewRadio(tt.config)
		if err == nil {
			t.Errorf("%s: no error", name)
			continue
		}
		for _, part := range tt.says {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%s: %v does not say %q", name, err, part)
			}
		}
		if errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("%s: %v is said to be unsupported", name, err)
		}
	}
}

// Require skips tests because of this error, and users read it.
func TestNewRadioWithoutBluetoothGivesAdvice(t *testing.T) {
	if _, err := rfcomm.Adapters(); err == nil {
		t.Skip("this kernel has Bluetooth")
	}
	_, err := rfcommtest.NewRadio(rfcommtest.Config{})
	advice := "only Linux"
	if runtime.GOOS == "linux" {
		advice = "lab/run"
	}
	if !errors.Is(err, errors.ErrUnsupported) || !strings.Contains(err.Error(), advice) {
		t.Errorf("got %v, want advice of %q", err, advice)
	}
	t.Log(err)
	skipped := false
	t.Run("Require", func(t *testing.T) {
		defer func() { skipped = t.Skipped() }()
		rfcommtest.Require(t, rfcommtest.Config{})
	})
	if !skipped {
		t.Error("Require did not skip the test")
	}
}
