package integration

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/test/conntest"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

// otherProgram listens on an address until the test ends. Like a program that
// does not use this package, it does not check for other listeners.
func otherProgram(t *testing.T, laddr rfcomm.Addr) (fd int) {
	t.Helper()
	fd = rawSocket(t)
	t.Cleanup(func() { unix.Close(fd) })
	if err := unix.Bind(fd, sockaddr(laddr)); err != nil {
		t.Fatalf("binding to %v: %v", laddr, err)
	}
	if err := unix.Listen(fd, 1); err != nil {
		t.Fatal(err)
	}
	return fd
}

func TestListenNamesAdapterInUse(t *testing.T) {
	l := inLab(t)
	hosttest.CheckLeaksAtEnd(t)
	laddr := rfcomm.Addr{Channel: 9}
	for name, device := range map[string]rfcomm.BDAddr{"hci0": l.near, "hci1": l.far} {
		t.Run(name, func(t *testing.T) {
			otherProgram(t, rfcomm.Addr{Device: device, Channel: 9})
			listener, err := rfcomm.Listen(9)
			if err == nil {
				listener.Close()
				t.Fatal("listened on a channel that another program has")
			}
			t.Log(err)
			for _, hint := range []string{name, device.String(), "the address of another adapter"} {
				checkOpError(t, err, "listen", nil, laddr, unix.EADDRINUSE, hint)
			}
		})
	}
	conntest.ListenAt(t, laddr)
}

func TestListenRefusesChannelOfEveryAdapter(t *testing.T) {
	l := inLab(t)
	hosttest.CheckLeaksAtEnd(t)
	otherProgram(t, rfcomm.Addr{Channel: 9})
	for _, laddr := range []rfcomm.Addr{l.farAddr(9), l.nearAddr(9), {Channel: 9}} {
		listener, err := new(rfcomm.ListenConfig).ListenRFCOMM(t.Context(), laddr)
		if err == nil {
			listener.Close()
			t.Fatalf("listened on %v although another program has the channel on every adapter", laddr)
		}
		t.Log(err)
		checkOpError(t, err, "listen", nil, laddr, unix.EADDRINUSE, "this channel of every adapter")
	}
}

// Both adapters can have a listener on the same channel.
func TestListenOnEachAdapter(t *testing.T) {
	l := inLab(t)
	conntest.ListenAt(t, l.farAddr(9))
	conntest.ListenAt(t, l.nearAddr(9))
}

// The probes of two Listen calls collide with each other.
func TestListenOnEachAdapterAtOnce(t *testing.T) {
	l := inLab(t)
	for range 20 {
		var wg sync.WaitGroup
		var listeners [2]*rfcomm.Listener
		for i, laddr := range []rfcomm.Addr{l.farAddr(9), l.nearAddr(9)} {
			wg.Go(func() {
				var err error
				if listeners[i], err = new(rfcomm.ListenConfig).ListenRFCOMM(t.Context(), laddr); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		for _, listener := range listeners {
			listener.Close() // a nil Listener returns an error
		}
	}
}

func TestListenOnChannelZeroSkipsUsedOnes(t *testing.T) {
	l := inLab(t)
	otherProgram(t, l.farAddr(1))
	otherProgram(t, l.nearAddr(2))
	otherProgram(t, rfcomm.Addr{Channel: 3})
	listener, err := rfcomm.Listen(0)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	if got := listener.Addr(); got != (rfcomm.Addr{Channel: 4}) {
		t.Errorf("listens on %v, want channel 4", got)
	}
	conntest.Dial(t, l.near, l.farAddr(4))
	conntest.Accept(t, listener.(*rfcomm.Listener))

	for device, want := range map[rfcomm.BDAddr]int{l.near: 1, l.far: 2} {
		if got := conntest.AddrOf(conntest.ListenAt(t, rfcomm.Addr{Device: device})).Channel; got != want {
			t.Errorf("listens on channel %d of %v, want %d", got, device, want)
		}
	}
}

func TestListenOnChannelZeroIfAllAreUsed(t *testing.T) {
	l := inLab(t)
	for channel := 1; channel <= 30; channel++ {
		otherProgram(t, l.farAddr(channel))
	}
	_, err := rfcomm.Listen(0)
	t.Log(err)
	checkOpError(t, err, "listen", nil, rfcomm.Addr{}, unix.EADDRINUSE, "no channel is free")
	conntest.ListenAt(t, rfcomm.Addr{Device: l.near}) // where channels are free
}

// As documented, the kernel does not protect a listener on every adapter.
func TestListenLosesChannelToLaterOne(t *testing.T) {
	l := inLab(t)
	first := conntest.ListenAt(t, rfcomm.Addr{Channel: 9})
	later := otherProgram(t, l.farAddr(9))
	conntest.Dial(t, l.near, l.farAddr(9))
	if n := queued(t, first); n != 0 {
		t.Errorf("%d connections came to the listener on every adapter", n)
	}
	child, _, err := unix.Accept(later)
	if err != nil {
		t.Fatalf("no connection came to the later listener: %v", err)
	}
	unix.Close(child)
}

const listenChildEnv = "RFCOMM_TEST_LISTEN_CHILD"

// TestListenChild is not a test but the child process of
// TestListenInTwoProcesses. It listens on a new channel for each byte
// that it reads.
func TestListenChild(t *testing.T) {
	if os.Getenv(listenChildEnv) == "" {
		return
	}
	fmt.Println("ready")
	var listeners []net.Listener // stay open until the end
	for {
		if _, err := os.Stdin.Read(make([]byte, 1)); err != nil {
			closeAll(listeners)
			os.Exit(0)
		}
		listener, err := rfcomm.Listen(0)
		if err != nil {
			fmt.Println(err)
			continue
		}
		listeners = append(listeners, listener)
		fmt.Println(conntest.AddrOf(listener.(*rfcomm.Listener)).Channel)
	}
}

func closeAll(listeners []net.Listener) {
	for _, l := range listeners {
		l.Close()
	}
}

// In each round two processes listen at the same time. All listeners stay open.
func TestListenInTwoProcesses(t *testing.T) {
	inLab(t)
	var in []io.Writer
	var out []*bufio.Scanner
	for range 2 {
		cmd := exec.Command("/proc/self/exe", "-test.run=^TestListenChild$")
		cmd.Env = append(os.Environ(), listenChildEnv+"=1", "GORACE=atexit_sleep_ms=0")
		cmd.Stderr = os.Stderr
		stdin, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		stdout, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { stdin.Close(); cmd.Wait() })
		in, out = append(in, stdin), append(out, bufio.NewScanner(stdout))
	}
	for _, o := range out {
		if o.Scan(); o.Text() != "ready" {
			t.Fatalf("a child printed %q", o.Text())
		}
	}
	seen := map[string]bool{}
	for range 15 {
		for _, i := range in {
			i.Write([]byte{0})
		}
		for _, o := range out {
			o.Scan()
			if channel := o.Text(); len(channel) > 2 || seen[channel] {
				t.Fatalf("a process got %q, after %v", channel, seen)
			} else {
				seen[channel] = true
			}
		}
	}
}
