package serial

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

func isReady() error { return nil }

func TestOpenNodeAwaitsNode(t *testing.T) {
	name := filepath.Join(t.TempDir(), "tty")
	terminal := hosttest.OpenTerminal(t)
	synctest.Test(t, func(t *testing.T) {
		time.AfterFunc(nodeWait/2, func() { os.Symlink(terminal.Slave.Name(), name) })
		fd, err := openNode(t.Context(), name, isReady)
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Close(fd)
		wantRaw(t, fd)
	})
}

// wantRaw checks the mode of an open terminal.
func wantRaw(t *testing.T, fd int) {
	t.Helper()
	mode, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	if cooked := mode.Iflag & (unix.ICRNL | unix.IXON | unix.ISTRIP); cooked != 0 {
		t.Errorf("the input flags are %#o", mode.Iflag)
	}
	if mode.Oflag&unix.OPOST != 0 {
		t.Errorf("the output flags are %#o", mode.Oflag)
	}
	if mode.Lflag&(unix.ECHO|unix.ICANON|unix.ISIG|unix.IEXTEN) != 0 {
		t.Errorf("the local flags are %#o", mode.Lflag)
	}
	if mode.Cflag&(unix.CSIZE|unix.CLOCAL|unix.CREAD|unix.PARENB) != unix.CS8|unix.CLOCAL|unix.CREAD {
		t.Errorf("the control flags are %#o", mode.Cflag)
	}
	if mode.Cc[unix.VMIN] != 1 || mode.Cc[unix.VTIME] != 0 {
		t.Errorf("VMIN is %d and VTIME %d, want 1 and 0", mode.Cc[unix.VMIN], mode.Cc[unix.VTIME])
	}
}

func TestOpenNodeGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		_, err := openNode(t.Context(), filepath.Join(t.TempDir(), "rfcomm0"), isReady)
		if took := time.Since(start); took != nodeWait {
			t.Errorf("openNode took %v, want %v", took, nodeWait)
		}
		hosttest.WantErrno(t, err, syscall.ENOENT)
		if !strings.Contains(err.Error(), "rfcomm0 has not appeared") {
			t.Errorf("the error is %q", err)
		}
	})
}

func TestOpenNodeEndsWithContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), nodeWait/3)
		defer cancel()
		_, err := openNode(ctx, filepath.Join(t.TempDir(), "rfcomm0"), isReady)
		if !errors.Is(err, os.ErrDeadlineExceeded) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got the error %v, want a timeout", err)
		}
	})
}

func TestOpenNodeEndsUnlessReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		want := errors.New("the connection has ended")
		end := time.Now().Add(nodeWait / 2)
		_, err := openNode(t.Context(), filepath.Join(t.TempDir(), "rfcomm0"), func() error {
			if time.Now().Before(end) {
				return nil
			}
			return want
		})
		if err != want || time.Since(end) > nodePause {
			t.Errorf("got the error %v after %v, want %v", err, time.Since(end), want)
		}
	})
}
