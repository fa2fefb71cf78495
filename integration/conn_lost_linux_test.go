package integration

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/test/conntest"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

func TestConnReadReportsLostLink(t *testing.T) {
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
			checkOpError(t, err, "read", l.farAddr(channel), l.nearAddr(channel), test.want.(syscall.Errno), test.hint)
		})
	}
}

// Programs retry a Read after a timeout. Every Read and Write after a lost link
// returns the same errno, so if it were a timeout, such a loop would never end.
func TestConnReadOfLostLinkIsNoTimeout(t *testing.T) {
	l := inLab(t)
	for reason, errno := range map[byte]syscall.Errno{
		0x05: unix.EACCES, 0x08: unix.ETIMEDOUT, 0x1f: unix.ENOSYS, 0x22: unix.ENOSYS,
	} {
		dialed, accepted, err := l.loseLink(t, reason, errno)
		_, writeErr := accepted.Write([]byte("after"))
		_, otherErr := dialed.Read(make([]byte, 1))
		for _, err := range []error{err, writeErr, otherErr} {
			checkPlainErrno(t, err)
		}
		if !errors.Is(err, errno) {
			t.Errorf("reason %#02x: %v does not match %v", reason, err, errno)
		}
		rounds := 0
		for ; rounds < 10; rounds++ {
			_, err := accepted.Read(make([]byte, 1))
			if ne, ok := err.(net.Error); ok && ne.Timeout() {
				continue
			}
			break
		}
		if rounds > 0 {
			t.Errorf("reason %#02x: a loop that continues on timeouts ran %d rounds", reason, rounds)
		}
	}
}

// checkPlainErrno checks that an error of the kernel matches no error of
// another package, and that errors.As finds its errno.
func checkPlainErrno(t *testing.T, err error) {
	t.Helper()
	for _, target := range []error{errors.ErrUnsupported, fs.ErrPermission, fs.ErrExist, fs.ErrNotExist, os.ErrDeadlineExceeded} {
		if errors.Is(err, target) {
			t.Errorf("%v: matches %v", err, target)
		}
	}
	if ne, ok := err.(net.Error); !ok || ne.Timeout() {
		t.Errorf("%v: is a timeout", err)
	}
	var errno syscall.Errno
	if !errors.As(err, &errno) || !errors.Is(err, errno) {
		t.Errorf("%v: errors.As gives the errno %v", err, errno)
	}
}

// loseLink ends the link of a new connection and returns the error of Read at
// the accepted end. A kernel that is using the link at that moment can lose the
// errno, so that Read returns ECONNABORTED; loseLink then retries.
func (l *lab) loseLink(t *testing.T, reason byte, want error) (dialed, accepted *rfcomm.Conn, err error) {
	t.Helper()
	for range 3 {
		l.Sync() // a dial over a link that is about to end would fail
		dialed, accepted = l.connect(t)
		conntest.Send(t, dialed, "before")
		conntest.Receive(t, accepted, "be")
		l.Disconnect(reason)
		conntest.Receive(t, accepted, "fore")
		_, err = accepted.Read(make([]byte, 1))
		if errors.Is(err, want) || !errors.Is(err, unix.ECONNABORTED) {
			break
		}
	}
	return dialed, accepted, err
}

func TestConnFailsAfterUnplug(t *testing.T) {
	l := inLab(t)
	hosttest.CheckLeaksAtEnd(t)
	dialed, accepted := l.connect(t)
	listener := l.listen(t)
	full := l.dial(t, listener)
	fullsPeer := conntest.Accept(t, listener)
	conntest.Fill(t, full)
	wrote := hosttest.InBackground(func() error {
		_, err := full.Write([]byte("no room"))
		return err
	})
	read := hosttest.InBackground(func() error {
		_, err := dialed.Read(make([]byte, 1))
		return err
	})
	l.Unplug()
	if err := <-read; !errors.Is(err, unix.ECONNABORTED) {
		t.Errorf("Read: %v, want ECONNABORTED", err)
	}
	err := <-wrote
	t.Log(err)
	if err == nil {
		t.Error("Write without a link succeeded")
	}
	l.Plug()

	// The listener still works.
	again := l.dial(t, listener)
	conntest.Accept(t, listener).Close()
	conntest.ReceiveEOF(t, again)
	for _, c := range []net.Conn{dialed, accepted, full, fullsPeer, again} {
		c.Close()
	}
	listener.Close()
}
