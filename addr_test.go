package rfcomm_test

import (
	"encoding/json"
	"net"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/go-rfcomm/rfcomm"
)

// headset is the address of a device.
var headset = rfcomm.BDAddr{0x01, 0x23, 0x45, 0x67, 0x89, 0xAB}

// Parts of error messages.
const (
	deviceExample = "01:23:45:67:89:AB"
	addrExample   = "[01:23:45:67:89:AB]:11"
	channelRange  = "RFCOMM has channels 1 to 30"
)

func TestParseBDAddr(t *testing.T) {
	for s, want := range map[string]rfcomm.BDAddr{
		"01:23:45:67:89:AB": headset,
		"01:23:45:67:89:ab": headset,
		"01:23:45:67:89:aB": headset,
		"01-23-45-67-89-AB": headset,
		"01-23-45-67-89-ab": headset,
		"00:00:00:00:00:00": {},
		"FF:FF:FF:FF:FF:FF": {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF},
	} {
		got, err := rfcomm.ParseBDAddr(s)
		if err != nil {
			t.Errorf("%q: %v", s, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", s, diff)
		}
	}
}

func TestParseBDAddrRefusesOtherText(t *testing.T) {
	for _, s := range []string{
		"",
		"01:23:45:67:89",
		"01:23:45:67:89:",
		"01:23:45:67:89:A",
		"01:23:45:67:89:ABC",
		"01:23:45:67:89:AB:CD",
		"01:23:45:67:89:AG",
		"01:23:45:67:89:é",
		"01:23:45:67:89-AB",
		"01-23-45-67-89:AB",
		"01 23 45 67 89 AB",
		"01.23.45.67.89.AB",
		"0123456789AB",
		"0:123:45:67:89:AB",
		" 01:23:45:67:89:AB",
		"01:23:45:67:89:AB ",
		" 1:23:45:67:89:AB",
		"+1:23:45:67:89:AB",
		strings.Repeat(":", 17),
		strings.Repeat("-", 17),
		"[01:23:45:67:89:AB]",
		"hci0",
	} {
		got, err := rfcomm.ParseBDAddr(s)
		if !got.IsZero() {
			t.Errorf("%q: got %v with an error", s, got)
		}
		wantAddrError(t, err, s, deviceExample)
	}
}

func TestParseBDAddrNamesABlank(t *testing.T) {
	for _, s := range []string{"01:23:45:67:89:AB ", " 01:23:45:67:89:AB", "01-23-45-67-89-AB\n", "\t01:23:45:67:89:ab\r\n"} {
		_, err := rfcomm.ParseBDAddr(s)
		wantAddrError(t, err, s, "blank before or after the Bluetooth device address; it should look like "+deviceExample)
	}
	_, err := rfcomm.ParseBDAddr("headset ")
	wantAddrError(t, err, "headset ", "malformed Bluetooth device address")
}

func TestBDAddrStringIsUpperCase(t *testing.T) {
	for want, a := range map[string]rfcomm.BDAddr{
		"01:23:45:67:89:AB": headset,
		"00:00:00:00:00:00": {},
		"FE:DC:BA:00:0A:0F": {0xFE, 0xDC, 0xBA, 0x00, 0x0A, 0x0F},
	} {
		if got := a.String(); got != want {
			t.Errorf("String: got %s, want %s", got, want)
		}
		if got, err := a.MarshalText(); string(got) != want || err != nil {
			t.Errorf("MarshalText: got %s, %v; want %s", got, err, want)
		}
	}
}

func TestBDAddrIsZero(t *testing.T) {
	if !(rfcomm.BDAddr{}).IsZero() {
		t.Error("the zero address is not zero")
	}
	for i := range len(headset) {
		var a rfcomm.BDAddr
		if a[i] = 1; a.IsZero() {
			t.Errorf("%v is zero", a)
		}
	}
}

func TestBDAddrThroughJSON(t *testing.T) {
	type pairing struct {
		Device rfcomm.BDAddr
		Names  map[rfcomm.BDAddr]string
	}
	want := pairing{Device: headset, Names: map[rfcomm.BDAddr]string{headset: "headset"}}
	text, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(`{"Device":"01:23:45:67:89:AB","Names":{"01:23:45:67:89:AB":"headset"}}`, string(text)); diff != "" {
		t.Errorf("Marshal (-want +got):\n%s", diff)
	}
	var got pairing
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Unmarshal (-want +got):\n%s", diff)
	}
}

