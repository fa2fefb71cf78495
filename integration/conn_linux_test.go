package integration

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/nettest"
	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/test/conntest"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

func TestConnIsANetConn(t *testing.T) {
	l := inLab(t)
	nettest.TestConn(t, func() (net.Conn, net.Conn, func(), error) {
		c1, c2, err := l.pipe(t)
		if err != nil {
			return nil, nil, nil, err
		}
		return c1, c2, func() {
			c1.Close()
			// If both ends close with unread data, their channel stays busy for
			// 40 s.
			c2.SetDeadline(time.Time{})
			io.Copy(io.Discard, c2)
			c2.Close()
		}, nil
	})
}

// pipe returns the two ends of a new connection, on a channel that no old
// connection keeps busy.
func (l *lab) pipe(t *testing.T) (dialed, accepted *rfcomm.Conn, err error) {
	for range 30 {
		listener := l.listen(t)
		dialed, err = l.dialer.DialRFCOMM(t.Context(), conntest.AddrOf(listener))
		if err == nil {
			accepted, err = listener.AcceptRFCOMM()
		}
		listener.Close()
		if !errors.Is(err, unix.EBUSY) {
			break
		}
	}
	return dialed, accepted, err
}

func TestConnAddrsHaveServersChannel(t *testing.T) {
	l := inLab(t)
	listener := l.listen(t)
	dialed := l.dial(t, listener)
	accepted := conntest.Accept(t, listener)
	channel := conntest.AddrOf(listener).Channel
	for _, end := range []struct {
		what      string
		got, want net.Addr
	}{
		{"dialed, local", dialed.LocalAddr(), l.nearAddr(channel)},
		{"dialed, remote", dialed.RemoteAddr(), l.farAddr(channel)},
		{"accepted, local", accepted.LocalAddr(), l.farAddr(channel)},
		{"accepted, remote", accepted.RemoteAddr(), l.nearAddr(channel)},
	} {
		if end.got.String() != end.want.String() || end.got.Network() != "rfcomm" {
			t.Errorf("%s: %v %v, want %v", end.what, end.got.Network(), end.got, end.want)
		}
	}
}

func TestConnReadReturnsEOFAfterAllData(t *testing.T) {
	l := inLab(t)
	dialed, accepted := l.connect(t)
	data := strings.Repeat("the last words ", 5000)
	sent := hosttest.InBackground(func() error {
		_, err := io.WriteString(dialed, data)
		return errors.Join(err, dialed.Close())
	})
	// Half of the data is read after the end of the stream has arrived.
	conntest.Receive(t, accepted, data[:len(data)/2])
	if err := <-sent; err != nil {
		t.Fatal(err)
	}
	conntest.Receive(t, accepted, data[len(data)/2:])
	conntest.ReceiveEOF(t, accepted)
}

// The kernel reports the peer's close to either Read or Write. The other call
// must return too.
func TestConnReadEndsAfterFailedWrite(t *testing.T) {
	l := inLab(t)
	listener := l.listen(t)
	for range rounds(500, 50) {
		dialed := l.dial(t, listener)
		accepted := conntest.Accept(t, listener)
		read := hosttest.InBackground(func() error {
			_, err := io.Copy(io.Discard, dialed)
			return err
		})
		wrote := hosttest.InBackground(func() error {
			for {
				if _, err := dialed.Write([]byte("x")); err != nil {
					return err
				}
			}
		})
		conntest.Receive(t, accepted, "x") // the writer has begun
		accepted.Close()
		if err := <-read; err != nil {
			t.Fatalf("Read: %v, want io.EOF", err)
		}
		first := <-wrote
		if !errors.Is(first, unix.ECONNRESET) && !errors.Is(first, unix.ENOTCONN) {
			t.Fatalf("Write: %v, want ECONNRESET or ENOTCONN", first)
		}
		if _, again := dialed.Write([]byte("x")); again == nil || again.Error() != first.Error() {
			t.Fatalf("Write: %v, want the first error again: %v", again, first)
		}
		conntest.ReceiveEOF(t, dialed)
		dialed.Close()
	}
}

// Read must return the last data even if the kernel reports the end of
// the stream to a Write after Read has found no data and before Read
// checks for the end.
func TestConnReadGetsLastData(t *testing.T) {
	l := inLab(t)
	listener := l.listen(t)
	for range rounds(100, 20) {
		dialed := l.dial(t, listener)
		dialed.SetReadDeadline(time.Now().Add(time.Minute))
		accepted := conntest.Accept(t, listener)
		read := hosttest.InBackground(func() string {
			data, err := io.ReadAll(dialed)
			if err != nil {
				t.Error(err)
			}
			return string(data)
		})
		wrote := hosttest.InBackground(func() error {
			for {
				if _, err := dialed.Write([]byte("x")); err != nil {
					return err
				}
			}
		})
		conntest.Receive(t, accepted, "x") // the writer has begun
		conntest.Send(t, accepted, "goodbye")
		accepted.Close()
		if got := <-read; got != "goodbye" {
			t.Fatalf("read %q, want all data", got)
		}
		<-wrote
		dialed.Close()
	}
}

