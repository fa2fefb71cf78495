package main

import (
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/filetransfer"
)

// The name "-" is that of a file; the path "-" is standard output.
func TestGetTakesFileNamedDash(t *testing.T) {
	for _, plain := range []string{"--plain=false", "--plain"} {
		f := newFileFake(t)
		write(t, "content", f.files, "-")
		stdout, _ := f.runs(t, 0, "get", fileDevice, plain, "--", "-")
		if stdout != "" {
			t.Errorf("%s: printed %q", plain, stdout)
		}
		wantFile(t, "content", "-")
	}
}

// A get to standard output must not pass for complete if it is cut.
func TestGetToOutputFailsIfCut(t *testing.T) {
	for _, plain := range []string{"--plain=false", "--plain"} {
		f := newFileFake(t)
		content := strings.Repeat("content", 100_000)
		write(t, content, f.files, "a")
		dial := f.dial
		f.dial = func(ctx context.Context, d *rfcomm.Dialer, device rfcomm.BDAddr, s service) (net.Conn, error) {
			conn, err := dial(ctx, d, device, s)
			c := &choked{Conn: conn, left: 300_000, closed: make(chan struct{})}
			c.call = func() { c.Close() }
			return c, err
		}
		stdout, stderr := f.runs(t, statusBusy, "get", fileDevice, "a", plain, "-o", "-")
		wantParts(t, stderr, "unexpected EOF")
		if len(stdout) == 0 || len(stdout) == len(content) || !strings.HasPrefix(content, stdout) {
			t.Errorf("%s: %d bytes were printed, which are not a beginning of the file", plain, len(stdout))
		}
	}
}

// The server sends nothing, or stops after its prompt.
func TestFileCommandsGiveUpOnSilence(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "content", "b")
	for _, said := range []string{"", filetransfer.Prompt} {
		for _, words := range [][]string{{"get", fileDevice, "a"}, {"get", fileDevice, "a", "--plain"}, {"ls", fileDevice}, {"put", fileDevice, "b"}} {
			synctest.Test(t, func(t *testing.T) {
				f := newFake(t)
				f.dial = func(context.Context, *rfcomm.Dialer, rfcomm.BDAddr, service) (net.Conn, error) {
					conn, peer := net.Pipe()
					go func() {
						io.WriteString(peer, said)
						io.Copy(io.Discard, peer)
					}()
					return conn, nil
				}
				began := time.Now()
				_, stderr := f.runs(t, statusBusy, append(words, "-t", "7s")...)
				wantError(t, stderr, "silent")
				if elapsed := time.Since(began); elapsed != 7*time.Second {
					t.Errorf("%q after %q: gave up after %v, want 7s", words, said, elapsed)
				}
			})
		}
	}
	wantFiles(t, ".", "b")
}
