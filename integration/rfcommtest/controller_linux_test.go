package rfcommtest_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/rfcommtest"
)

func TestControllerUnreachable(t *testing.T) {
	for name, tt := range map[string]struct {
		hide, show func(r *rfcommtest.Radio, a, b *rfcommtest.Controller)
		want       error
	}{
		"out of range": {
			func(_ *rfcommtest.Radio, _, b *rfcommtest.Controller) { b.SetReachable(false) },
			func(_ *rfcommtest.Radio, _, b *rfcommtest.Controller) { b.SetReachable(true) },
			syscall.EHOSTDOWN,
		},
		"answers too late": {
			func(r *rfcommtest.Radio, a, b *rfcommtest.Controller) { r.Link(a, b).SetPageDelay(time.Hour) },
			func(r *rfcommtest.Radio, a, b *rfcommtest.Controller) { r.Link(a, b).SetPageDelay(0) },
			syscall.EHOSTDOWN,
		},
		"stalled": {
			func(r *rfcommtest.Radio, a, b *rfcommtest.Controller) { r.Link(a, b).Stall() },
			func(r *rfcommtest.Radio, a, b *rfcommtest.Controller) { r.Link(a, b).Resume() },
			syscall.EHOSTDOWN,
		},
		"refuses": {
			func(_ *rfcommtest.Radio, _, b *rfcommtest.Controller) { b.Refuse(rfcommtest.LimitedResources) },
			func(_ *rfcommtest.Radio, _, b *rfcommtest.Controller) { b.Refuse(0) },
			syscall.ECONNREFUSED,
		},
		"is down": {
			func(_ *rfcommtest.Radio, _, b *rfcommtest.Controller) { b.Down() },
			func(_ *rfcommtest.Radio, _, b *rfcommtest.Controller) { b.Up() },
			syscall.EHOSTDOWN,
		},
		"is unplugged": {
			func(_ *rfcommtest.Radio, _, b *rfcommtest.Controller) { b.Unplug() },
			func(_ *rfcommtest.Radio, _, b *rfcommtest.Controller) { b.Plug() },
			syscall.EHOSTDOWN,
		},
	} {
		t.Run(name, func(t *testing.T) {
			r, a, b := two(t, rfcommtest.Config{})
			l := listen(t, b)
			tt.hide(r, a, b)
			c, err := dial(t.Context(), a, l)
			if err == nil {
				c.Close()
			}
			if !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
			tt.show(r, a, b)
			connect(t, a, b)
		})
	}
}

// If an adapter is switched off while it has links, the kernel may never send
// on it again, so Down must end the links first.
func TestControllerDownEndsLinksFirst(t *testing.T) {
	var log bytes.Buffer
	r, a, b := two(t, rfcommtest.Config{Log: &log})
	connect(t, a, b)
	if err := a.Down(); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	// Disconnection Complete: success, handle 1, terminated by the local host.
	if ended := []byte{0x05, 4, 0, 1, 0, 0x16}; !bytes.Contains(log.Bytes(), ended) {
		t.Errorf("the log lacks % x: Down has not ended the link", ended)
	}
}

func TestControllerDownWhileDataFlows(t *testing.T) {
	r, a, b := two(t, rfcommtest.Config{})
	r.Link(a, b).SetSupervisionTimeout(50 * time.Millisecond)
	for range 10 {
		dialed, accepted := connect(t, a, b)
		var streams sync.WaitGroup
		flows := make(chan struct{})
		for _, c := range []*rfcomm.Conn{dialed, accepted} {
			streams.Go(func() {
				for err := error(nil); err == nil; {
					_, err = c.Write(make([]byte, 4096))
				}
			})
			streams.Go(func() {
				if _, err := io.CopyN(io.Discard, c, 20_000); err != nil {
					t.Errorf("before Down: %v", err)
				}
				flows <- struct{}{}
				io.Copy(io.Discard, c)
			})
		}
		<-flows
		<-flows
		if err := b.Down(); err != nil {
			t.Fatal(err)
		}
		streams.Wait()
		dialed.Close()
		accepted.Close()
		if err := b.Up(); err != nil {
			t.Fatal(err)
		}
	}
	dialed, accepted := connect(t, a, b)
	pass(t, dialed, accepted)
	pass(t, accepted, dialed)
}

func TestControllerUnplugAndDown(t *testing.T) {
	r, a, b := two(t, rfcommtest.Config{})
	r.Link(a, b).SetSupervisionTimeout(50 * time.Millisecond)
	has := func(want bool) {
		t.Helper()
		all, err := rfcomm.Adapters()
		if err != nil {
			t.Fatal(err)
		}
		found := false
		for _, adapter := range all {
			found = found || adapter.Addr == a.Addr() && adapter.Up && adapter.Name == a.Name()
		}
		if found != want {
			t.Errorf("%s (%s) among %+v: %v, want %v", a.Addr(), a.Name(), all, found, want)
		}
	}
	for name, change := range map[string]struct {
		go_, come func() error
	}{
		"unplugged": {a.Unplug, a.Plug},
		"down":      {a.Down, a.Up},
	} {
		t.Run(name, func(t *testing.T) {
			has(true)
			dialed, accepted := connect(t, a, b)
			if err := change.go_(); err != nil {
				t.Fatal(err)
			}
			has(false)
			if _, err := dialed.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNABORTED) {
				t.Errorf("its own end read %v", err)
			}
			if _, err := accepted.Read(make([]byte, 1)); !errors.Is(err, syscall.ETIMEDOUT) {
				t.Errorf("the other end read %v", err)
			}
			if err := change.come(); err != nil {
				t.Fatal(err)
			}
			connect(t, a, b)
		})
	}
	if err := a.Unplug(); err != nil {
		t.Fatal(err)
	}
	if a.Name() != "" {
		t.Errorf("an unplugged controller has the name %q", a.Name())
	}
	if err := a.Unplug(); err != nil {
		t.Errorf("unplugging it again: %v", err)
	}
	for name, err := range map[string]error{"Down": a.Down(), "Up": a.Up(), "Pair": r.Link(a, b).Pair()} {
		if err == nil || !strings.Contains(err.Error(), "unplugged") {
			t.Errorf("%s of an unplugged controller: %v", name, err)
		}
	}
}
