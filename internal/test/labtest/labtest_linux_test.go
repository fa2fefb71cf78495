package labtest

import (
	"encoding/binary"
	"errors"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// These tests check the lab with the kernel's sockets alone, without the code
// of other packages of this module.

const (
	solBluetooth   = 274
	optionSecurity = 4
	securityMedium = 2
)

func kernelOrder(address [6]byte) [6]byte {
	var turned [6]byte
	for i := range address {
		turned[i] = address[5-i]
	}
	return turned
}

// newSocket returns a socket whose operations time out after 30 s.
func newSocket(t *testing.T, security byte) int {
	t.Helper()
	fd, err := unix.Socket(unix.AF_BLUETOOTH, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, unix.BTPROTO_RFCOMM)
	if err != nil {
		t.Fatalf("opening an RFCOMM socket: %v", err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	for _, option := range []int{unix.SO_RCVTIMEO, unix.SO_SNDTIMEO} {
		if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, option, &unix.Timeval{Sec: 30}); err != nil {
			t.Fatal(err)
		}
	}
	if security != 0 {
		if err := unix.SetsockoptString(fd, solBluetooth, optionSecurity, string([]byte{security, 0})); err != nil {
			t.Fatalf("setting the security level: %v", err)
		}
	}
	return fd
}

// listen returns a listening socket of the device and its channel. The kernel
// completes connections to it before accept(2) is called.
func listen(t *testing.T, l *Lab) (fd int, channel uint8) {
	t.Helper()
	fd = newSocket(t, 0)
	channel = uint8(NextChannel())
	if err := unix.Bind(fd, &unix.SockaddrRFCOMM{Addr: kernelOrder(l.Device()), Channel: channel}); err != nil {
		t.Fatalf("binding to channel %d: %v", channel, err)
	}
	if err := unix.Listen(fd, 1); err != nil {
		t.Fatalf("listening on channel %d: %v", channel, err)
	}
	return fd, channel
}

// dial connects to a channel of the device. It retries while the kernel resets
// or refuses connections, as it does shortly after a link has ended.
func dial(t *testing.T, l *Lab, channel uint8, security byte) (fd int, err error) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for {
		fd, err = dialOnce(t, l, channel, security)
		passing := errors.Is(err, unix.EBUSY) || errors.Is(err, unix.ECONNRESET) || errors.Is(err, unix.ECONNREFUSED)
		if !passing || time.Now().After(deadline) {
			return fd, err
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func dialOnce(t *testing.T, l *Lab, channel uint8, security byte) (fd int, err error) {
	t.Helper()
	fd = newSocket(t, security)
	if err := unix.Bind(fd, &unix.SockaddrRFCOMM{Addr: kernelOrder(l.Dialer())}); err != nil {
		t.Fatalf("binding to the dialing adapter: %v", err)
	}
	return fd, await(fd, &unix.SockaddrRFCOMM{Addr: kernelOrder(l.Device()), Channel: channel})
}

// await connects a blocking socket. connect(2) does not wait itself: a signal,
// such as those of Go's scheduler, would interrupt it, and a second call fails
// with EBADFD (rfcomm_sock_connect).
func await(fd int, address unix.Sockaddr) error {
	if err := unix.SetNonblock(fd, true); err != nil {
		return err
	}
	if err := unix.Connect(fd, address); !errors.Is(err, unix.EINPROGRESS) {
		return errors.Join(err, unix.SetNonblock(fd, false))
	}
	polls := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}
	if err := restarting(func() error { _, err := unix.Poll(polls, -1); return err }); err != nil {
		return err
	}
	number, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR)
	if err == nil && number != 0 {
		err = unix.Errno(number)
	}
	return errors.Join(err, unix.SetNonblock(fd, false))
}

// interrupt sends signals to the threads of this process until the test ends.
func interrupt(t *testing.T) {
	t.Helper()
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-end:
				return
			case <-time.After(time.Millisecond):
				signalThreads()
			}
		}
	}()
	t.Cleanup(func() { close(end); <-ended })
}

// signalThreads sends SIGURG, which Go's runtime ignores, to each thread.
func signalThreads() {
	threads, _ := os.ReadDir("/proc/self/task")
	for _, thread := range threads {
		if id, err := strconv.Atoi(thread.Name()); err == nil {
			unix.Tgkill(os.Getpid(), id, unix.SIGURG)
		}
	}
}

