package rfcomm_test

import (
	"context"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/go-rfcomm/rfcomm"
)

func TestListenRefusesBadChannels(t *testing.T) {
	_, err := rfcomm.Listen(4000)
	wantRefusal(t, err, net.OpError{Op: "listen", Addr: rfcomm.Addr{Channel: 4000}}, "4000", channelRange)
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

func TestListenRFCOMMOnAnUnknownAdapter(t *testing.T) {
	laddr := rfcomm.Addr{Device: rfcomm.BDAddr{0x02, 0, 0, 0, 0, 0x01}, Channel: 11}
	_, err := noSocketToListen(t).ListenRFCOMM(t.Context(), laddr)
	if _, ok := err.(*net.OpError); !ok {
		t.Errorf("got the error %v, want a *net.OpError", err)
	}
}

func TestListenerZeroAndNilAreInvalid(t *testing.T) {
	for name, l := range map[string]*rfcomm.Listener{"nil": nil, "zero": {}} {
		for method, call := range map[string]func() error{
			"Accept":       func() error { _, err := l.Accept(); return err },
			"AcceptRFCOMM": func() error { _, err := l.AcceptRFCOMM(); return err },
			"Close":        l.Close,
			"SetDeadline":  func() error { return l.SetDeadline(time.Time{}) },
			"File":         func() error { _, err := l.File(); return err },
			"SyscallConn":  func() error { _, err := l.SyscallConn(); return err },
		} {
			if err := call(); err != syscall.EINVAL {
				t.Errorf("%s of a %s Listener returned %v, want EINVAL", method, name, err)
			}
		}
		if addr := l.Addr(); addr != nil {
			t.Errorf("a %s Listener has the address %v", name, addr)
		}
	}
}
