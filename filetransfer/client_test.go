package filetransfer_test

import (
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-rfcomm/rfcomm/filetransfer"
)

func TestPutZeroInfoMeansUnknownSize(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, content := range []string{"", "hello", random(100_000)} {
			uploads := newDir(t, nil)
			c := filetransfer.NewClient(serve(t, "pipe", &filetransfer.Server{Uploads: filetransfer.NewDir(uploads), Replace: true}).conn)
			info, err := c.Put(t.Context(), "new", strings.NewReader(content), filetransfer.Info{})
			if err != nil {
				t.Fatal(err)
			}
			wantSum(t, info, content)
			if got := readFile(t, filepath.Join(uploads.Name(), "new")); got != content {
				t.Errorf("stored are %d bytes that are not the %d", len(got), len(content))
			}
			c.Close()
		}
	})
}

func TestClientCleansNames(t *testing.T) {
	files := map[string]string{"a.txt": "hello", "sub/b.txt": "hello"}
	for name, want := range map[string]string{
		"a.txt": "a.txt", "./a.txt": "a.txt", "/a.txt": "a.txt", "a.txt/": "a.txt", "//./a.txt//": "a.txt",
		"sub//b.txt": "sub/b.txt", "./sub/./b.txt": "sub/b.txt",
	} {
		synctest.Test(t, func(t *testing.T) {
			uploads := newDir(t, files)
			local := filepath.Join(t.TempDir(), "local")
			c := filetransfer.NewClient(serve(t, "pipe", &filetransfer.Server{FS: uploads.FS(), Uploads: filetransfer.NewDir(uploads), Replace: true}).conn)
			defer c.Close()
			if info, err := c.Stat(t.Context(), name); err != nil || info.Name != want {
				t.Errorf("Stat(%q) = %+v, %v", name, info, err)
			}
			if info, err := c.Get(t.Context(), name, io.Discard); err != nil || info.Name != want {
				t.Errorf("Get(%q) = %+v, %v", name, info, err)
			}
			if info, err := c.Download(t.Context(), name, local); err != nil || info.Name != want {
				t.Errorf("Download(%q) = %+v, %v", name, info, err)
			}
			c.Overwrite = true
			for _, content := range []string{"first", "second"} {
				writeFile(t, local, content)
				put, err := c.Put(t.Context(), name, strings.NewReader("by put "+content), filetransfer.Info{})
				if err != nil || put.Name != want {
					t.Errorf("Put(%q) = %+v, %v", name, put, err)
				}
				info, err := c.Upload(t.Context(), local, name)
				if err != nil || info.Name != want || readFile(t, filepath.Join(uploads.Name(), want)) != content {
					t.Errorf("Upload(%q) = %+v, %v", name, info, err)
				}
			}
		})
	}
	for _, dir := range []string{".", "/", "./", "//.", "sub/", "/sub", "./sub"} {
		synctest.Test(t, func(t *testing.T) {
			want := map[bool]string{true: "sub", false: "."}[strings.Contains(dir, "sub")]
			c := filetransfer.NewClient(serve(t, "pipe", &filetransfer.Server{FS: newDir(t, files).FS()}).conn)
			defer c.Close()
			if info, err := c.Stat(t.Context(), dir); err != nil || info.Name != want || !info.Mode.IsDir() {
				t.Errorf("Stat(%q) = %+v, %v", dir, info, err)
			}
			if list, err := c.List(t.Context(), dir); err != nil || len(list) == 0 {
				t.Errorf("List(%q) = %v, %v", dir, list, err)
			}
		})
	}
}

// A server of the plain dialect may understand a name in another way.
func TestClientPlainSendsNamesUnchanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, name := range []string{"./a.txt", "/a.txt", "sub//b.txt"} {
			conn := rawServer(t, func(p *rawPeer) {
				p.send(filetransfer.Prompt)
				p.expect(name)
				p.send("hello" + endMark)
			})
			c := filetransfer.NewClient(conn)
			c.Plain = true
			if info, err := c.Get(t.Context(), name, io.Discard); err != nil || info.Name != name {
				t.Errorf("%+v, %v", info, err)
			}
		}
	})
}

// A name that leads out of the directory is sent as it is, and refused.
func TestClientDoesNotCleanAscents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		root := newDir(t, map[string]string{"a.txt": "hello", "sub/b.txt": "hello"})
		for _, name := range []string{"", "..", "../a.txt", "/../a.txt", "sub/../a.txt", "sub/.."} {
			c := filetransfer.NewClient(serve(t, "pipe", &filetransfer.Server{FS: root.FS()}).conn)
			_, err := c.Stat(t.Context(), name)
			wantError(t, err, fs.ErrInvalid)
			var path *fs.PathError
			if errors.As(err, &path); path.Path != name {
				t.Errorf("the error names %q instead of %q", path.Path, name)
			}
			c.Close()
		}
	})
}

