package btsocket

import (
	"errors"
	"io"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

// wantErrno checks that err is the errno of a system call.
func wantErrno(t *testing.T, err error, call string, errno unix.Errno) {
	t.Helper()
	got, ok := err.(*os.SyscallError)
	if !ok || got.Syscall != call || got.Err != errno {
		t.Errorf("got the error %v, want %v", err, os.NewSyscallError(call, errno))
	}
}

// wantReadErrno checks that Read returns the errno, and repeats it.
func wantReadErrno(t *testing.T, s *Socket, errno unix.Errno) {
	t.Helper()
	for range 3 {
		_, err := s.Read(make([]byte, 100))
		wantErrno(t, err, "read", errno)
	}
}

func TestReadRepeatsErrno(t *testing.T) {
	near, far := udpPair(t)
	reportOnce(t, near, far)
	wantReadErrno(t, near, unix.ECONNREFUSED)
}

func TestReadReturnsErrnoOfWrite(t *testing.T) {
	near, far := udpPair(t)
	reportOnce(t, near, far)
	_, err := near.Write([]byte("hello"))
	wantErrno(t, err, "write", unix.ECONNREFUSED)
	wantReadErrno(t, near, unix.ECONNREFUSED)
}

// takeErrno consumes the pending errno, so that neither Read nor Write receives
// it.
func takeErrno(t *testing.T, s *Socket) {
	t.Helper()
	if err := s.control(func(fd int) error {
		_, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR)
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

func TestReadReturnsErrorForLostErrno(t *testing.T) {
	near, far := udpPair(t)
	reportOnce(t, near, far)
	takeErrno(t, near)
	wantReadErrno(t, near, unix.ECONNABORTED)
}

func TestReadWaitsForWriteThatTookErrno(t *testing.T) {
	near, far := udpPair(t)
	reportOnce(t, near, far)
	// Simulate a Write whose system call has returned the errno, and that has
	// not recorded it yet.
	near.writeMu.Lock()
	takeErrno(t, near)
	read := make(chan error, 1)
	go func() {
		_, err := near.Read(make([]byte, 100))
		read <- err
	}()
	hosttest.AwaitLocking(t, "(*Socket).endOfRead")
	near.record(unix.ETIMEDOUT)
	near.writeMu.Unlock()
	wantErrno(t, hosttest.Receive(t, read), "read", unix.ETIMEDOUT)
	wantReadErrno(t, near, unix.ETIMEDOUT)
}

func TestReadNeverHangsAfterWriteTookErrno(t *testing.T) {
	for range 500 {
		near, far := udpPair(t)
		read := make(chan error, 1)
		go func() {
			_, err := near.Read(make([]byte, 100))
			read <- err
		}()
		hosttest.AwaitPolling(t, "(*Socket).Read")
		unix.Close(far)
		// The first Write makes the kernel notice that the peer is gone. After
		// that, Read and Write race for the errno.
		for range 50 {
			if _, err := near.Write([]byte("hello")); err != nil {
				wantErrno(t, err, "write", unix.ECONNREFUSED)
				break
			}
		}
		// UDP shows POLLERR before it has the errno (ip_icmp_error, and then
		// __udp4_lib_err), so this Read may be woken too early for the errno.
		// That does not happen with RFCOMM. Other tests check the error of
		// Read.
		if err := hosttest.Receive(t, read); !errors.Is(err, unix.ECONNABORTED) {
			wantErrno(t, err, "read", unix.ECONNREFUSED)
		}
		near.Close()
	}
}

func TestReadReturnsEOFAfterReset(t *testing.T) {
	near, far := tcpPair(t)
	if _, err := io.WriteString(far, "goodbye"); err != nil {
		t.Fatal(err)
	}
	reset(t, far, near)
	wantRestAndEOF(t, near, "goodbye")
}

func TestReadReturnsEOFAfterResetOfWrite(t *testing.T) {
	near, far := tcpPair(t)
	if _, err := io.WriteString(far, "goodbye"); err != nil {
		t.Fatal(err)
	}
	reset(t, far, near)
	_, err := near.Write([]byte("hello"))
	wantErrno(t, err, "write", unix.ECONNRESET)
	wantRestAndEOF(t, near, "goodbye")
	_, err = near.Write([]byte("hello")) // the kernel would return EPIPE now
	wantErrno(t, err, "write", unix.ECONNRESET)
}

// The test interleaves a Read with the peer's last data and a Write that
// consumes the errno. Read then knows of the end before it knows of the data.
func TestReadReturnsDataBeforeRecordedEnd(t *testing.T) {
	near, far := tcpPair(t)
	buf := make([]byte, 100)
	near.read.rest = buf
	var n int
	var arrived bool
	var err error
	near.control(func(fd int) error { n, arrived, err = near.receive(uintptr(fd)); return nil })
	if err != unix.EAGAIN {
		t.Fatalf("receive = %d, %v; want EAGAIN", n, err)
	}

	if _, err := io.WriteString(far, "goodbye"); err != nil {
		t.Fatal(err)
	}
	reset(t, far, near)
	_, writeErr := near.Write([]byte("hello"))
	wantErrno(t, writeErr, "write", unix.ECONNRESET)

	near.control(func(fd int) error {
		if !near.judge(uintptr(fd), n, arrived, err) {
			t.Error("Read would wait")
		}
		return nil
	})
	if got := string(buf[:near.read.n]); got != "goodbye" || near.read.err != nil {
		t.Errorf("Read would return %q, %v; want the data", got, near.read.err)
	}
	wantRestAndEOF(t, near, "")
}

// wantRestAndEOF checks that Read returns the rest of the data, and then
// io.EOF, and repeats it.
func wantRestAndEOF(t *testing.T, s *Socket, rest string) {
	t.Helper()
	if got, err := io.ReadAll(s); string(got) != rest || err != nil {
		t.Errorf("read %q, %v; want %q", got, err, rest)
	}
	wantEOF(t, s)
}

// wantEOF checks that Read returns io.EOF, and repeats it.
func wantEOF(t *testing.T, s *Socket) {
	t.Helper()
	for range 3 {
		if n, err := s.Read(make([]byte, 1)); n != 0 || err != io.EOF {
			t.Errorf("Read returned %d, %v; want 0, io.EOF", n, err)
		}
	}
}

func TestReadOfStreamSkipsEmptyPacket(t *testing.T) {
	near, far := udpPair(t)
	defer unix.Close(far)
	send := func(packet string) {
		if _, err := unix.Write(far, []byte(packet)); err != nil {
			t.Fatal(err)
		}
	}
	send("")
	read := make(chan string, 1)
	go func() {
		buf := make([]byte, 100)
		n, err := near.Read(buf)
		if err != nil {
			t.Error(err)
		}
		read <- string(buf[:n])
	}()
	hosttest.AwaitPolling(t, "(*Socket).Read")
	send("hello")
	if got := hosttest.Receive(t, read); got != "hello" {
		t.Errorf("read %q", got)
	}
}

func TestWriteReturnsErrnoOfRead(t *testing.T) {
	// A Unix socket that was never connected polls as hung up, and its write(2)
	// returns ENOTCONN, as on a Bluetooth socket whose reader has consumed the
	// errno.
	s := socketOf(t, hosttest.NewSocket(t, unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC))
	s.record(unix.ETIMEDOUT)
	for range 2 {
		_, err := s.Write([]byte("hello"))
		wantErrno(t, err, "write", unix.ETIMEDOUT)
	}
}

func TestWriteBeforeAcceptIsNotTheEnd(t *testing.T) {
	// A Unix socket that listens does not poll as hung up, and its write(2)
	// returns ENOTCONN, as on a Bluetooth socket with BT_DEFER_SETUP.
	fd, _ := hosttest.UnixListener(t, 1)
	s := socketOf(t, fd)
	_, err := s.Write([]byte("hello"))
	wantErrno(t, err, "write", unix.ENOTCONN)
	if s.writeEnd != nil || s.ended() != nil {
		t.Errorf("the error is taken for the end: %v, %v", s.writeEnd, s.ended())
	}
}

func TestEndOfIgnoresPassingErrors(t *testing.T) {
	for _, errno := range []unix.Errno{unix.EAGAIN, unix.EINTR, unix.ENOMEM, unix.ENOBUFS, unix.EFAULT, unix.EINVAL} {
		if end := endOf(errno); end != nil {
			t.Errorf("%v is taken for the end: %v", errno, end)
		}
	}
	for _, errno := range []unix.Errno{unix.ECONNRESET, unix.ETIMEDOUT, unix.ECONNABORTED, unix.EACCES, unix.ENOSYS} {
		if end := endOf(errno); !errors.Is(end, errno) {
			t.Errorf("%v is taken for the end %v", errno, end)
		}
	}
	if end := endOf(nil); end != io.EOF {
		t.Errorf("a read without data is taken for the end %v", end)
	}
}
