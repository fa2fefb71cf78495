package rfcomm

import (
	"bytes"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"syscall"
	"testing"
	"testing/iotest"

	"golang.org/x/net/nettest"

	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

func TestConnPassesNettest(t *testing.T) {
	nettest.TestConn(t, func() (c1, c2 net.Conn, stop func(), err error) {
		near, far := connPair(t)
		return near, far, func() { near.Close(); far.Close() }, nil
	})
}

func TestConnAddrs(t *testing.T) {
	near, far := connPair(t)
	for _, tt := range []struct{ got, want net.Addr }{
		{near.LocalAddr(), nearAddr},
		{near.RemoteAddr(), farAddr},
		{far.LocalAddr(), farAddr},
		{far.RemoteAddr(), nearAddr},
	} {
		if tt.got != tt.want || tt.got.Network() != "rfcomm" {
			t.Errorf("got %s on %s, want %s", tt.got, tt.got.Network(), tt.want)
		}
	}
}

func TestConnReadReturnsReceivedData(t *testing.T) {
	near, far := connPair(t)
	if _, err := io.WriteString(far, "hello"); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		space int
		want  string
	}{
		{space: 2, want: "he"},
		{space: 100, want: "llo"},
	} {
		buf := make([]byte, tt.space)
		n, err := near.Read(buf)
		if got := string(buf[:n]); got != tt.want || err != nil {
			t.Errorf("got %q, %v; want %q", got, err, tt.want)
		}
	}
}

func TestConnWriteToASlowReader(t *testing.T) {
	near, far := connPair(t)
	want := make([]byte, 4<<20)
	rand.NewChaCha8([32]byte{}).Read(want)

	written := hosttest.InBackground(func() transferred {
		n, err := near.Write(want)
		near.Close()
		return transferred{n, err}
	})
	hosttest.AwaitPolling(t, "(*Conn).Write")
	got, err := io.ReadAll(iotest.HalfReader(far))
	if err != nil {
		t.Fatal(err)
	}
	if result := <-written; result.n != len(want) || result.err != nil {
		t.Errorf("Write returned %d, %v", result.n, result.err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%d bytes arrived, of %d, or they differ", len(got), len(want))
	}
}

func TestConnWritesDoNotInterleave(t *testing.T) {
	const (
		writers = 4
		writes  = 5
		size    = 300_000 // far more than one write(2) takes
	)
	near, far := connPair(t)
	var group sync.WaitGroup
	for writer := range writers {
		group.Go(func() {
			for range writes {
				if n, err := near.Write(bytes.Repeat([]byte{byte(writer)}, size)); n != size || err != nil {
					t.Errorf("Write returned %d, %v", n, err)
				}
			}
		})
	}
	buf := make([]byte, size)
	for range writers * writes {
		if _, err := io.ReadFull(far, buf); err != nil {
			t.Fatal(err)
		}
		if got := bytes.Count(buf, buf[:1]); got != size {
			t.Errorf("%d bytes of one Write together, want %d", got, size)
		}
	}
	group.Wait()
}

func TestConnReadAndWriteOfNoBytes(t *testing.T) {
	for name, end := range map[string]func(near, far *Conn){
		"open":         func(*Conn, *Conn) {},
		"with data":    func(_, far *Conn) { far.Write([]byte("hello")) },
		"peer closed":  func(_, far *Conn) { far.Close() },
		"end was read": func(near, far *Conn) { far.Close(); near.Read(make([]byte, 1)) },
	} {
		t.Run(name, func(t *testing.T) {
			near, far := connPair(t)
			end(near, far)
			for _, none := range [][]byte{nil, {}} {
				if n, err := near.Read(none); n != 0 || err != nil {
					t.Errorf("Read returned %d, %v", n, err)
				}
				if n, err := near.Write(none); n != 0 || err != nil {
					t.Errorf("Write returned %d, %v", n, err)
				}
			}
		})
	}
}

func TestConnReadRepeatsEOF(t *testing.T) {
	near, far := connPair(t)
	if _, err := io.WriteString(far, "goodbye"); err != nil {
		t.Fatal(err)
	}
	far.Close()
	if got, err := io.ReadAll(near); string(got) != "goodbye" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	for range 3 {
		if n, err := near.Read(make([]byte, 1)); n != 0 || err != io.EOF {
			t.Errorf("Read returned %d, %v; want the bare io.EOF", n, err)
		}
	}
}

func TestConnReadEndsWhenThePeerCloses(t *testing.T) {
	near, far := connPair(t)
	read := waitingRead(t, near)
	far.Close()
	if got := hosttest.Receive(t, read); got != (transferred{0, io.EOF}) {
		t.Errorf("Read returned %d, %v; want the bare io.EOF", got.n, got.err)
	}
}

func TestConnWriteEndsWhenThePeerCloses(t *testing.T) {
	near, far := connPair(t)
	write := blockedWrite(t, near)
	far.Close()
	got := hosttest.Receive(t, write)
	if got.n <= 0 || got.n >= tooMuch {
		t.Errorf("Write counts %d bytes", got.n)
	}
	if _, ok := got.err.(*net.OpError); !ok {
		t.Errorf("Write returned the error %v", got.err)
	}
}

func TestConnWriteRepeatsItsFirstError(t *testing.T) {
	near, far := connPair(t)
	far.Close()
	_, first := near.Write([]byte("hello"))
	wantOpError(t, first, between("write", syscall.EPIPE))
	if _, ok := first.(*net.OpError).Err.(*os.SyscallError); !ok {
		t.Errorf("the cause is a %T, want an *os.SyscallError", first.(*net.OpError).Err)
	}
	near.Read(make([]byte, 1)) // detects the end by itself
	for range 3 {
		n, again := near.Write([]byte("hello"))
		if n != 0 || again == nil || again.Error() != first.Error() {
			t.Errorf("Write returned %d, %v; want %v", n, again, first)
		}
	}
}
