package main

import (
	"context"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

// A choked connection passes a number of bytes to Read, calls a function, and then
// passes no more.
type choked struct {
	net.Conn
	left   int
	call   func()
	once   sync.Once
	closed chan struct{}
}

func (c *choked) Read(p []byte) (int, error) {
	if c.left == 0 {
		c.call()
		<-c.closed
		return 0, io.EOF
	}
	n, err := c.Conn.Read(p[:min(len(p), c.left)])
	c.left -= n
	return n, err
}

func (c *choked) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}

// choke makes the next connection pass a number of bytes and then call a function.
func (f *fileFake) choke(left int, call func()) {
	dial := f.dial
	f.dial = func(ctx context.Context, d *rfcomm.Dialer, device rfcomm.BDAddr, s service) (net.Conn, error) {
		f.dial = dial
		conn, err := dial(ctx, d, device, s)
		return &choked{Conn: conn, left: left, call: call, closed: make(chan struct{})}, err
	}
}

func TestGetResumesAfterInterruption(t *testing.T) {
	const size = 10_000_000
	for plain, again := range map[string]string{"--plain=false": "the same get resumes there", "--plain": "a get without --plain resumes there"} {
		f := newFileFake(t)
		content := strings.Repeat("0123456789", size/10)
		write(t, content, f.files, "a")
		ctx, cancel := context.WithCancelCause(t.Context())
		f.choke(size/2, func() { cancel(signalError{syscall.SIGINT}) })
		if status := f.run(ctx, []string{"get", fileDevice, "a", plain}); status != 130 {
			t.Errorf("status %d, want 130", status)
		}
		wantParts(t, f.stderr.String(), "rfcommctl: a.part has the first ", " MB: "+again+"\n", "rfcommctl: interrupted\n")
		part, err := os.Stat("a.part")
		if err != nil || part.Size() < size/4 {
			t.Fatalf("the part is %v, %v", part, err)
		}
		f.stderr.Reset()
		hosttest.Eventually(t, "the end of the first get", func() bool { // it leaves the part to the second one
			return f.run(t.Context(), []string{"get", fileDevice, "a", "-v"}) == 0
		})
		wantParts(t, f.stderr.String(), "a.part has ", "the get resumes there", "a has 10000000 bytes with SHA-256 ")
		wantFile(t, content, "a")
		wantFiles(t, ".", "a")
	}
}

// A file that an earlier run has transferred is a success.
func TestFileCommandsAreRepeatable(t *testing.T) {
	for _, words := range [][]string{
		{"get", fileDevice, "a"}, {"get", fileDevice, "a", "--plain"}, {"get", fileDevice, "a", "--replace"},
		{"put", fileDevice, "b"}, {"put", fileDevice, "b", "--replace"}, {"put", fileDevice, "-", "-o", "c"},
	} {
		f := newFileFake(t)
		write(t, "content", f.files, "a")
		write(t, "content", "b")
		for range 2 {
			f.stdin = strings.NewReader("content")
			if _, stderr := f.runs(t, 0, words...); stderr != "" {
				t.Errorf("%q printed %q", words, stderr)
			}
		}
		s := new(screen)
		f.stdin, f.tool.stderr, f.chatty = strings.NewReader("content"), s, true
		f.runs(t, 0, words...)
		if lines := s.lines(); len(lines) != 2 || !strings.HasSuffix(lines[0], " is there already, with the same content") {
			t.Errorf("%q shows %q", words, lines)
		}
	}
}
