package rfcomm_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm"
)

func channelOf(c *rfcomm.Conn) int { return c.LocalAddr().(rfcomm.Addr).Channel }

func TestLostLinkIsAnErrorUnlessThePeerEndedIt(t *testing.T) {
	l := inLab(t)
	for _, test := range []struct {
		reason byte
		want   error // io.EOF or an errno
		hint   string
	}{
		{0x05, unix.EACCES, "not paired"},
		{0x06, unix.EBADE, "not paired"},
		{0x08, unix.ETIMEDOUT, "out of range or lost power"},
		{0x13, io.EOF, ""},
		{0x14, io.EOF, ""},
		{0x15, io.EOF, ""},
		{0x16, unix.ECONNABORTED, "the link was lost"},
		{0x1f, unix.ENOSYS, "no errno for"},
		{0x3d, unix.ENOSYS, "no errno for"},
	} {
		t.Run(fmt.Sprintf("reason %#02x", test.reason), func(t *testing.T) {
			dialed, accepted, err := l.loseLink(t, test.reason, test.want)
			t.Log(err)
			if _, again := accepted.Read(make([]byte, 1)); again == nil || again.Error() != err.Error() {
				t.Errorf("Read again: %v, want %v", again, err)
			}
			if _, err := dialed.Read(make([]byte, 1)); err == nil {
				t.Error("Read of the end that hung up: no error")
			}
			if test.want == io.EOF {
				if err != io.EOF {
					t.Errorf("Read: %v, want io.EOF", err)
				}
				return
			}
			channel := channelOf(accepted)
			checkOpError(t, err, "read", l.at(channel), l.nearAddr(channel), test.want.(syscall.Errno), test.hint)
		})
	}
}

// loseLink ends the link under a new connection and returns what Read of the
// accepted end said. A kernel that is busy with the link at that moment can lose
// the errno, which reads as ECONNABORTED; then it tries again.
func (l *lab) loseLink(t *testing.T, reason byte, want error) (dialed, accepted *rfcomm.Conn, err error) {
	t.Helper()
	for range 3 {
		l.Sync() // a dial over a link that is about to go fails with it
		dialed, accepted = l.connect(t)
		send(t, dialed, "before")
		receive(t, accepted, "be")
		l.Disconnect(reason)
		receive(t, accepted, "fore")
		_, err = accepted.Read(make([]byte, 1))
		if errors.Is(err, want) || !errors.Is(err, unix.ECONNABORTED) {
			break
		}
	}
	return dialed, accepted, err
}

func TestRemovedAdapterEndsReadsAndWrites(t *testing.T) {
	l := inLab(t)
	leavesNothingBehind(t)
	dialed, accepted := l.connect(t)
	listener := l.listen(t)
	full := l.dial(t, listener)
	fullsPeer := accept(t, listener)
	fill(t, full)
	wrote := inBackground(func() error {
		_, err := full.Write([]byte("no room"))
		return err
	})
	read := inBackground(func() error {
		_, err := dialed.Read(make([]byte, 1))
		return err
	})
	l.Remove()
	if err := <-read; !errors.Is(err, unix.ECONNABORTED) {
		t.Errorf("Read: %v, want ECONNABORTED", err)
	}
	err := <-wrote
	t.Log(err)
	if err == nil {
		t.Error("Write into a link that is gone succeeded")
	}
	l.Restore()

	// The listener has outlived the adapter.
	again := l.dial(t, listener)
	accept(t, listener).Close()
	receiveEnd(t, again)
	for _, c := range []net.Conn{dialed, accepted, full, fullsPeer, again} {
		c.Close()
	}
	listener.Close()
}
