package main

import (
	"strings"
	"testing"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/sdp"
)

func TestParseTarget(t *testing.T) {
	device := rfcomm.BDAddr{0x01, 0x23, 0x45, 0x67, 0x89, 0xab}
	vendor, err := sdp.ParseUUID("12345678-1234-5678-1234-56789abcdef0")
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]target{
		"01:23:45:67:89:AB":        {device: device},
		"01-23-45-67-89-ab":        {device: device},
		"01:23:45:67:89:AB/20":     {device: device, service: service{channel: 20}},
		"01-23-45-67-89-AB/1":      {device: device, service: service{channel: 1}},
		"01:23:45:67:89:ab/spp":    {device: device, service: service{uuid: sdp.SerialPort}},
		"01:23:45:67:89:AB/1101":   {device: device, service: service{uuid: sdp.SerialPort}},
		"01:23:45:67:89:AB/0x1105": {device: device, service: service{uuid: sdp.ObjectPush}},
		"01:23:45:67:89:AB/12345678-1234-5678-1234-56789abcdef0": {device: device, service: service{uuid: vendor}},
		"HC-05":        {},
		"HC-05/spp":    {},
		"Bob's 1/2 kg": {},
		"01":           {},
		"a-b-c":        {},
		"/spp":         {},
	} {
		got, err := parseTarget(text)
		if err != nil || got != want {
			t.Errorf("parseTarget(%q) = %+v, %v, want %+v", text, got, err, want)
		}
	}
}

func TestParseTargetNamesWhatIsWrong(t *testing.T) {
	for text, part := range map[string]string{
		"":                         "is empty",
		"01:23:45:67:89":           "should look like",
		"01:23:45:67:89:AG":        "should look like",
		"01:23:45:67:89:AB:CD":     "should look like",
		"01-23-45-67-89":           "should look like",
		"O1:23:45:67:89:AB/spp":    "should look like",
		"00:00:00:00:00:00":        "not the address of a device",
		"01:23:45:67:89:AB/":       `unknown service ""`,
		"01:23:45:67:89:AB/0":      "no such channel 0",
		"01:23:45:67:89:AB/31":     "no such channel 31",
		"01:23:45:67:89:AB/999":    "no such channel 999",
		"01:23:45:67:89:AB/-1":     `unknown service "-1"`,
		"01:23:45:67:89:AB/fax!":   `unknown service "fax!"`,
		"01:23:45:67:89:AB/spp/20": `unknown service "spp/20"`,
	} {
		_, err := parseTarget(text)
		if err == nil || !strings.Contains(err.Error(), part) || statusOf(err) != statusUsage {
			t.Errorf("parseTarget(%q) returned %v, status %d; want a usage error with %q", text, err, statusOf(err), part)
		}
	}
}

func TestSplitNameSplitsAtTheLastSlash(t *testing.T) {
	for text, want := range map[string]struct {
		name    string
		service service
		unknown bool
	}{
		"HC-05/spp": {"HC-05", service{uuid: sdp.SerialPort}, false},
		"a/b/3":     {"a/b", service{channel: 3}, false},
		"HC-05":     {},
		"/3":        {},
		"a/b":       {"a", service{}, true},
		"a/31":      {"a", service{channel: 31}, true},
	} {
		name, s, err := splitName(text)
		if name != want.name || s != want.service || (err != nil) != want.unknown {
			t.Errorf("splitName(%q) = %q, %+v, %v, want %+v", text, name, s, err, want)
		}
	}
}
