package rfcomm

import (
	"context"
	"net"
	"testing"
	"testing/synctest"
)

// A fakePending is a socket that is connecting until it is released or closed.
type fakePending struct {
	released, closed chan struct{}
}

func newFakePending() *fakePending {
	return &fakePending{released: make(chan struct{}), closed: make(chan struct{})}
}

func (f *fakePending) AwaitConnected() error {
	select {
	case <-f.released:
		return nil
	case <-f.closed:
		return net.ErrClosed
	}
}

func (f *fakePending) CloseContext(context.Context) error {
	if f.isClosed() {
		return net.ErrClosed
	}
	close(f.closed)
	return nil
}

func (f *fakePending) isClosed() bool {
	select {
	case <-f.closed:
		return true
	default:
		return false
	}
}

func TestAbandonedDialsCloseWhenConnected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var a abandonedDials
		socket := newFakePending()
		a.keep(dialedPath{remote: Addr{Channel: 1}}, socket)
		synctest.Wait()
		if socket.isClosed() {
			t.Error("closed while the kernel connects it")
		}
		close(socket.released)
		synctest.Wait()
		if !socket.isClosed() || len(a.sockets) != 0 {
			t.Errorf("closed: %v, %d kept; want it closed and none kept", socket.isClosed(), len(a.sockets))
		}
	})
}

func TestAbandonedDialsEndForTheNextDial(t *testing.T) {
	one, two := BDAddr{0x02, 0, 0, 0, 0, 1}, BDAddr{0x02, 0, 0, 0, 0, 2}
	raddr := Addr{Device: BDAddr{0x02, 0, 0, 0, 0, 3}, Channel: 5}
	other := Addr{Device: raddr.Device, Channel: 6}
	for _, tt := range []struct {
		name      string
		kept, new dialedPath
		ends      bool
	}{
		{"same path", dialedPath{one, raddr}, dialedPath{one, raddr}, true},
		{"kept of any adapter", dialedPath{BDAddr{}, raddr}, dialedPath{one, raddr}, true},
		{"new of any adapter", dialedPath{one, raddr}, dialedPath{BDAddr{}, raddr}, true},
		{"other adapter", dialedPath{one, raddr}, dialedPath{two, raddr}, false},
		{"other channel", dialedPath{one, raddr}, dialedPath{one, other}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var a abandonedDials
				socket := newFakePending()
				a.keep(tt.kept, socket)
				a.end(t.Context(), tt.new)
				if tt.ends && !conns.recentlyClosed(raddr.Device) {
					t.Error("the close is not noted")
				}
				if got := socket.isClosed(); got != tt.ends {
					t.Errorf("closed: %v, want %v", got, tt.ends)
				}
				if !tt.ends {
					close(socket.released)
				}
			})
		})
	}
}
