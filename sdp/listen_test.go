package sdp

import (
	"errors"
	"net"
	"os"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

var (
	hci0  = rfcomm.Adapter{Name: "hci0", Addr: rfcomm.BDAddr{1}}
	hci1  = rfcomm.Adapter{Index: 1, Name: "hci1", Addr: rfcomm.BDAddr{2}}
	fresh = rfcomm.Adapter{Index: 2, Name: "hci2"} // without an address yet
)

// A claimTest has two adapters and records the steps of a claim.
type claimTest struct {
	taken  func(device rfcomm.BDAddr) bool
	steps  []rfcomm.BDAddr // of bound and listen
	pauses []time.Duration
	open   int // number of listeners
}

func (c *claimTest) listener(adapter rfcomm.BDAddr) (net.Listener, error) {
	bind := func(device rfcomm.BDAddr) error {
		c.steps = append(c.steps, device)
		if c.taken != nil && c.taken(device) {
			return &net.OpError{Op: "listen", Err: os.NewSyscallError("bind", syscall.EADDRINUSE)}
		}
		return nil
	}
	return claim{
		find:     func(rfcomm.BDAddr) (*rfcomm.Adapter, error) { return &hci0, nil },
		adapters: func() ([]rfcomm.Adapter, error) { return []rfcomm.Adapter{hci0, hci1, fresh}, nil },
		bound:    bind,
		listen: func(device rfcomm.BDAddr) (net.Listener, error) {
			if err := bind(device); err != nil {
				return nil, err
			}
			c.open++
			return closeTracker{hosttest.ListenPackets(48, 48), c}, nil
		},
		sleep: func(d time.Duration) { c.pauses = append(c.pauses, d) },
	}.listener(adapter)
}

type closeTracker struct {
	net.Listener
	test *claimTest
}

func (l closeTracker) Close() error {
	l.test.open--
	return l.Listener.Close()
}

func TestListenLooksForRivals(t *testing.T) {
	every := rfcomm.BDAddr{}
	for adapter, want := range map[rfcomm.BDAddr][]rfcomm.BDAddr{
		hci0.Addr: {every, hci0.Addr, every},
		every:     {hci0.Addr, hci1.Addr, every, hci0.Addr, hci1.Addr},
	} {
		var c claimTest
		l, err := c.listener(adapter)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(c.steps, want) || c.open != 1 || len(c.pauses) > 0 {
			t.Errorf("for %v, Listen binds to %v, want %v", adapter, c.steps, want)
		}
		l.Close()
	}
}

func TestListenRefusesToShare(t *testing.T) {
	every := rfcomm.BDAddr{}
	for _, tt := range []struct {
		adapter, taken rfcomm.BDAddr
		want           string
	}{
		{hci0.Addr, hci0.Addr, "PSM 1 of hci0 (01:00:00:00:00:00)"},
		{hci0.Addr, every, "PSM 1 of all adapters"},
		{every, every, "PSM 1 of all adapters"},
		{every, hci1.Addr, "PSM 1 of hci1 (02:00:00:00:00:00)"},
	} {
		c := claimTest{taken: func(device rfcomm.BDAddr) bool { return device == tt.taken }}
		_, err := c.listener(tt.adapter)
		if !errors.Is(err, syscall.EADDRINUSE) || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "package bluez") {
			t.Errorf("%v beside %v: Listen returned the error %v, want one that contains %q", tt.adapter, tt.taken, err, tt.want)
		}
		if len(c.pauses) != claimAttempts-1 || slices.Max(c.pauses) >= claimPause || c.open != 0 {
			t.Errorf("%v beside %v: Listen pauses %v", tt.adapter, tt.taken, c.pauses)
		}
	}
}

// Another program that looks for listeners has the PSM for a moment only, before
// or after this one has bound it.
func TestListenRetries(t *testing.T) {
	for busy := range 4 {
		c := new(claimTest)
		c.taken = func(rfcomm.BDAddr) bool { return len(c.steps) == busy+1 }
		l, err := c.listener(hci0.Addr)
		if err != nil {
			t.Errorf("the PSM is in use at step %d: Listen returned the error %v", busy, err)
			continue
		}
		if paused := len(c.pauses) == 1; paused != (busy < 3) || c.open != 1 {
			t.Errorf("the PSM is in use at step %d: Listen pauses %v and leaves %d listeners open", busy, c.pauses, c.open)
		}
		l.Close()
	}
}

func TestListenReportsOtherErrors(t *testing.T) {
	for _, want := range []error{syscall.EACCES, syscall.EMFILE} {
		calls := 0
		_, err := claim{
			find:  func(rfcomm.BDAddr) (*rfcomm.Adapter, error) { return &hci0, nil },
			bound: func(rfcomm.BDAddr) error { calls++; return os.NewSyscallError("bind", want) },
		}.listener(hci0.Addr)
		if !errors.Is(err, want) || calls != 1 {
			t.Errorf("after %d attempts, Listen returned the error %v, want %v", calls, err, want)
		}
		if want == syscall.EACCES && (!strings.Contains(err.Error(), "CAP_NET_BIND_SERVICE") || !strings.Contains(err.Error(), "setcap")) {
			t.Errorf("Listen returned the error %v without advice", err)
		}
	}
	missing := &net.AddrError{Err: "no such Bluetooth adapter", Addr: "x"}
	_, err := claim{
		find: func(rfcomm.BDAddr) (*rfcomm.Adapter, error) { return nil, missing },
	}.listener(hci0.Addr)
	if err != missing {
		t.Errorf("without the adapter, Listen returned the error %v", err)
	}
}

func TestListenError(t *testing.T) {
	cause := os.NewSyscallError("bind", syscall.EADDRINUSE)
	err := listenError(hci0.Addr, &net.OpError{Op: "adapters", Net: "rfcomm", Err: cause})
	if want := "listen l2cap [01:00:00:00:00:00]:1: " + cause.Error(); err.Error() != want {
		t.Errorf("the error is %q, want %q", err, want)
	}
}

func TestListenUnsupported(t *testing.T) {
	if runtime.GOOS == "linux" {
		t.Skip("Linux has L2CAP sockets")
	}
	for _, adapter := range []rfcomm.BDAddr{{}, hci0.Addr} {
		if _, err := Listen(adapter); !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("Listen(%v) returned the error %v", adapter, err)
		}
	}
}
