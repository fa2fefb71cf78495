package rfcomm_test

import (
	"context"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/go-rfcomm/rfcomm"
)

func TestDialRefusesBadValues(t *testing.T) {
	_, err := rfcomm.Dial("headset", 11)
	wantRefusal(t, err, net.OpError{Op: "dial"}, "headset", deviceExample)

	_, err = rfcomm.Dial("01:23:45:67:89:AB", 4000)
	wantRefusal(t, err, net.OpError{Op: "dial", Addr: rfcomm.Addr{Device: headset, Channel: 4000}}, "4000", channelRange)
}

func TestDialContextRefusesBadText(t *testing.T) {
	for name, tt := range map[string]struct {
		network, address string
		parts            []string
	}{
		"other network":      {"tcp", "[01:23:45:67:89:AB]:11", []string{"unknown network", "tcp"}},
		"network in capital": {"RFCOMM", "[01:23:45:67:89:AB]:11", []string{"unknown network", "RFCOMM"}},
		"no network":         {"", "[01:23:45:67:89:AB]:11", []string{"unknown network"}},
		"malformed address":  {"rfcomm", "headset:11", []string{"headset:11", addrExample}},
		"malformed device":   {"rfcomm", "[headset]:11", []string{"headset", deviceExample}},
		"channel 4000":       {"rfcomm", "[01:23:45:67:89:AB]:4000", []string{"4000", channelRange}},
	} {
		t.Run(name, func(t *testing.T) {
			d := noSocketToDial(t)
			c, err := d.DialContext(t.Context(), tt.network, tt.address)
			if c != nil {
				t.Errorf("got %v with an error", c)
			}
			wantRefusal(t, err, net.OpError{Op: "dial"}, tt.parts...)

			d.LocalAddr = fromAnyAdapter
			_, err = d.DialContext(t.Context(), tt.network, tt.address)
			wantRefusal(t, err, net.OpError{Op: "dial"}, tt.parts...)

			d.LocalAddr = rfcomm.Addr{Device: headset}
			_, err = d.DialContext(t.Context(), tt.network, tt.address)
			wantRefusal(t, err, net.OpError{Op: "dial", Source: d.LocalAddr}, tt.parts...)
		})
	}
}

func TestDialRFCOMMRefusesBadOptions(t *testing.T) {
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	late, cancel := context.WithDeadline(t.Context(), time.Unix(1, 0))
	defer cancel()
	withChannel := rfcomm.Addr{Device: headset, Channel: 5}

	for name, tt := range map[string]struct {
		ctx   context.Context
		raddr rfcomm.Addr
		set   func(*rfcomm.Dialer)
		match error
		parts []string
	}{
		"channel 0":            {raddr: rfcomm.Addr{Device: headset}, parts: []string{"0", channelRange}},
		"channel 31":           {raddr: rfcomm.Addr{Device: headset, Channel: 31}, parts: []string{"31", channelRange}},
		"channel 4000":         {raddr: rfcomm.Addr{Device: headset, Channel: 4000}, parts: []string{"4000", channelRange}},
		"channel that wraps":   {raddr: rfcomm.Addr{Device: headset, Channel: 256 + 11}, parts: []string{"267", channelRange}},
		"negative channel":     {raddr: rfcomm.Addr{Device: headset, Channel: -1}, parts: []string{"-1", channelRange}},
		"no address":           {parts: []string{"missing device address"}},
		"zero device":          {raddr: serverAddr, parts: []string{":11", addrExample}},
		"local channel":        {raddr: headsetAddr, set: func(d *rfcomm.Dialer) { d.LocalAddr = withChannel }, parts: []string{withChannel.String(), "must be 0"}},
		"no such security":     {raddr: headsetAddr, set: func(d *rfcomm.Dialer) { d.Security = 4 }, parts: []string{"Security(4)", "SecurityHigh"}},
		"cancelled context":    {ctx: cancelled, raddr: headsetAddr, match: context.Canceled},
		"context past its end": {ctx: late, raddr: headsetAddr, match: os.ErrDeadlineExceeded},
		"passed deadline":      {raddr: headsetAddr, set: func(d *rfcomm.Dialer) { d.Deadline = time.Unix(1, 0) }, match: os.ErrDeadlineExceeded},
		"negative timeout":     {raddr: headsetAddr, set: func(d *rfcomm.Dialer) { d.Timeout = -1 }, match: os.ErrDeadlineExceeded},
		"deadline before timeout": {raddr: headsetAddr, match: os.ErrDeadlineExceeded, set: func(d *rfcomm.Dialer) {
			d.Timeout, d.Deadline = time.Hour, time.Unix(1, 0)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			d := noSocketToDial(t)
			if tt.set != nil {
				tt.set(d)
			}
			ctx := tt.ctx
			if ctx == nil {
				ctx = t.Context()
			}
			want := net.OpError{Op: "dial", Addr: tt.raddr, Err: tt.match}
			if d.LocalAddr != fromAnyAdapter {
				want.Source = d.LocalAddr
			}
			c, err := d.DialRFCOMM(ctx, tt.raddr)
			if c != nil {
				t.Errorf("got %v with an error", c)
			}
			wantRefusal(t, err, want, tt.parts...)
			wantTimeout(t, err, tt.match == os.ErrDeadlineExceeded)
		})
	}
}

func TestDialRFCOMMFromAnUnknownAdapter(t *testing.T) {
	d := noSocketToDial(t)
	d.LocalAddr = rfcomm.Addr{Device: rfcomm.BDAddr{0x02, 0, 0, 0, 0, 0x01}}
	_, err := d.DialRFCOMM(t.Context(), headsetAddr)
	if _, ok := err.(*net.OpError); !ok {
		t.Errorf("got the error %v, want a *net.OpError", err)
	}
}

// The dialer refuses its local channel 1 after it has parsed the remote
// address, and before it creates a socket.
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
