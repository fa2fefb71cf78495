package rfcomm_test

import (
	"context"
	"errors"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/go-rfcomm/rfcomm"
)

var (
	// headsetAddr and serverAddr are addresses that can be dialed and listened
	// on, where there is Bluetooth.
	headsetAddr = rfcomm.Addr{Device: headset, Channel: 11}
	serverAddr  = rfcomm.Addr{Channel: 11}
	// fromAnyAdapter is a LocalAddr that leaves the choice to the kernel.
	fromAnyAdapter = rfcomm.Addr{}
)

// noSocketToDial returns a dialer that fails the test if it makes a socket.
func noSocketToDial(t *testing.T) *rfcomm.Dialer {
	return &rfcomm.Dialer{ControlContext: func(context.Context, string, string, syscall.RawConn) error {
		t.Error("a socket was made")
		return errors.New("a socket was made")
	}}
}

// noSocketToListen returns a configuration that fails the test if it makes a
// socket.
func noSocketToListen(t *testing.T) *rfcomm.ListenConfig {
	return &rfcomm.ListenConfig{Control: func(string, string, syscall.RawConn) error {
		t.Error("a socket was made")
		return errors.New("a socket was made")
	}}
}

// wantRefusal checks that err is the *net.OpError that is wanted, that its
// message has all parts, and that no system call caused it.
func wantRefusal(t *testing.T, err error, want net.OpError, parts ...string) {
	t.Helper()
	got, ok := err.(*net.OpError)
	if !ok {
		t.Fatalf("got the error %v, want a *net.OpError", err)
	}
	want.Net = "rfcomm"
	if diff := cmp.Diff(want, *got, cmpopts.IgnoreFields(net.OpError{}, "Err")); diff != "" {
		t.Errorf("the error (-want +got):\n%s", diff)
	}
	if want.Err != nil && !errors.Is(err, want.Err) {
		t.Errorf("%v does not match %v", err, want.Err)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the message %q lacks %q", err, part)
		}
	}
	var fromKernel *os.SyscallError
	if errors.As(err, &fromKernel) {
		t.Errorf("%v comes from a system call", err)
	}
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

func TestListenConfigRefusesBadText(t *testing.T) {
	for name, tt := range map[string]struct {
		network, address string
		parts            []string
	}{
		"other network":     {"unix", ":11", []string{"unknown network", "unix"}},
		"malformed address": {"rfcomm", "eleven", []string{"eleven", addrExample}},
		"malformed device":  {"rfcomm", "[hci0]:11", []string{"hci0", deviceExample}},
		"channel 4000":      {"rfcomm", ":4000", []string{"4000", channelRange}},
	} {
		t.Run(name, func(t *testing.T) {
			l, err := noSocketToListen(t).Listen(t.Context(), tt.network, tt.address)
			if l != nil {
				t.Errorf("got %v with an error", l)
			}
			wantRefusal(t, err, net.OpError{Op: "listen"}, tt.parts...)
		})
	}
}

func TestListenRFCOMMRefusesBadOptions(t *testing.T) {
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	late, cancel := context.WithDeadline(t.Context(), time.Unix(1, 0))
	defer cancel()

	for name, tt := range map[string]struct {
		ctx   context.Context
		laddr rfcomm.Addr
		set   func(*rfcomm.ListenConfig)
		match error
		parts []string
	}{
		"channel 31":           {laddr: rfcomm.Addr{Channel: 31}, parts: []string{"31", channelRange}},
		"channel 4000":         {laddr: rfcomm.Addr{Channel: 4000}, parts: []string{"4000", channelRange}},
		"channel that wraps":   {laddr: rfcomm.Addr{Channel: 256}, parts: []string{"256", channelRange}},
		"negative channel":     {laddr: rfcomm.Addr{Channel: -1}, parts: []string{"-1", channelRange}},
		"negative backlog":     {laddr: serverAddr, set: func(lc *rfcomm.ListenConfig) { lc.Backlog = -7 }, parts: []string{"backlog", "-7"}},
		"no such security":     {laddr: serverAddr, set: func(lc *rfcomm.ListenConfig) { lc.Security = 255 }, parts: []string{"Security(255)", "SecurityHigh"}},
		"cancelled context":    {ctx: cancelled, laddr: serverAddr, match: context.Canceled},
		"context past its end": {ctx: late, laddr: serverAddr, match: os.ErrDeadlineExceeded},
	} {
		t.Run(name, func(t *testing.T) {
			lc := noSocketToListen(t)
			if tt.set != nil {
				tt.set(lc)
			}
			ctx := tt.ctx
			if ctx == nil {
				ctx = t.Context()
			}
			l, err := lc.ListenRFCOMM(ctx, tt.laddr)
			if l != nil {
				t.Errorf("got %v with an error", l)
			}
			wantRefusal(t, err, net.OpError{Op: "listen", Addr: tt.laddr, Err: tt.match}, tt.parts...)
			wantTimeout(t, err, tt.match == os.ErrDeadlineExceeded)
		})
	}
}

func TestShortFormsRefuseBadValues(t *testing.T) {
	_, err := rfcomm.Dial("headset", 11)
	wantRefusal(t, err, net.OpError{Op: "dial"}, "headset", deviceExample)

	_, err = rfcomm.Dial("01:23:45:67:89:AB", 4000)
	wantRefusal(t, err, net.OpError{Op: "dial", Addr: rfcomm.Addr{Device: headset, Channel: 4000}}, "4000", channelRange)

	_, err = rfcomm.Listen(4000)
	wantRefusal(t, err, net.OpError{Op: "listen", Addr: rfcomm.Addr{Channel: 4000}}, "4000", channelRange)
}

// wantTimeout checks whether err is a timeout to net/http and the like.
func wantTimeout(t *testing.T, err error, want bool) {
	t.Helper()
	if got := err.(net.Error).Timeout(); got != want {
		t.Errorf("%v: Timeout is %v", err, got)
	}
	if got := errors.Is(err, context.DeadlineExceeded); got != want {
		t.Errorf("%v: matching context.DeadlineExceeded is %v", err, got)
	}
}
