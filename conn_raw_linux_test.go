package rfcomm

import (
	"io"
	"net"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

func TestConnFileIsIndependent(t *testing.T) {
	near, far := connPair(t)
	f, err := near.File()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if !isCloseOnExec(t, f) {
		t.Error("programs that are started inherit it")
	}
	near.Close()

	buf := make([]byte, 100)
	if _, err := io.WriteString(f, "from the file"); err != nil {
		t.Fatal(err)
	}
	if n, err := far.Read(buf); string(buf[:n]) != "from the file" || err != nil {
		t.Errorf("the peer read %q, %v", buf[:n], err)
	}
	if _, err := io.WriteString(far, "to the file"); err != nil {
		t.Fatal(err)
	}
	if n, err := f.Read(buf); string(buf[:n]) != "to the file" || err != nil {
		t.Errorf("the file read %q, %v", buf[:n], err)
	}
	f.Close()
	if _, err := far.Read(buf); err != io.EOF {
		t.Errorf("with both closed, the peer read the error %v, want io.EOF", err)
	}
}

func TestConnFileCloseLeavesTheConnOpen(t *testing.T) {
	near, far := connPair(t)
	f, err := near.File()
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	read := waitingRead(t, near)
	if _, err := io.WriteString(far, "hello"); err != nil {
		t.Fatal(err)
	}
	if got := hosttest.Receive(t, read); got != (transferred{n: len("hello")}) {
		t.Errorf("Read returned %d, %v", got.n, got.err)
	}
}

func TestConnSyscallConnReadsAndWrites(t *testing.T) {
	near, far := connPair(t)
	raw, err := near.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}

	// If the function returns false, it is called again once there is data.
	buf := make([]byte, 100)
	var n, calls int
	read := hosttest.InBackground(func() error {
		return raw.Read(func(fd uintptr) bool {
			calls++
			n, err = unix.Read(int(fd), buf)
			return err != unix.EAGAIN
		})
	})
	hosttest.AwaitPolling(t, "rfcomm.rawConn.Read")
	if _, err := io.WriteString(far, "hello"); err != nil {
		t.Fatal(err)
	}
	if err := hosttest.Receive(t, read); err != nil {
		t.Error(err)
	}
	if got := string(buf[:n]); got != "hello" || calls < 2 {
		t.Errorf("raw Read got %q in %d calls", got, calls)
	}

	if err := raw.Write(func(fd uintptr) bool {
		_, err = unix.Write(int(fd), []byte("hello, too"))
		return err != unix.EAGAIN
	}); err != nil {
		t.Error(err)
	}
	if n, err := far.Read(buf); string(buf[:n]) != "hello, too" || err != nil {
		t.Errorf("the peer read %q, %v", buf[:n], err)
	}
}

func TestConnSyscallConnDeadlineAndClose(t *testing.T) {
	for name, tt := range map[string]struct {
		end  func(*Conn) error
		want error
	}{
		"deadline": {func(c *Conn) error { return c.SetDeadline(longAgo) }, os.ErrDeadlineExceeded},
		"close":    {(*Conn).Close, net.ErrClosed},
	} {
		t.Run(name, func(t *testing.T) {
			near, _ := connPair(t)
			raw, err := near.SyscallConn()
			if err != nil {
				t.Fatal(err)
			}
			results := make(chan error, 2)
			notDone := func(uintptr) bool { return false }
			go func() { results <- raw.Read(notDone) }()
			hosttest.AwaitPolling(t, "rfcomm.rawConn.Read")
			if err := tt.end(near); err != nil {
				t.Error(err)
			}
			wantOpError(t, hosttest.Receive(t, results), between("raw-read", tt.want))
			wantOpError(t, raw.Write(notDone), between("raw-write", tt.want))
		})
	}
}

func TestConnSetBuffersReachesTheKernel(t *testing.T) {
	near, _ := connPair(t)
	for name, tt := range map[string]struct {
		set    func(int) error
		option int
	}{
		"read":  {near.SetReadBuffer, unix.SO_RCVBUF},
		"write": {near.SetWriteBuffer, unix.SO_SNDBUF},
	} {
		t.Run(name, func(t *testing.T) {
			const size = 20_000
			if err := tt.set(size); err != nil {
				t.Fatal(err)
			}
			got := ask(t, near, func(fd int) (int, error) { return unix.GetsockoptInt(fd, unix.SOL_SOCKET, tt.option) })
			if got != 2*size { // socket(7): the kernel doubles it
				t.Errorf("the buffer has %d bytes, want twice %d", got, size)
			}
		})
	}
}