// connect returns both ends of a connection.
func connect(t *testing.T, l *Lab, security byte) (dialed, accepted int) {
	t.Helper()
	listener, channel := listen(t, l)
	dialed, err := dial(t, l, channel, security)
	if err != nil {
		t.Fatalf("dialing channel %d: %v", channel, err)
	}
	err = restarting(func() (err error) { accepted, _, err = unix.Accept(listener); return err })
	if err != nil {
		t.Fatalf("accepting: %v", err)
	}
	t.Cleanup(func() { unix.Close(accepted) })
	return dialed, accepted
}

// restarting repeats a system call that signals interrupt, such as those of Go's
// scheduler.
func restarting(call func() error) error {
	for {
		if err := call(); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// readError reads from a connection until read(2) returns, and
// returns its error.
func readError(fd int) error {
	return restarting(func() error { _, err := unix.Read(fd, make([]byte, 1)); return err })
}

// hungUp reports whether a connection has ended.
func hungUp(fd int) bool {
	poll := []unix.PollFd{{Fd: int32(fd)}}
	unix.Poll(poll, 0)
	return poll[0].Revents&unix.POLLHUP != 0
}

// wantLinkEnds checks a property of both ends of the link.
func wantLinkEnds(t *testing.T, l *Lab, what string, property func(LinkEnd) bool, want bool) {
	t.Helper()
	ends := l.LinkEnds()
	if len(ends) != 2 {
		t.Fatalf("got link ends %+v, want 2", ends)
	}
	for _, end := range ends {
		if got := property(end); got != want {
			t.Errorf("adapter %d: %s = %v, want %v (link mode %#x)", end.Adapter, what, got, want, end.Mode)
		}
	}
}

func TestConnection(t *testing.T) {
	l := Require(t)
	interrupt(t)
	dialed, accepted := connect(t, l, 0)
	message := binary.BigEndian.AppendUint64(nil, 0x0102030405060708)
	if err := restarting(func() error { _, err := unix.Write(dialed, message); return err }); err != nil {
		t.Fatalf("writing: %v", err)
	}
	got, n := make([]byte, 16), 0
	err := restarting(func() (err error) { n, err = unix.Read(accepted, got); return err })
	if err != nil || string(got[:n]) != string(message) {
		t.Fatalf("read %x and %v, want %x", got[:n], err, message)
	}
	wantLinkEnds(t, l, "encrypted", LinkEnd.Encrypted, false)
	for _, end := range l.LinkEnds() {
		other := l.Device()
		if end.Adapter == DeviceAdapter {
			other = l.Dialer()
		}
		if end.Device != other || end.State != Connected || end.Outgoing != (end.Adapter == DialerAdapter) {
			t.Errorf("got the link end %+v, want one to %x", end, other)
		}
	}
}

func TestDisconnect(t *testing.T) {
	l := Require(t)
	for reason, want := range map[uint8]unix.Errno{0x05: unix.EACCES, 0x08: unix.ETIMEDOUT, 0x13: unix.ECONNRESET} {
		l.Sync()
		dialed, _ := connect(t, l, 0)
		l.Disconnect(reason)
		// A busy kernel can lose the errno; read(2) then finds no data.
		if err := readError(dialed); !errors.Is(err, want) && !(errors.Is(err, unix.EAGAIN) && hungUp(dialed)) {
			t.Errorf("reason %#x: got %v, want %v", reason, err, want)
		}
	}
}

func TestUnplug(t *testing.T) {
	l := Require(t)
	dialed, _ := connect(t, l, 0)
	l.Unplug()
	if err := readError(dialed); !errors.Is(err, unix.ECONNABORTED) {
		t.Errorf("reading: got %v, want %v", err, unix.ECONNABORTED)
	}
	if _, err := dial(t, l, uint8(NextChannel()), 0); !errors.Is(err, unix.EHOSTUNREACH) {
		t.Errorf("dialing: got %v, want %v", err, unix.EHOSTUNREACH)
	}
	l.Plug()
	connect(t, l, 0)
}

func TestDown(t *testing.T) {
	l := Require(t)
	for adapter := range 2 {
		dialed, accepted := connect(t, l, 0)
		own := [2]int{dialed, accepted}[adapter]
		l.Down(adapter)
		if err := readError(own); !errors.Is(err, unix.ECONNABORTED) {
			t.Errorf("adapter %d down: reading got %v, want %v", adapter, err, unix.ECONNABORTED)
		}
		l.Up(adapter)
		connect(t, l, 0)
	}
}

func TestNoScan(t *testing.T) {
	l := Require(t)
	l.Sync()
	_, channel := listen(t, l)
	l.NoScan(DeviceAdapter)
	interrupt(t)
	if _, err := dial(t, l, channel, 0); !errors.Is(err, unix.EHOSTDOWN) {
		t.Errorf("dialing: got %v, want %v", err, unix.EHOSTDOWN)
	}
	l.Scan(DeviceAdapter)
	connect(t, l, 0)
}

func TestStall(t *testing.T) {
	l := Require(t)
	l.Sync()
	listener, channel := listen(t, l)
	interrupt(t)
	l.Stall()
	dialed := newSocket(t, 0)
	if err := unix.SetNonblock(dialed, true); err != nil {
		t.Fatal(err)
	}
	err := unix.Connect(dialed, &unix.SockaddrRFCOMM{Addr: kernelOrder(l.Device()), Channel: channel})
	if !errors.Is(err, unix.EINPROGRESS) {
		t.Fatalf("dialing: got %v, want %v", err, unix.EINPROGRESS)
	}
	// Shorter than the kernel's own limit for a command to a controller.
	if n := polled(t, listener, 500*time.Millisecond); n != 0 {
		t.Error("a connection arrived during the stall")
	}
	l.Resume()
	if n := polled(t, listener, patience); n != 1 {
		t.Error("no connection arrived after the stall")
	}
}

// polled waits for a connection of a listener, and returns the number of listeners
// that have one.
func polled(t *testing.T, listener int, timeout time.Duration) (n int) {
	t.Helper()
	polls := []unix.PollFd{{Fd: int32(listener), Events: unix.POLLIN}}
	for end := time.Now().Add(timeout); ; {
		n, err := unix.Poll(polls, int(max(0, time.Until(end).Milliseconds())))
		if err == nil {
			return n
		}
		if !errors.Is(err, unix.EINTR) {
			t.Fatal(err)
		}
	}
}

func TestPair(t *testing.T) {
	l := Require(t)
	l.Pair()
	l.Sync()
	connect(t, l, securityMedium)
	wantLinkEnds(t, l, "authenticated", LinkEnd.Authenticated, true)
	wantLinkEnds(t, l, "encrypted", LinkEnd.Encrypted, true)
}

func TestSimplePairing(t *testing.T) {
	l := Require(t)
	l.Pair()
	l.SimplePairing(false)
	endLink(t, l)
	connect(t, l, 0)
	wantLinkEnds(t, l, "encrypted", LinkEnd.Encrypted, false)
	endLink(t, l)
	connect(t, l, securityMedium)
	wantLinkEnds(t, l, "encrypted", LinkEnd.Encrypted, true)
}

// endLink ends the current link, so that the next one is new.
func endLink(t *testing.T, l *Lab) {
	t.Helper()
	l.Disconnect(0x13)
	l.Sync()
}

func TestSpoilKey(t *testing.T) {
	l := Require(t)
	l.Pair()
	l.SpoilKey(DialerAdapter)
	endLink(t, l)
	_, channel := listen(t, l)
	if _, err := dial(t, l, channel, securityMedium); !errors.Is(err, unix.EACCES) {
		t.Errorf("dialing: got %v, want %v", err, unix.EACCES)
	}
}

func TestUnpair(t *testing.T) {
	l := Require(t)
	l.Pair()
	l.Unpair()
	connect(t, l, 0)
	wantLinkEnds(t, l, "encrypted", LinkEnd.Encrypted, false)
}

func TestKernelWarnings(t *testing.T) {
	l := Require(t)
	for _, line := range l.KernelWarnings() {
		t.Logf("the kernel warned: %s", line)
	}
}

func TestWarned(t *testing.T) {
	l := Require(t)
	for _, line := range l.KernelWarnings() {
		if got := Warned(t, line); !strings.Contains(got, line) {
			t.Errorf("of %q: got %q", line, got)
		}
	}
	if got := Warned(t, "a text that no kernel logs"); got != "" {
		t.Errorf("got %q, want none", got)
	}
}
