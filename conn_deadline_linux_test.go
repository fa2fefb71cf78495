package rfcomm

import (
	"io"
	"net"
	"os"
	"testing"
	"time"

	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

var (
	longAgo = time.Unix(1, 0)
	never   = time.Time{}
)

// wantTimedOut checks the error of an operation that exceeded its deadline.
func wantTimedOut(t *testing.T, err error, op string) {
	t.Helper()
	wantOpError(t, err, between(op, os.ErrDeadlineExceeded))
	if err != nil {
		hosttest.WantTimeoutTemporary(t, err, true, true)
	}
}

func TestConnSetDeadlineInThePast(t *testing.T) {
	near, far := connPair(t)
	if _, err := io.WriteString(far, "waiting"); err != nil {
		t.Fatal(err)
	}
	if err := near.SetDeadline(longAgo); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 100)
	n, err := near.Read(buf)
	if n != 0 {
		t.Errorf("Read returned %d bytes", n)
	}
	wantTimedOut(t, err, "read")
	n, err = near.Write(buf)
	if n != 0 {
		t.Errorf("Write counts %d bytes", n)
	}
	wantTimedOut(t, err, "write")

	if err := near.SetDeadline(never); err != nil {
		t.Fatal(err)
	}
	if n, err := near.Read(buf); string(buf[:n]) != "waiting" || err != nil {
		t.Errorf("without the deadline, Read gives %q, %v", buf[:n], err)
	}
	if _, err := near.Write(buf); err != nil {
		t.Errorf("without the deadline, Write fails: %v", err)
	}
}

func TestConnDeadlinesAreIndependent(t *testing.T) {
	near, far := connPair(t)
	near.SetReadDeadline(longAgo)
	if _, err := io.WriteString(near, "hello"); err != nil {
		t.Errorf("the read deadline ended Write: %v", err)
	}
	near.SetReadDeadline(never)
	near.SetWriteDeadline(longAgo)
	if _, err := io.WriteString(far, "hello"); err != nil {
		t.Fatal(err)
	}
	if _, err := near.Read(make([]byte, 100)); err != nil {
		t.Errorf("the write deadline ended Read: %v", err)
	}
}

func TestConnReadEndsAtItsDeadline(t *testing.T) {
	near, _ := connPair(t)
	deadline := time.Now().Add(20 * time.Millisecond)
	near.SetReadDeadline(deadline)
	_, err := near.Read(make([]byte, 1))
	wantTimedOut(t, err, "read")
	if time.Now().Before(deadline) {
		t.Error("it ended before")
	}
}

func TestConnWriteCountsAtItsDeadline(t *testing.T) {
	near, far := connPair(t)
	near.SetWriteDeadline(time.Now().Add(20 * time.Millisecond))
	n, err := near.Write(make([]byte, tooMuch))
	wantTimedOut(t, err, "write")

	near.SetWriteDeadline(never)
	near.Close()
	if arrived, err := io.Copy(io.Discard, far); arrived != int64(n) || err != nil {
		t.Errorf("%d bytes arrived, %v; Write counts %d", arrived, err, n)
	}
}

func TestConnSetDeadlineWakesPendingCalls(t *testing.T) {
	for name, move := range map[string]func(*Conn) error{
		"one for both": func(c *Conn) error { return c.SetDeadline(longAgo) },
		"one for each": func(c *Conn) error {
			if err := c.SetReadDeadline(longAgo); err != nil {
				return err
			}
			return c.SetWriteDeadline(longAgo)
		},
	} {
		t.Run(name, func(t *testing.T) {
			near, _ := connPair(t)
			near.SetDeadline(time.Now().Add(time.Hour))
			read, write := waitingRead(t, near), blockedWrite(t, near)
			if err := move(near); err != nil {
				t.Fatal(err)
			}
			wantTimedOut(t, hosttest.Receive(t, read).err, "read")
			wantTimedOut(t, hosttest.Receive(t, write).err, "write")
		})
	}
}

func TestConnReadOutlivesAMovedDeadline(t *testing.T) {
	for name, later := range map[string]time.Time{
		"to later": time.Now().Add(2 * time.Hour),
		"for good": never,
	} {
		t.Run(name, func(t *testing.T) {
			near, far := connPair(t)
			near.SetReadDeadline(time.Now().Add(time.Hour))
			read := waitingRead(t, near)
			near.SetReadDeadline(later)
			if _, err := io.WriteString(far, "hello"); err != nil {
				t.Fatal(err)
			}
			if got := hosttest.Receive(t, read); got != (transferred{n: len("hello")}) {
				t.Errorf("Read returned %d, %v", got.n, got.err)
			}
		})
	}
}

// Reads and writes of no bytes have the same results as in package net.
func TestConnReadAndWriteNoBytesPastDeadline(t *testing.T) {
	near, _ := connPair(t)
	a, b := hosttest.UnixPair(t)
	ours, theirs := net.Conn(near), unixConn(t, a)
	defer theirs.Close()
	defer unixConn(t, b).Close()

	ours.SetDeadline(longAgo)
	theirs.SetDeadline(longAgo)
	for name, call := range map[string]func(net.Conn) (int, error){
		"Read":  func(c net.Conn) (int, error) { return c.Read(nil) },
		"Write": func(c net.Conn) (int, error) { return c.Write(nil) },
	} {
		n, err := call(ours)
		wantN, wantErr := call(theirs)
		if n != wantN || (err == nil) != (wantErr == nil) {
			t.Errorf("%s returned %d, %v; package net: %d, %v", name, n, err, wantN, wantErr)
		}
	}
}