// plainClient returns a client of the plain dialect that is connected to a
// server.
func plainClient(t testing.TB, server *filetransfer.Server) *filetransfer.Client {
	t.Helper()
	c := filetransfer.NewClient(serve(t, "pipe", server).conn)
	c.Plain = true
	t.Cleanup(func() { c.Close() })
	return c
}

func TestClientPlainSupportsOnlyGet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		local := filepath.Join(t.TempDir(), "local")
		writeFile(t, local, "hello")
		c := plainClient(t, &filetransfer.Server{FS: offered(), Uploads: filetransfer.NewDir(newDir(t, nil))})
		for method, call := range map[string]func() error{
			"Stat":   func() error { _, err := c.Stat(t.Context(), "a.txt"); return err },
			"List":   func() error { _, err := c.List(t.Context(), "."); return err },
			"Put":    func() error { return doPut(t.Context(), c, "new", strings.NewReader("hello"), filetransfer.Info{}) },
			"Upload": func() error { return doUpload(t.Context(), c, local, "new") },
		} {
			if err := call(); !errors.Is(err, errors.ErrUnsupported) || !strings.Contains(err.Error(), "plain dialect") {
				t.Errorf("%s: %v", method, err)
			}
		}
		// These calls have not used up the connection.
		if _, err := c.Get(t.Context(), "a.txt", io.Discard); err != nil {
			t.Error(err)
		}
	})
}

func TestClientPlainTransfersOneFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, name := range []string{"a.txt", "missing"} {
			c := plainClient(t, &filetransfer.Server{FS: offered()})
			if _, err := c.Get(t.Context(), name, io.Discard); (err == nil) != (name == "a.txt") {
				t.Error(err)
			}
			for range 2 {
				_, err := c.Get(t.Context(), "a.txt", io.Discard)
				wantError(t, err, net.ErrClosed)
				if !strings.Contains(err.Error(), "one file per connection") {
					t.Errorf("the error is %v", err)
				}
			}
		}
	})
}

func TestDownloadPlain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, content := range contents() {
			here := t.TempDir()
			local := filepath.Join(here, "local")
			c := plainClient(t, &filetransfer.Server{FS: newDir(t, map[string]string{name: content}).FS()})
			info, err := c.Download(t.Context(), name, local)
			if err != nil || info.Name != name || info.Present || readFile(t, local) != content {
				t.Errorf("%q: %+v, %v", name, info, err)
			}
			wantSum(t, info, content)
			wantFiles(t, here, "local")
		}
	})
}

// A part is kept if the stream is cut, and if nothing arrives.
func TestDownloadPlainKeepsPart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		here := t.TempDir()
		local := filepath.Join(here, "local")
		for _, test := range []struct{ sent, want string }{
			{"hello", "hello"}, {"", "hello"}, {"Error: out of paper\n", "hello"}, {"hel", "hel"},
		} {
			c := filetransfer.NewClient(rawServer(t, plainServer{prompt: []string{filetransfer.Prompt}, pieces: []string{test.sent}}.speak))
			c.Plain = true
			if info, err := c.Download(t.Context(), "a.txt", local); err == nil {
				t.Errorf("%q: %+v", test.sent, info)
			}
			wantFiles(t, here, "local.part")
			if got := readFile(t, local+".part"); got != test.want {
				t.Errorf("the part has %q, want %q", got, test.want)
			}
			c.Close()
		}
	})
}

func TestClientPlainIdleTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn := rawServer(t, func(p *rawPeer) {
			p.send(filetransfer.Prompt)
			p.expect("a.txt")
			p.readRest()
		})
		c := filetransfer.NewClient(conn)
		c.Plain, c.IdleTimeout = true, 5*time.Second
		began := time.Now()
		_, err := c.Get(t.Context(), "a.txt", io.Discard)
		wantError(t, err, os.ErrDeadlineExceeded)
		if took := time.Since(began); took != 5*time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

// A failed call closes the connection, and Close may follow any number of times.
func TestClientCloseAfterFailure(t *testing.T) {
	for network := range networks {
		c := filetransfer.NewClient(serve(t, network, &filetransfer.Server{FS: offered()}).conn)
		_, err := c.Get(t.Context(), "large", &failing{0, errors.New("out of paper")})
		if err == nil {
			t.Error("the Get succeeded")
		}
		for range 2 {
			if err := c.Close(); err != nil {
				t.Errorf("%s: Close: %v", network, err)
			}
		}
	}
}
