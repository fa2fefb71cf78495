package btsocket

import (
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

// listenerOnUnix returns a Listener on a Unix socket, its descriptor, and the
// address to connect to. The Listener is closed when the test ends.
func listenerOnUnix(t *testing.T) (l *Listener, fd int, address unix.Sockaddr) {
	t.Helper()
	fd, address = hosttest.UnixListener(t, 100)
	l, err := NewListener(fd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l, fd, address
}

// accepting starts an Accept and returns its result.
func accepting(l *Listener) <-chan error {
	done := make(chan error, 1)
	go func() {
		s, _, err := l.Accept()
		if s != nil {
			s.Close()
		}
		done <- err
	}()
	return done
}

func TestAcceptSetsNonblockAndCloexec(t *testing.T) {
	l, _, address := listenerOnUnix(t)
	defer unix.Close(hosttest.DialUnix(t, address))
	s, _, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	err = s.control(func(fd int) error {
		status, statusErr := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
		flags, flagsErr := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
		if status&unix.O_NONBLOCK == 0 || flags&unix.FD_CLOEXEC == 0 {
			t.Errorf("the flags are %#o and %#o", status, flags)
		}
		return errors.Join(statusErr, flagsErr)
	})
	if err != nil {
		t.Error(err)
	}
}

func TestListenerCloseWakesEveryAccept(t *testing.T) {
	l, _, _ := listenerOnUnix(t)
	var waiting []<-chan error
	for range 5 {
		waiting = append(waiting, accepting(l))
	}
	hosttest.AwaitPolling(t, "(*Listener).Accept")
	if err := l.Close(); err != nil {
		t.Errorf("Close returned the error %v", err)
	}
	for _, accept := range waiting {
		if err := hosttest.Receive(t, accept); err != net.ErrClosed {
			t.Errorf("Accept returned the error %v, want net.ErrClosed", err)
		}
	}
	if err := l.Close(); err != net.ErrClosed {
		t.Errorf("the second Close returned the error %v, want net.ErrClosed", err)
	}
}

func TestAcceptEndsAtDeadline(t *testing.T) {
	for name, set := range map[string]func(*Listener, time.Time) error{
		"SetDeadline":     (*Listener).SetDeadline,
		"SetReadDeadline": (*Listener).SetReadDeadline,
	} {
		t.Run(name, func(t *testing.T) {
			l, _, address := listenerOnUnix(t)
			set(l, time.Now().Add(time.Hour))
			accept := accepting(l)
			hosttest.AwaitPolling(t, "(*Listener).Accept")
			set(l, aLongTimeAgo)
			if err := hosttest.Receive(t, accept); err != os.ErrDeadlineExceeded {
				t.Errorf("Accept returned the error %v, want os.ErrDeadlineExceeded", err)
			}
			set(l, time.Time{})
			defer unix.Close(hosttest.DialUnix(t, address))
			if err := hosttest.Receive(t, accepting(l)); err != nil {
				t.Errorf("without the deadline, Accept returned the error %v", err)
			}
		})
	}
}

func TestListenerCloseEndsPending(t *testing.T) {
	l, fd, address := listenerOnUnix(t)
	// The duplicate keeps the socket open, so that the kernel does not close
	// the pending connections itself.
	elsewhere, err := Duplicate(fd)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(elsewhere)
	var waiting []*Socket
	for range 10 {
		waiting = append(waiting, socketOf(t, hosttest.DialUnix(t, address)))
	}
	if err := l.Close(); err != nil {
		t.Errorf("Close returned the error %v", err)
	}
	for _, s := range waiting {
		if _, err := s.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("a pending connection read the error %v, want io.EOF", err)
		}
	}
}

func TestListenerCloseAfterFileLeavesQueue(t *testing.T) {
	l, _, address := listenerOnUnix(t)
	f, err := l.File()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	waiting := socketOf(t, hosttest.DialUnix(t, address))
	if _, err := waiting.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Errorf("Close returned the error %v", err)
	}

	fd, err := Duplicate(int(f.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	other, err := NewListener(fd)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	s, _, err := other.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	buf := make([]byte, 100)
	if n, err := s.Read(buf); string(buf[:n]) != "hello" || err != nil {
		t.Errorf("read %q, %v", buf[:n], err)
	}
}

// sharedListener returns a Listener on a duplicate of fd that shares the queue.
func sharedListener(t *testing.T, fd int) (l *Listener, duplicate int) {
	t.Helper()
	duplicate, err := Duplicate(fd)
	if err != nil {
		t.Fatal(err)
	}
	l, err = NewListener(duplicate)
	if err != nil {
		t.Fatal(err)
	}
	l.Share()
	return l, duplicate
}

func TestListenerCloseLeavesSharedQueue(t *testing.T) {
	l, fd, address := listenerOnUnix(t)
	defer unix.Close(hosttest.DialUnix(t, address))
	shared, _ := sharedListener(t, fd)
	if err := shared.Close(); err != nil {
		t.Errorf("Close returned the error %v", err)
	}
	s, _, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
}

func TestListenerForgottenLeavesSharedQueue(t *testing.T) {
	l, fd, address := listenerOnUnix(t)
	defer unix.Close(hosttest.DialUnix(t, address))
	_, duplicate := sharedListener(t, fd)
	hosttest.Eventually(t, "the garbage collector closes the listener", func() bool {
		runtime.GC()
		_, err := unix.FcntlInt(uintptr(duplicate), unix.F_GETFD, 0)
		return err == unix.EBADF
	})
	s, _, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
}

func TestListenerCloseAfterRawControl(t *testing.T) {
	l, fd, address := listenerOnUnix(t)
	elsewhere, err := Duplicate(fd)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(elsewhere)
	waiting := socketOf(t, hosttest.DialUnix(t, address))
	// A blocking descriptor must not make Close block.
	err = l.RawControl(func(fd uintptr) {
		if err := unix.SetNonblock(int(fd), false); err != nil {
			t.Error(err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Errorf("Close returned the error %v", err)
	}
	if _, err := waiting.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("the pending connection read the error %v, want io.EOF", err)
	}
}

func TestAcceptAgainstCloseLosesNothing(t *testing.T) {
	hosttest.LeavesNothingBehind(t, func() {
		for range 200 {
			fd, address := hosttest.UnixListener(t, 100)
			l, err := NewListener(fd)
			if err != nil {
				t.Fatal(err)
			}
			dialed := socketOf(t, hosttest.DialUnix(t, address))
			var group sync.WaitGroup
			group.Go(func() {
				if s, _, err := l.Accept(); err == nil {
					s.Close()
				} else if err != net.ErrClosed {
					t.Errorf("Accept returned the error %v", err)
				}
			})
			group.Go(func() {
				if err := l.Close(); err != nil {
					t.Errorf("Close returned the error %v", err)
				}
			})
			group.Wait()
			// The connection was closed, whether it was accepted or not.
			if _, err := dialed.Read(make([]byte, 1)); err != io.EOF {
				t.Errorf("the other end read the error %v, want io.EOF", err)
			}
			dialed.Close()
		}
	})
}

func TestAcceptReturnsErrno(t *testing.T) {
	a, b := hosttest.UnixPair(t)
	defer unix.Close(b)
	l, err := NewListener(a) // the socket does not listen
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, _, err = l.Accept()
	wantErrno(t, err, "accept4", unix.EINVAL)
}
