package btsocket

import (
	"errors"
	"io"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

// used makes the Reads of a Socket wait until it expects the next Read to wait,
// too.
func used(t *testing.T, near *Socket, send func(string)) {
	t.Helper()
	for range untilWaiting + 1 {
		read := make(chan error, 1)
		go func() {
			_, err := near.Read(make([]byte, 100))
			read <- err
		}()
		hosttest.AwaitPolling(t, "(*Socket).Read")
		send("word")
		if err := hosttest.Receive(t, read); err != nil {
			t.Fatal(err)
		}
	}
	if near.waits != untilWaiting {
		t.Fatalf("%d Reads in a row are recorded as having waited, want %d", near.waits, untilWaiting)
	}
}

// If earlier Reads had to wait, a Read looks at the socket first. That must not
// change its result.
func TestReadPollFirstKeepsResults(t *testing.T) {
	read := func(s *Socket) (string, error) {
		buf := make([]byte, 100)
		n, err := s.Read(buf)
		return string(buf[:n]), err
	}
	usedPair := func(t *testing.T) (near, far *Socket) {
		near, far = unixPair(t)
		used(t, near, func(data string) { io.WriteString(far, data) })
		return near, far
	}
	t.Run("queued data", func(t *testing.T) {
		near, far := usedPair(t)
		for _, word := range []string{"first", "second"} {
			io.WriteString(far, word)
			if got, err := read(near); got != word || err != nil {
				t.Errorf("Read = %q, %v; want %q", got, err, word)
			}
			if near.waits != 0 {
				t.Error("the Socket still expects to wait, although the last Read did not")
			}
		}
	})
	t.Run("the end after queued data", func(t *testing.T) {
		near, far := usedPair(t)
		io.WriteString(far, "goodbye")
		far.Close()
		wantRestAndEOF(t, near, "goodbye")
	})
	t.Run("the end that it waits for", func(t *testing.T) {
		near, far := usedPair(t)
		ended := make(chan error, 1)
		go func() {
			_, err := read(near)
			ended <- err
		}()
		hosttest.AwaitPolling(t, "(*Socket).Read")
		far.Close()
		if err := hosttest.Receive(t, ended); err != io.EOF {
			t.Errorf("Read returned the error %v, want io.EOF", err)
		}
	})
	t.Run("an end without an errno", func(t *testing.T) {
		near, far := udpPair(t)
		used(t, near, func(data string) { unix.Write(far, []byte(data)) })
		reportOnce(t, near, far)
		takeErrno(t, near)
		wantReadErrno(t, near, unix.ECONNABORTED)
	})
	t.Run("a passed deadline and queued data", func(t *testing.T) {
		near, far := usedPair(t)
		io.WriteString(far, "late")
		near.SetReadDeadline(time.Unix(1, 0))
		for range 2 {
			if _, err := read(near); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("Read returned the error %v, want os.ErrDeadlineExceeded", err)
			}
		}
		near.SetReadDeadline(time.Now().Add(time.Hour))
		if got, err := read(near); got != "late" || err != nil {
			t.Errorf("Read = %q, %v", got, err)
		}
	})
	t.Run("an empty buffer", func(t *testing.T) {
		near, _ := usedPair(t)
		if n, err := near.Read(nil); n != 0 || err != nil {
			t.Errorf("Read = %d, %v", n, err)
		}
	})
}
