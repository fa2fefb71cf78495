package integration

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/hcictl"
	"github.com/go-rfcomm/rfcomm/internal/test/conntest"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
	"github.com/go-rfcomm/rfcomm/internal/test/labtest"
)

// An unpaired peer's connection to a listener at medium stays half-open while
// the devices authenticate. On Linux 6.1, close(2) of the listener in this
// state stops RFCOMM on the whole machine; Listener.Close avoids that.
func TestListenerCloseWhilePairing(t *testing.T) {
	l := inLab(t)
	hosttest.CheckLeaksAtEnd(t)
	listener := l.listenWith(t, rfcomm.ListenConfig{Security: rfcomm.SecurityMedium})
	end := l.dialHalfOpen(t, conntest.AddrOf(listener), func() bool { return queued(t, listener) == 1 })
	if err := listener.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	end()
	l.checkAlive(t)
}

// dialHalfOpen starts a dial to a listener at medium, and returns when queued
// reports that the half-open connection is in the listener's queue. The
// returned function ends the dial.
func (l *lab) dialHalfOpen(t *testing.T, address rfcomm.Addr, queued func() bool) (end func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	dialed := hosttest.InBackground(func() error {
		c, err := l.dialer.DialRFCOMM(ctx, address)
		if err == nil {
			c.Close()
		}
		return err
	})
	hosttest.Eventually(t, "the connection is in the listener's queue", queued)
	return func() {
		cancel()
		if err := <-dialed; !errors.Is(err, context.Canceled) {
			t.Errorf("the half-open dial ended with %v, want context.Canceled", err)
		}
	}
}

// queued returns the number of connections in a listener's queue, in any state.
func queued(t *testing.T, listener *rfcomm.Listener) int {
	t.Helper()
	inode := inodeOf(t, listener)
	n := 0
	for _, other := range labtest.Queued(t) {
		if other == inode {
			n++
		}
	}
	return n
}

// inodeOf returns the inode of a listener's socket.
func inodeOf(t *testing.T, listener *rfcomm.Listener) string {
	t.Helper()
	var stat unix.Stat_t
	withDescriptor(t, listener, func(fd int) {
		if err := unix.Fstat(fd, &stat); err != nil {
			t.Fatal(err)
		}
	})
	return fmt.Sprint(stat.Ino)
}

// checkAlive checks that RFCOMM on this machine is not deadlocked.
func (l *lab) checkAlive(t *testing.T) {
	t.Helper()
	// The controllers still wait for the pairing, which would
	// delay other tests.
	l.Unplug()
	l.Plug()
	alive := hosttest.InBackground(func() error {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		_, err := l.dialer.DialRFCOMM(ctx, l.farAddr(30)) // without a listener
		return err
	})
	if err := <-alive; !errors.Is(err, unix.ECONNREFUSED) {
		t.Errorf("a new dial: %v, want ECONNREFUSED", err)
	}
	hosttest.Eventually(t, "the kernel's thread krfcommd sleeps", func() bool { return hcictl.RFCOMMThreadState() == 'S' })
}
