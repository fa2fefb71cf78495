package conntest

import (
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"
)

// Send writes data, and fails the test if Write does not take all of it.
func Send(t testing.TB, c net.Conn, data string) {
	t.Helper()
	if n, err := c.Write([]byte(data)); n != len(data) || err != nil {
		t.Fatalf("Write = %d, %v; want %d, nil", n, err, len(data))
	}
}

// Receive reads len(want) bytes and compares them with want.
func Receive(t testing.TB, c net.Conn, want string) {
	t.Helper()
	got := make([]byte, len(want))
	if _, err := io.ReadFull(c, got); err != nil {
		t.Fatalf("reading %d bytes: %v", len(want), err)
	}
	if string(got) != want {
		t.Fatalf("read %q, want %q", got, want)
	}
}

// ReceiveEOF reads the end of the stream, twice, since every further Read must
// return io.EOF as well.
func ReceiveEOF(t testing.TB, c net.Conn) {
	t.Helper()
	for range 2 {
		if n, err := c.Read(make([]byte, 1)); n != 0 || err != io.EOF {
			t.Fatalf("Read = %d, %v; want 0, io.EOF", n, err)
		}
	}
}

// fillTimeout is more than a working radio needs to take data from
// a full buffer.
const fillTimeout = 500 * time.Millisecond

// Fill writes until the buffers of both kernels are full, and returns the
// number of bytes written.
func Fill(t testing.TB, c net.Conn) int {
	t.Helper()
	return FillWithin(t, c, fillTimeout)
}

// FillWithin is like Fill. The buffers count as full once two Writes in a row take
// no data within the timeout: a machine that stands still for a moment makes one
// time out before the radio has taken data.
func FillWithin(t testing.TB, c net.Conn, timeout time.Duration) int {
	t.Helper()
	total, vain := 0, 0
	for {
		c.SetWriteDeadline(time.Now().Add(timeout))
		n, err := c.Write(make([]byte, 64<<10))
		total += n
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded) && n == 0:
			if vain++; vain == 2 {
				c.SetWriteDeadline(time.Time{})
				return total
			}
			continue
		case err != nil && !errors.Is(err, os.ErrDeadlineExceeded):
			t.Fatalf("filling the connection: %v", err)
		}
		vain = 0
	}
}
