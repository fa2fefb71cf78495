package filetransfer_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/go-rfcomm/rfcomm/filetransfer"
)

// quiet discards the log of a server.
var quiet = slog.New(slog.DiscardHandler)

// A service is a server that serves one connection in the background.
type service struct {
	conn net.Conn     // the client's end
	err  <-chan error // result of ServeConn
}

// serve serves a new connection of a network.
func serve(t testing.TB, network string, s *filetransfer.Server) service {
	t.Helper()
	client, server := networks[network](t)
	return serveOn(t, s, client, server)
}

// serveOn serves one end of a connection.
func serveOn(t testing.TB, s *filetransfer.Server, client, server net.Conn) service {
	t.Helper()
	if s.Logger == nil {
		s.Logger = quiet
	}
	err := make(chan error, 1)
	go func() { err <- s.ServeConn(context.Background(), server) }()
	t.Cleanup(func() { client.Close() })
	return service{client, err}
}

// newDir returns a directory with files.
func newDir(t testing.TB, files map[string]string) *os.Root {
	t.Helper()
	path := t.TempDir()
	for name, content := range files {
		writeFile(t, filepath.Join(path, name), content)
	}
	return openDir(t, path)
}

func openDir(t testing.TB, path string) *os.Root {
	t.Helper()
	root, err := os.OpenRoot(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	return root
}

func writeFile(t testing.TB, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o666); err != nil {
		t.Fatal(err)
	}
}

// readFile returns the content of a file.
func readFile(t testing.TB, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// wantFiles checks the names of the files in a directory.
func wantFiles(t testing.TB, path string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(path)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, entry := range entries {
		got = append(got, entry.Name())
	}
	if len(got) != len(want) {
		t.Fatalf("the directory has %q, want %q", got, want)
	}
	for i := range got {
		if got[i] != want[i] {
			t.Fatalf("the directory has %q, want %q", got, want)
		}
	}
}

// random returns n bytes without an end mark.
func random(n int) string {
	data := make([]byte, n)
	source := rand.NewChaCha8([32]byte{byte(n)})
	source.Read(data)
	return string(data)
}

// wantError checks that err matches want.
func wantError(t testing.TB, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("error is %v, want %v", err, want)
	}
	var path *fs.PathError
	if err != nil && !errors.As(err, &path) {
		t.Errorf("error %v is not a *fs.PathError", err)
	}
}

// wantSum checks the checksum of an Info.
func wantSum(t testing.TB, info filetransfer.Info, content string) {
	t.Helper()
	if want := sha256.Sum256([]byte(content)); !bytes.Equal(info.SHA256, want[:]) || info.Size != int64(len(content)) {
		t.Errorf("got %d bytes with SHA-256 %x, want %d with %x", info.Size, info.SHA256, len(content), want)
	}
}

// fetch gets a file in the plain dialect and returns the number of bytes
// written to w. The caller closes the connection.
func fetch(ctx context.Context, conn net.Conn, name string, w io.Writer) (int64, error) {
	c := filetransfer.NewClient(conn)
	c.Plain = true
	var written atomic.Int64
	_, err := c.Get(ctx, name, writerFunc(func(p []byte) (int, error) {
		n, err := w.Write(p)
		written.Add(int64(n))
		return n, err
	}))
	return written.Load(), err
}

type writerFunc func(p []byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// doPut is Put without the Info.
func doPut(ctx context.Context, c *filetransfer.Client, name string, r io.Reader, info filetransfer.Info) error {
	_, err := c.Put(ctx, name, r, info)
	return err
}

// doUpload is Upload without the Info.
func doUpload(ctx context.Context, c *filetransfer.Client, path, name string) error {
	_, err := c.Upload(ctx, path, name)
	return err
}

// wantDeadline checks that err is a timeout.
func wantDeadline(t testing.TB, err error) {
	t.Helper()
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("error is %v, want a timeout", err)
	}
}
