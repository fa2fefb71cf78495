package rfcomm_test

import (
	"context"
	"net"
	"os"
	"testing"
	"time"

	"github.com/go-rfcomm/rfcomm"
)

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
