package serial

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

// noConnect is a Connect that must not be called.
func noConnect(t *testing.T) func(context.Context) (net.Conn, error) {
	return func(context.Context) (net.Conn, error) {
		t.Error("Connect was called")
		return nil, errNoMore
	}
}

func TestOpenRefusesOptions(t *testing.T) {
	connect := noConnect(t)
	for _, tt := range []struct {
		options *DeviceOptions
		want    string
	}{
		{nil, "no options"},
		{&DeviceOptions{}, "no function Connect"},
		{&DeviceOptions{Connect: connect, Kind: 3}, "invalid Kind 3"},
		{&DeviceOptions{Connect: connect, Kind: -1}, "invalid Kind -1"},
		{&DeviceOptions{Connect: connect, Mode: 0o4600}, "invalid Mode 04600"},
		{&DeviceOptions{Connect: connect, Hold: -1}, "invalid Hold -1"},
		{&DeviceOptions{Connect: connect, Kind: TTY, Hold: 1}, "Hold needs a PTY"},
	} {
		d, err := Open(t.Context(), tt.options)
		if d != nil || err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("got %v, %v; want %q", d, err, tt.want)
		}
	}
}

func TestOpenChecksLinkFirst(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gps")
	if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), &DeviceOptions{Connect: noConnect(t), Link: path}); !errors.Is(err, fs.ErrExist) {
		t.Errorf("got %v", err)
	}
}

func TestOpenTTYNeedsRFCOMM(t *testing.T) {
	c := newCable(t)
	d, err := Open(t.Context(), &DeviceOptions{Connect: c.connect, Kind: TTY})
	if d != nil || !errors.Is(err, errNoTTY) {
		t.Errorf("got %v, %v", d, err)
	}
	wantEOF(t, c.peer(t))
}

func TestOpenLinksOnceConnected(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gps")
	c := newCable(t)
	d, _ := c.open(t, DeviceOptions{Link: path, Mode: 0o640})
	wantTarget(t, path, d.Node())
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("the mode is %v, %v", info, err)
	}
	if _, err := Open(t.Context(), &DeviceOptions{Link: path, Connect: noConnect(t)}); !errors.Is(err, errClaimed) {
		t.Errorf("second device: %v", err)
	}
}

// A file that replaces the link ends the Device, and remains.
func TestDeviceEndsIfLinkIsTaken(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gps")
	d, peer := newCable(t).open(t, DeviceOptions{Link: path, Keep: true})
	program := openProgram(t, path)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	peer.Close()
	if err := d.Wait(); !errors.Is(err, fs.ErrExist) {
		t.Errorf("Wait: %v", err)
	}
	wantHangUp(t, program)
	if data, err := os.ReadFile(path); string(data) != "mine" {
		t.Errorf("the file has %q, %v", data, err)
	}
}

func TestDeviceKeepEndsForGood(t *testing.T) {
	hosttest.LeavesNothingBehind(t, func() {
		c := newCable(t)
		defer c.listener.Close()
		first := true
		d, err := Open(t.Context(), &DeviceOptions{Keep: true, Connect: func(ctx context.Context) (net.Conn, error) {
			if !first {
				return nil, &net.OpError{Op: "accept", Err: net.ErrClosed}
			}
			first = false
			return c.connect(ctx)
		}})
		if err != nil {
			t.Fatal(err)
		}
		c.peer(t).Close()
		if err := d.Wait(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Wait: %v", err)
		}
		if _, err := os.Stat(d.Node()); !os.IsNotExist(err) {
			t.Errorf("the node remains: %v", err)
		}
	})
}

func TestDeviceCloseEndsRedial(t *testing.T) {
	connecting := make(chan struct{})
	var log eventLog
	c := newCable(t)
	first := true
	d, err := Open(t.Context(), &DeviceOptions{Keep: true, Report: log.report, Connect: func(ctx context.Context) (net.Conn, error) {
		if !first {
			close(connecting)
			<-ctx.Done()
			return nil, ctx.Err()
		}
		first = false
		return c.connect(ctx)
	}})
	if err != nil {
		t.Fatal(err)
	}
	c.peer(t).Close()
	hosttest.Receive(t, connecting)
	program := openProgram(t, d.Name())
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	wantHangUp(t, program)
	if err := d.Wait(); err != nil {
		t.Errorf("Wait: %v", err)
	}
	log.wantStates(t, StateOpen, StateConnected, StateDisconnected, StateOpen, StateRetrying, StateClosed)
}

func TestNoAccessNamesGroups(t *testing.T) {
	for _, tt := range []struct {
		user   int
		groups []string
		access bool
	}{
		{0, nil, true},
		{1000, []string{"users", "dialout"}, true},
		{1000, []string{"uucp"}, true},
		{1000, []string{"users"}, false},
		{1000, nil, false},
	} {
		got := noAccess(tt.user, tt.groups)
		if (got == "") != tt.access || !tt.access && !strings.Contains(got, "dialout or uucp") {
			t.Errorf("user %d in %q: %q", tt.user, tt.groups, got)
		}
	}
}

// A deadlineless is a connection without deadlines, such as one through SSH.
type deadlineless struct{ net.Conn }

var errNoDeadline = errors.New("deadlines are not supported")

func (deadlineless) SetReadDeadline(time.Time) error  { return errNoDeadline }
func (deadlineless) SetWriteDeadline(time.Time) error { return errNoDeadline }

func TestDeviceCloseWithoutDeadlines(t *testing.T) {
	near, far := net.Pipe()
	defer far.Close()
	d, err := Open(t.Context(), &DeviceOptions{Connect: connects(deadlineless{near})})
	if err != nil {
		t.Fatal(err)
	}
	send(t, openProgram(t, d.Name()), "the peer does not read")
	hosttest.AwaitSelecting(t, "(*deviceOutlet).send")
	hosttest.Receive(t, hosttest.InBackground(d.Close))
	if n, err := far.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("the peer reads %d, %v; want io.EOF", n, err)
	}
}

// A refusing is a connection that accepts no data, and whose end Read does not report.
type refusing struct{ deadlineless }

func (refusing) Write([]byte) (int, error) { return 0, errNoMore }

func TestDeviceEndsWithoutDeadlines(t *testing.T) {
	near, far := net.Pipe()
	defer far.Close()
	d, err := Open(t.Context(), &DeviceOptions{Connect: connects(refusing{deadlineless{near}})})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	send(t, openProgram(t, d.Name()), "x")
	hosttest.Receive(t, d.Done())
}
