package btsocket

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

// streamsToClose is the environment variable that makes the test below close
// that many standard streams.
const streamsToClose = "BTSOCKET_STREAMS_TO_CLOSE"

func TestDescriptorIsNeverStandardStream(t *testing.T) {
	if streams, err := strconv.Atoi(os.Getenv(streamsToClose)); err == nil {
		withoutStandardStreams(t, streams)
		return
	}
	for streams := 1; streams <= firstFree; streams++ {
		t.Run(fmt.Sprintf("closed=%d", streams), func(t *testing.T) {
			self := exec.Command(os.Args[0], "-test.run=^TestDescriptorIsNeverStandardStream$")
			self.Env = append(os.Environ(), streamsToClose+"="+strconv.Itoa(streams))
			if output, err := self.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, output)
			}
		})
	}
}

// withoutStandardStreams closes the first standard streams of this process and
// ends it with an error if another descriptor takes their place.
func withoutStandardStreams(t *testing.T, streams int) {
	stderr, err := Duplicate(2)
	if err != nil {
		t.Fatal(err)
	}
	l, listening, address := listenerOnUnix(t)
	dialed := hosttest.DialUnix(t, address)
	for fd := range streams {
		unix.Close(fd)
	}
	if err := errors.Join(
		checkMoved(dialed, streams),
		checkHigh("a duplicate", func() (int, error) { return Duplicate(listening) }),
		checkHigh("a file", func() (int, error) {
			f, err := l.File()
			if err != nil {
				return -1, err
			}
			return int(f.Fd()), nil
		}),
		checkHigh("an accepted socket", func() (fd int, err error) {
			s, _, err := l.Accept()
			if err != nil {
				return -1, err
			}
			return fd, s.control(func(accepted int) error { fd = accepted; return nil })
		}),
	); err != nil {
		fmt.Fprintln(os.NewFile(uintptr(stderr), "stderr"), err)
		os.Exit(1)
	}
}

// checkMoved checks that a descriptor in the place of a standard stream is
// moved to another number.
func checkMoved(fd, streams int) error {
	low, err := unix.Dup(fd)
	if err != nil {
		return err
	}
	if low >= streams {
		return fmt.Errorf("descriptor %d does not take the place of a standard stream", low)
	}
	if err := checkHigh("a socket", func() (int, error) { return aboveStandardStreams(low) }); err != nil {
		return err
	}
	if _, err := unix.FcntlInt(uintptr(low), unix.F_GETFD, 0); err != unix.EBADF {
		return fmt.Errorf("descriptor %d is still open: %v", low, err)
	}
	return nil
}

// checkHigh checks that a new descriptor does not have the number of a standard
// stream, and that child processes do not inherit it.
func checkHigh(what string, open func() (int, error)) error {
	fd, err := open()
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if fd < firstFree {
		return fmt.Errorf("%s has the descriptor %d", what, fd)
	}
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
	if err != nil || flags&unix.FD_CLOEXEC == 0 {
		return fmt.Errorf("%s has the flags %#o, %v", what, flags, err)
	}
	return nil
}