func TestBDAddrUnmarshalMalformedText(t *testing.T) {
	a := headset
	wantAddrError(t, a.UnmarshalText([]byte("headset")), "headset", deviceExample)
	if a != headset {
		t.Errorf("the address is now %v", a)
	}
}

func TestParseAddr(t *testing.T) {
	for s, want := range map[string]rfcomm.Addr{
		"[01:23:45:67:89:AB]:11": {Device: headset, Channel: 11},
		"[01:23:45:67:89:ab]:1":  {Device: headset, Channel: 1},
		"[01:23:45:67:89:AB]:30": {Device: headset, Channel: 30},
		"[01:23:45:67:89:AB]:0":  {Device: headset},
		"[00:00:00:00:00:00]:7":  {Channel: 7},
		":11":                    {Channel: 11},
		":0":                     {},
	} {
		got, err := rfcomm.ParseAddr(s)
		if err != nil {
			t.Errorf("%q: %v", s, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", s, diff)
		}
	}
}

func TestParseAddrRefusesOtherText(t *testing.T) {
	for _, tt := range []struct{ addr, value, advice string }{
		{"", "", addrExample},
		{"11", "11", addrExample},
		{":", ":", addrExample},
		{"01:23:45:67:89:AB", "01:23:45:67:89:AB", addrExample},
		{"01:23:45:67:89:AB:11", "01:23:45:67:89:AB:11", addrExample},
		{"[01:23:45:67:89:AB]", "[01:23:45:67:89:AB]", addrExample},
		{"[01:23:45:67:89:AB]:", "[01:23:45:67:89:AB]:", addrExample},
		{"[01:23:45:67:89:AB] :11", "[01:23:45:67:89:AB] :11", addrExample},
		{"[01:23:45:67:89:AB:11", "[01:23:45:67:89:AB:11", addrExample},
		{"01:23:45:67:89:AB]:11", "01:23:45:67:89:AB]:11", addrExample},
		{"[:11", "[:11", addrExample},
		{":eleven", ":eleven", addrExample},
		{":+11", ":+11", addrExample},
		{":-0", ":-0", addrExample},
		{": 11", ": 11", addrExample},
		{":0x0b", ":0x0b", addrExample},
		{":1_1", ":1_1", addrExample},
		{"[]:11", "", deviceExample},
		{"[hci0]:11", "hci0", deviceExample},
		{"[01:23:45:67:89]:11", "01:23:45:67:89", deviceExample},
		{":31", "31", channelRange},
		{":4000", "4000", channelRange},
		{":-1", "-1", channelRange},
		{"[01:23:45:67:89:AB]:255", "255", channelRange},
		{":99999999999999999999999999", "99999999999999999999999999", channelRange},
		{":-99999999999999999999999999", "-99999999999999999999999999", channelRange},
	} {
		got, err := rfcomm.ParseAddr(tt.addr)
		if got != (rfcomm.Addr{}) {
			t.Errorf("%q: got %v with an error", tt.addr, got)
		}
		wantAddrError(t, err, tt.value, tt.advice)
	}
}

func TestAddrString(t *testing.T) {
	for want, a := range map[string]rfcomm.Addr{
		"[01:23:45:67:89:AB]:11": {Device: headset, Channel: 11},
		"[01:23:45:67:89:AB]:0":  {Device: headset},
		":30":                    {Channel: 30},
		":0":                     {},
	} {
		if got := a.String(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		if got := a.Network(); got != "rfcomm" {
			t.Errorf("%s: the network is %q", want, got)
		}
	}
}

func TestAddrThroughJSON(t *testing.T) {
	type config struct{ Server, Any rfcomm.Addr }
	want := config{Server: rfcomm.Addr{Device: headset, Channel: 11}}
	text, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	if text := string(text); text != `{"Server":"[01:23:45:67:89:AB]:11","Any":":0"}` {
		t.Errorf("marshaled as %s", text)
	}
	var got config
	if err := json.Unmarshal(text, &got); err != nil || got != want {
		t.Errorf("unmarshaled as %v, %v", got, err)
	}
	before := got.Server
	if err := got.Server.UnmarshalText([]byte(":31")); err == nil || got.Server != before {
		t.Errorf("text with channel 31 is accepted as %v, %v", got.Server, err)
	}
}

func TestAddrIsComparable(t *testing.T) {
	var a, b net.Addr = rfcomm.Addr{Device: headset, Channel: 11}, rfcomm.Addr{Device: headset, Channel: 11}
	if a != b {
		t.Error("two equal addresses differ as net.Addr")
	}
}

func TestAddrHostPortInURLs(t *testing.T) {
	if got, want := headsetAddr.HostPort(), strings.ReplaceAll(headset.String(), ":", "-")+":11"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	u, err := url.Parse("http://" + headsetAddr.HostPort() + "/path")
	if err != nil {
		t.Fatal(err)
	}
	if u.Host != headsetAddr.HostPort() || u.Port() != "11" {
		t.Errorf("the URL has the host %q and the port %q", u.Host, u.Port())
	}
}

func FuzzParseBDAddr(f *testing.F) {
	for _, s := range []string{
		"", "01:23:45:67:89:AB", "01:23:45:67:89:ab", "00:00:00:00:00:00", "01-23-45-67-89-AB",
		"01:23:45:67:89:AG", "01:23:45:67:89:A", "01:23:45:67:89:é", "\x00\x01\x02\x03\x04\x05",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := rfcomm.ParseBDAddr(s)
		if err != nil {
			wantAddrError(t, err, s, deviceExample)
			return
		}
		if got, want := a.String(), strings.ToUpper(strings.ReplaceAll(s, "-", ":")); got != want {
			t.Errorf("%q is written %q", s, got)
		}
		if again, err := rfcomm.ParseBDAddr(a.String()); again != a || err != nil {
			t.Errorf("%v is read as %v, %v", a, again, err)
		}
	})
}

func FuzzParseAddr(f *testing.F) {
	for _, s := range []string{
		"", ":", ":0", ":11", ":30", ":31", ":4000", ":-1", ":+1", ":011", "[]:1", "[:1", "]:1", "[01:23:45:67:89:AB]:11",
		"[01:23:45:67:89:ab]:0", "[00:00:00:00:00:00]:7", "01:23:45:67:89:AB:11", ":99999999999999999999999999",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := rfcomm.ParseAddr(s)
		if err != nil {
			if _, ok := err.(*net.AddrError); !ok {
				t.Errorf("%q: got the error %v, want a *net.AddrError", s, err)
			}
			return
		}
		if a.Channel < 0 || a.Channel > 30 {
			t.Errorf("%q has channel %d", s, a.Channel)
		}
		again, err := rfcomm.ParseAddr(a.String())
		if err != nil {
			t.Fatalf("%q is written %q: %v", s, a, err)
		}
		if diff := cmp.Diff(a, again); diff != "" {
			t.Errorf("%q is written %q (-want +got):\n%s", s, a, diff)
		}
	})
}

// wantAddrError checks that err is a *net.AddrError for the value, and that its
// message has both the value and the advice.
func wantAddrError(t *testing.T, err error, value, advice string) {
	t.Helper()
	addrErr, ok := err.(*net.AddrError)
	if !ok {
		t.Errorf("%q: got the error %v, want a *net.AddrError", value, err)
		return
	}
	if addrErr.Addr != value {
		t.Errorf("the error is about %q, want %q", addrErr.Addr, value)
	}
	for _, part := range []string{value, advice} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the message %q lacks %q", err, part)
		}
	}
}
