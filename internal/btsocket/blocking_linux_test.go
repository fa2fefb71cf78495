package btsocket

import (
	"net"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

// makeBlocking makes a socket blocking, as another holder of its descriptor
// can.
func makeBlocking(t *testing.T, s *Socket) {
	t.Helper()
	if err := s.control(func(fd int) error { return unix.SetNonblock(fd, false) }); err != nil {
		t.Fatal(err)
	}
}

func TestReadFromBlockingSocketPolls(t *testing.T) {
	near, _ := unixPair(t)
	makeBlocking(t, near)
	read := make(chan error, 1)
	go func() {
		_, err := near.Read(make([]byte, 1))
		read <- err
	}()
	hosttest.AwaitPolling(t, "(*Socket).Read")
	near.Close()
	if err := hosttest.Receive(t, read); err != net.ErrClosed {
		t.Errorf("Read returned the error %v, want net.ErrClosed", err)
	}
}

func TestWriteToBlockingSocketPolls(t *testing.T) {
	near, _ := unixPair(t)
	makeBlocking(t, near)
	write := make(chan error, 1)
	go func() {
		_, err := near.Write(make([]byte, 4<<20))
		write <- err
	}()
	hosttest.AwaitPolling(t, "(*Socket).Write")
	near.Close()
	if err := hosttest.Receive(t, write); err != net.ErrClosed {
		t.Errorf("Write returned the error %v, want net.ErrClosed", err)
	}
}