// A large Write can consume the errno of the peer's close without returning it.
func TestConnReadEndsDuringLargeWrites(t *testing.T) {
	l := inLab(t)
	listener := l.listen(t)
	for range rounds(60, 10) {
		dialed := l.dial(t, listener)
		accepted := conntest.Accept(t, listener)
		wrote := hosttest.InBackground(func() error {
			for {
				if _, err := dialed.Write(make([]byte, 32<<10)); err != nil {
					return err
				}
			}
		})
		conntest.Receive(t, accepted, string(make([]byte, 40<<10)))
		accepted.Close()
		if _, err := dialed.Read(make([]byte, 1)); err != io.EOF && !errors.Is(err, unix.ECONNABORTED) {
			t.Fatalf("Read: %v, want io.EOF or ECONNABORTED", err)
		}
		if err := <-wrote; !errors.Is(err, unix.ECONNRESET) && !errors.Is(err, unix.ENOTCONN) && !errors.Is(err, unix.ECONNABORTED) {
			t.Fatalf("Write: %v, want ECONNRESET, ENOTCONN or ECONNABORTED", err)
		}
		dialed.Close()
	}
}

func TestConnWriteMegabyteToSlowReader(t *testing.T) {
	l := inLab(t)
	dialed, accepted := l.connect(t)
	data := make([]byte, 1<<20)
	rand.Read(data)
	type result struct {
		n   int
		err error
	}
	wrote := hosttest.InBackground(func() result {
		n, err := dialed.Write(data)
		return result{n, errors.Join(err, dialed.Close())}
	})
	var got bytes.Buffer
	for part := make([]byte, 10_000); ; {
		n, err := accepted.Read(part)
		got.Write(part[:n])
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if got.Len() < 200_000 {
			time.Sleep(time.Millisecond) // slower than the radio, so buffers fill up
		}
	}
	if r := <-wrote; r.n != len(data) || r.err != nil {
		t.Errorf("Write = %d, %v; want %d, nil", r.n, r.err, len(data))
	}
	if !bytes.Equal(got.Bytes(), data) {
		t.Errorf("read %d bytes that differ from the %d written", got.Len(), len(data))
	}
}

// The kernel would spend a credit on an empty frame, and the peer would never
// return that credit.
func TestConnWriteZeroBytes(t *testing.T) {
	l := inLab(t)
	dialed, accepted := l.connect(t)
	for range 200 {
		conntest.Send(t, dialed, "")
	}
	conntest.Send(t, dialed, "still there")
	conntest.Receive(t, accepted, "still there")
	conntest.Send(t, accepted, "and back")
	conntest.Receive(t, dialed, "and back")
}

func TestConnCloseWakesWrite(t *testing.T) {
	l := inLab(t)
	dialed, accepted := l.connect(t)
	conntest.Fill(t, dialed)
	wrote := hosttest.InBackground(func() error {
		_, err := dialed.Write([]byte("no room"))
		return err
	})
	// Close must wake the Write whether it already waits or is about to.
	dialed.Close()
	if err := <-wrote; !errors.Is(err, net.ErrClosed) {
		t.Errorf("Write: %v, want net.ErrClosed", err)
	}
	io.Copy(io.Discard, accepted) // or the kernel would take 40 s to close
}

func TestConnWriteDeadlineCountsBytes(t *testing.T) {
	l := inLab(t)
	dialed, accepted := l.connect(t)
	total := conntest.Fill(t, dialed)
	dialed.Close()
	n, err := io.Copy(io.Discard, accepted)
	if int(n) != total || err != nil {
		t.Errorf("the peer read %d bytes, %v; Write had counted %d", n, err, total)
	}
}

func TestConnsLeaveNothingBehind(t *testing.T) {
	l := inLab(t)
	listener := l.listen(t)
	hosttest.CheckLeaksAtEnd(t)
	for i := range rounds(1000, 100) {
		dialed, err := l.dialer.DialRFCOMM(t.Context(), conntest.AddrOf(listener))
		if err != nil {
			t.Fatalf("dial %d: %v", i, err)
		}
		accepted, err := listener.Accept()
		if err != nil {
			t.Fatalf("accept %d: %v", i, err)
		}
		conntest.Send(t, dialed, "ping")
		conntest.Receive(t, accepted, "ping")
		dialed.Close()
		accepted.Close()
	}
}
