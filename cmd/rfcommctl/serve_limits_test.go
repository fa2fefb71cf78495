package main

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-rfcomm/rfcomm/filetransfer"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

func TestServeRefusesLargeUploads(t *testing.T) {
	f := newFileFake(t)
	f.serves(t, func(c *filetransfer.Client) {
		for name, size := range map[string]int{"large": 1025, "small": 1024} {
			_, err := c.Put(t.Context(), name, strings.NewReader(strings.Repeat("a", size)), filetransfer.Info{Size: int64(size)})
			if errors.Is(err, filetransfer.ErrTooLarge) != (name == "large") {
				t.Errorf("%s: %v", name, err)
			}
		}
	}, "--uploads", "--max-upload", "1K", "--security", "low")
	wantFiles(t, ".", "small")
}

// No name and no symbolic link leads out of the directory.
func TestServeRefusesEscapingNames(t *testing.T) {
	f := newFileFake(t)
	outside := filepath.Join(t.TempDir(), "outside")
	write(t, "secret", outside)
	if err := os.Symlink(outside, "link"); err != nil {
		t.Skip(err)
	}
	f.serves(t, func(c *filetransfer.Client) {
		for _, name := range []string{outside, "../outside", "link"} {
			if got := contents(t, c, name); strings.Contains(got, "secret") {
				t.Errorf("%s: got the file", name)
			}
		}
	}, ".")
}

func TestServeDropsSilentClients(t *testing.T) {
	t.Chdir(t.TempDir())
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t)
		conn, peer := net.Pipe()
		f.clients = []net.Conn{addressed{peer, printerAddr}}
		ctx, cancel := context.WithCancelCause(t.Context())
		ended := hosttest.InBackground(func() int { return f.run(ctx, []string{"serve", ".", "--timeout", "7s"}) })
		began := time.Now()
		if text, err := io.ReadAll(conn); !strings.HasPrefix(string(text), filetransfer.Prompt) || err != nil {
			t.Errorf("got %q, %v", text, err)
		}
		if elapsed := time.Since(began); elapsed != 7*time.Second {
			t.Errorf("dropped after %v, want 7s", elapsed)
		}
		cancel(signalError{syscall.SIGINT})
		if status := <-ended; status != 130 {
			t.Errorf("status %d, want 130\n%s", status, &f.stderr)
		}
	})
}
