package rfcommtest_test

import (
	"errors"
	"runtime"
	"strings"
	"testing"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/rfcommtest"
)

// second returns a config with the given second controller.
func second(config rfcommtest.ControllerConfig) rfcommtest.Config {
	return rfcommtest.Config{Each: []rfcommtest.ControllerConfig{{}, config}}
}

func TestNewRadioRejectsInvalidConfigs(t *testing.T) {
	for name, tt := range map[string]struct {
		config rfcommtest.Config
		says   []string
	}{
		"nine controllers":    {rfcommtest.Config{Controllers: 9}, []string{"Controllers is 9", "1 to 8"}},
		"a negative length":   {rfcommtest.Config{ACLLength: -1}, []string{"ACLLength is -1", "27 to 1021"}},
		"a short length":      {rfcommtest.Config{ACLLength: 26}, []string{"ACLLength is 26"}},
		"a long length":       {rfcommtest.Config{ACLLength: 1022}, []string{"ACLLength is 1022"}},
		"many buffers":        {rfcommtest.Config{ACLBuffers: 256}, []string{"ACLBuffers is 256", "1 to 255"}},
		"too many elements":   {rfcommtest.Config{Controllers: 2, Each: make([]rfcommtest.ControllerConfig, 3)}, []string{"Each has 3 elements", "2 controllers"}},
		"nine elements":       {rfcommtest.Config{Each: make([]rfcommtest.ControllerConfig, 9)}, []string{"Controllers is 9", "1 to 8"}},
		"an unknown version":  {second(rfcommtest.ControllerConfig{Version: 1}), []string{"Each[1].Version is 1", "Version20"}},
		"an unknown feature":  {second(rfcommtest.ControllerConfig{Without: rfcommtest.SimplePairing | 0x80}), []string{"Each[1].Without is 0x84", "0x80"}},
		"a long name":         {second(rfcommtest.ControllerConfig{Name: strings.Repeat("n", 249)}), []string{"Each[1].Name has 249 bytes", "248"}},
		"a name with zeros":   {second(rfcommtest.ControllerConfig{Name: "a\x00b"}), []string{"Each[1].Name", "zero byte"}},
		"a large class":       {second(rfcommtest.ControllerConfig{Class: 1 << 24}), []string{"Each[1].Class is 0x1000000", "0xffffff"}},
		"a long response":     {second(rfcommtest.ControllerConfig{EIR: make([]byte, 241)}), []string{"Each[1].EIR has 241 bytes", "240"}},
		"a 2.0 response":      {second(rfcommtest.ControllerConfig{EIR: make([]byte, 1), Version: rfcommtest.Version20}), []string{"Each[1].EIR is set", "no extended inquiry responses"}},
		"no RSSI":             {second(rfcommtest.ControllerConfig{EIR: make([]byte, 1), Without: rfcommtest.InquiryRSSI}), []string{"Each[1].EIR is set"}},
		"one short length":    {second(rfcommtest.ControllerConfig{ACLLength: 26}), []string{"Each[1].ACLLength is 26", "27 to 1021"}},
		"many of its buffers": {second(rfcommtest.ControllerConfig{ACLBuffers: 256}), []string{"Each[1].ACLBuffers is 256"}},
		"addresses run out":   {rfcommtest.Config{Controllers: 8, Address: rfcomm.BDAddr{2, 0, 0, 0, 0, 0xf9}}, []string{"02:00:00:00:00:F9", "FF"}},
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
