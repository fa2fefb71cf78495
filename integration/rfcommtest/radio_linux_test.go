package rfcommtest_test

import (
	"context"
	"errors"
	"io"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/test/conntest"
	"github.com/go-rfcomm/rfcomm/internal/test/labtest"
	"github.com/go-rfcomm/rfcomm/rfcommtest"
)

// listen listens on a controller.
func listen(t *testing.T, at *rfcommtest.Controller) *rfcomm.Listener {
	t.Helper()
	return conntest.Listen(t, at.Addr())
}

// dial connects a controller to a listener.
func dial(ctx context.Context, from *rfcommtest.Controller, to *rfcomm.Listener) (*rfcomm.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	return conntest.DialContext(ctx, from.Addr(), to.Addr())
}

// connect returns the two ends of a new connection between two controllers.
func connect(t *testing.T, from, to *rfcommtest.Controller) (dialed, accepted *rfcomm.Conn) {
	t.Helper()
	return conntest.Pair(t, from.Addr(), to.Addr())
}

// pass checks that data arrives from one end at the other.
func pass(t *testing.T, from, to io.ReadWriter) {
	t.Helper()
	if _, err := from.Write([]byte("hello")); err != nil {
		t.Error(err)
		return
	}
	if got, err := io.ReadAll(io.LimitReader(to, 5)); err != nil || string(got) != "hello" {
		t.Errorf("read %q, %v", got, err)
	}
}

// two returns a radio with two controllers that have short page timeouts.
func two(t *testing.T, config rfcommtest.Config) (r *rfcommtest.Radio, a, b *rfcommtest.Controller) {
	t.Helper()
	r = rfcommtest.Require(t, config)
	a, b = r.Controllers()[0], r.Controllers()[1]
	a.SetPageTimeout(time.Second)
	b.SetPageTimeout(time.Second)
	return r, a, b
}

func TestRadioConnectsAllPairs(t *testing.T) {
	r := rfcommtest.Require(t, rfcommtest.Config{Controllers: 8})
	began := time.Now()
	n := 0
	for _, from := range r.Controllers() {
		for _, to := range r.Controllers() {
			if from == to {
				continue
			}
			dialed, accepted := connect(t, from, to)
			pass(t, dialed, accepted)
			pass(t, accepted, dialed)
			dialed.Close()
			accepted.Close()
			n++
		}
	}
	t.Logf("%d pairs in %v", n, time.Since(began).Round(time.Millisecond))
}

func TestRadioServesSevenClients(t *testing.T) {
	r := rfcommtest.Require(t, rfcommtest.Config{Controllers: 8})
	server := r.Controllers()[0]
	l := listen(t, server)
	var clients sync.WaitGroup
	for _, c := range r.Controllers()[1:] {
		clients.Go(func() {
			conn, err := dial(t.Context(), c, l)
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			if _, err := conn.Write([]byte(c.Addr().String())); err != nil {
				t.Error(err)
			}
			if got, err := io.ReadAll(conn); err != nil || string(got) != "goodbye" {
				t.Errorf("%s read %q, %v", c.Addr(), got, err)
			}
		})
	}
	var conns []*rfcomm.Conn
	for range r.Controllers()[1:] {
		conn, err := l.AcceptRFCOMM()
		if err != nil {
			t.Fatal(err)
		}
		conns = append(conns, conn) // all are open at the same time
	}
	for _, conn := range conns {
		want := conn.RemoteAddr().(rfcomm.Addr).Device.String()
		if got, err := io.ReadAll(io.LimitReader(conn, int64(len(want)))); err != nil || string(got) != want {
			t.Errorf("from %s came %q, %v", want, got, err)
		}
		if _, err := conn.Write([]byte("goodbye")); err != nil {
			t.Error(err)
		}
		conn.Close()
	}
	clients.Wait()
}

// The kernel is still closing sessions when Close begins.
func TestRadioCloseAfterLinksEnd(t *testing.T) {
	for range 5 {
		r, a, b := two(t, rfcommtest.Config{})
		connect(t, a, b)
		connect(t, b, a)
		r.Link(a, b).Disconnect(rfcommtest.RemoteUserTerminated)
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
	_, a, b := two(t, rfcommtest.Config{})
	dialed, accepted := connect(t, a, b)
	pass(t, dialed, accepted)
}

func TestRadioCloseIsFinal(t *testing.T) {
	r, a, _ := two(t, rfcommtest.Config{})
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{"Plug": a.Plug(), "Up": a.Up(), "Down": a.Down()} {
		if err == nil || !strings.Contains(err.Error(), "closed") || a.Name() != "" {
			t.Errorf("%s: %v; the controller's name is %q", name, err, a.Name())
		}
	}
}

func TestRadioCloseReturnsLogError(t *testing.T) {
	r, err := rfcommtest.NewRadio(rfcommtest.Config{Log: brokenWriter{}})
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := r.Close(); !errors.Is(err, errBroken) {
			t.Errorf("Close: %v", err)
		}
	}
}

var errBroken = errors.New("disk is full")

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errBroken }

// warnings matches the kernel's warnings about Bluetooth. Others, such as late
// timers, are due to the emulation.
var warnings = regexp.MustCompile(`(?i)bluetooth|hci|rfcomm|l2cap|WARNING|BUG|refcount|list_`)

func TestRadioCausesNoKernelWarning(t *testing.T) {
	for _, line := range labtest.Require(t).KernelWarnings() {
		if warnings.MatchString(line) {
			t.Errorf("the kernel warned: %s", line)
		}
	}
}
