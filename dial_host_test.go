package rfcomm_test

import (
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/go-rfcomm/rfcomm"
)

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

// The channel 0 of the dialer's own address is refused after the remote address
// has been parsed, and before there is a socket.
func TestDialHostParsesHostsAndPorts(t *testing.T) {
	want := rfcomm.Addr{Device: rfcomm.BDAddr{0x01, 0x23, 0x45, 0x67, 0x89, 0xAB}, Channel: 20}
	for _, address := range []string{
		"01-23-45-67-89-AB:20",
		"01-23-45-67-89-ab:20",
		"[01:23:45:67:89:AB]:20",
	} {
		for _, network := range []string{"tcp", "rfcomm"} {
			d := noSocketToDial(t)
			d.LocalAddr.Channel = 1
			_, err := d.DialHost(t.Context(), network, address)
			wantRefusal(t, err, net.OpError{Op: "dial", Source: d.LocalAddr, Addr: want}, "local channel must be 0")
		}
	}
}

func TestDialHostRefusesOtherHosts(t *testing.T) {
	const form = "01-23-45-67-89-AB:20"
	for name, tt := range map[string]struct {
		network, address string
		parts            []string
	}{
		"other network":    {"udp", form, []string{"unknown network udp"}},
		"no network":       {"", form, []string{"unknown network"}},
		"host name":        {"tcp", "printer:20", []string{"printer:20", "not a Bluetooth device address", form}},
		"twelve digits":    {"tcp", "0123456789AB:20", []string{"not a Bluetooth device address", form}},
		"IP address":       {"tcp", "127.0.0.1:20", []string{"not a Bluetooth device address", form}},
		"no channel":       {"tcp", "01-23-45-67-89-AB", []string{"missing channel", form}},
		"empty channel":    {"tcp", "01-23-45-67-89-AB:", []string{"not an RFCOMM channel", form}},
		"port of http":     {"tcp", "01-23-45-67-89-AB:80", []string{"01-23-45-67-89-AB:80", "not an RFCOMM channel, 1 to 30", form}},
		"channel 0":        {"tcp", "01-23-45-67-89-AB:0", []string{"not an RFCOMM channel", form}},
		"name of a port":   {"tcp", "01-23-45-67-89-AB:http", []string{"not an RFCOMM channel", form}},
		"channel too long": {"tcp", "01-23-45-67-89-AB:99999999999999999999", []string{"not an RFCOMM channel", form}},
		"sign":             {"tcp", "01-23-45-67-89-AB:+20", []string{"not an RFCOMM channel", form}},
		"leading zero":     {"tcp", "01-23-45-67-89-AB:020", []string{"not an RFCOMM channel", form}},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := noSocketToDial(t).DialHost(t.Context(), tt.network, tt.address)
			if c != nil {
				t.Errorf("got %v with an error", c)
			}
			wantRefusal(t, err, net.OpError{Op: "dial"}, tt.parts...)
		})
	}
}

// A URL without a port has the port of its scheme.
func TestDialHostNamesTheMissingChannel(t *testing.T) {
	client := &http.Client{Transport: &http.Transport{DialContext: noSocketToDial(t).DialHost}}
	for address, port := range map[string]string{
		"http://01-23-45-67-89-AB/":  ":80",
		"https://01-23-45-67-89-AB/": ":443",
	} {
		_, err := client.Get(address)
		for _, part := range []string{port, "not an RFCOMM channel, 1 to 30", "01-23-45-67-89-AB:20"} {
			if err == nil || !strings.Contains(err.Error(), part) {
				t.Errorf("%s: %v lacks %q", address, err, part)
			}
		}
	}
}
