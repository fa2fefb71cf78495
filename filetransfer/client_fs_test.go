package filetransfer_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/go-rfcomm/rfcomm/filetransfer"
)

// clientFS returns the FS of a client that is connected to a server, and the
// connection.
func clientFS(t testing.TB, network string, files fs.FS) (fs.FS, *countedConn) {
	t.Helper()
	client, server := networks[network](t)
	conn := &countedConn{Conn: client}
	s := serveOn(t, &filetransfer.Server{FS: files}, conn, server)
	c := filetransfer.NewClient(conn)
	t.Cleanup(func() {
		c.Close()
		<-s.err
	})
	return c.FS(context.Background()), conn
}

func TestClientFS(t *testing.T) {
	files := contents()
	maps.DeleteFunc(files, func(name, content string) bool {
		return len(content) > 1<<10 || strings.Contains(name, `\`) // TestFS reads each byte alone, and accepts no backslash
	})
	files["sub/deep/c.txt"] = random(1 << 10)
	names := slices.Collect(maps.Keys(files))
	root := newDir(t, files)
	// Times in the past, so that the files are not read twice.
	old := time.Now().Add(-time.Hour)
	for _, name := range names {
		if err := os.Chtimes(filepath.Join(root.Name(), name), old, old); err != nil {
			t.Fatal(err)
		}
	}
	mapped := fstest.MapFS{}
	for name, content := range files {
		mapped[name] = &fstest.MapFile{Data: []byte(content), Mode: 0o640, ModTime: old}
	}
	for name, offered := range map[string]fs.FS{
		"Dir":          filetransfer.NewDir(root),
		"os.Root":      root.FS(),
		"MapFS":        mapped,
		"without Seek": readOnly{mapped},
	} {
		t.Run(name, func(t *testing.T) {
			remote, _ := clientFS(t, "unix", offered)
			if err := fstest.TestFS(remote, names...); err != nil {
				t.Error(err)
			}
			for name, content := range files {
				if got, err := fs.ReadFile(remote, name); err != nil || string(got) != content {
					t.Errorf("ReadFile(%q) = %d bytes, %v; want %d", name, len(got), err, len(content))
				}
			}
		})
	}
}

// A readOnly FS has files without Seek and ReadAt.
type readOnly struct{ fs.FS }

func (f readOnly) Open(name string) (fs.File, error) {
	file, err := f.FS.Open(name)
	if err != nil {
		return nil, err
	}
	if dir, ok := file.(fs.ReadDirFile); ok {
		return struct{ fs.ReadDirFile }{dir}, nil
	}
	return struct{ fs.File }{file}, nil
}

func TestClientFSOfSeveralFiles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one, two := random(200_000), strings.Repeat("two", 50_000)
		remote, _ := clientFS(t, "pipe", newDir(t, map[string]string{"one": one, "two": two}).FS())
		var readers sync.WaitGroup
		for name, want := range map[string]string{"one": one, "two": two} {
			for range 2 {
				f, err := remote.Open(name)
				if err != nil {
					t.Fatal(err)
				}
				readers.Go(func() {
					defer f.Close()
					got, err := io.ReadAll(f)
					if err != nil || string(got) != want {
						t.Errorf("%s: %d bytes, %v", name, len(got), err)
					}
				})
			}
		}
		readers.Wait()
	})
}

func TestClientFSReadAtTransfersOnlyRange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		content := random(10 << 20)
		remote, conn := clientFS(t, "pipe", fstest.MapFS{"file": {Data: []byte(content)}})
		f, err := remote.Open("file")
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		for _, test := range []struct {
			offset, length, want int
			err                  error
		}{
			{0, 10, 10, nil}, {5 << 20, 1000, 1000, nil}, {len(content) - 10, 10, 10, nil}, {7, 0, 0, nil},
			{len(content) - 10, 20, 10, io.EOF}, {len(content), 1, 0, io.EOF}, {len(content) + 5, 10, 0, io.EOF},
		} {
			conn.read.Store(0)
			p := make([]byte, test.length)
			n, err := f.(io.ReaderAt).ReadAt(p, int64(test.offset))
			if n != test.want || err != test.err || n > 0 && string(p[:n]) != content[test.offset:test.offset+n] {
				t.Errorf("%d bytes at %d: %d, %v", test.length, test.offset, n, err)
			}
			if carried := conn.read.Load(); carried > int64(test.want)+500 {
				t.Errorf("%d bytes at %d: %d were transferred", test.length, test.offset, carried)
			}
		}
		if n, err := f.(io.ReaderAt).ReadAt(make([]byte, 1), -1); n != 0 || !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("at -1: %d, %v", n, err)
		}
	})
}

func TestClientFSSeek(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		remote, _ := clientFS(t, "pipe", offered())
		f, err := remote.Open("a.txt")
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		for _, test := range []struct {
			offset int64
			whence int
			want   string
		}{
			{0, io.SeekStart, "hello"}, {1, io.SeekStart, "ello"}, {-2, io.SeekEnd, "lo"}, {-1, io.SeekCurrent, "o"},
			{0, io.SeekCurrent, ""}, {0, io.SeekEnd, ""}, {10, io.SeekEnd, ""}, {-4, io.SeekEnd, "ello"},
		} {
			if _, err := f.(io.Seeker).Seek(test.offset, test.whence); err != nil {
				t.Errorf("%+v: %v", test, err)
			}
			if got, err := io.ReadAll(f); err != nil || string(got) != test.want {
				t.Errorf("%+v: %q, %v", test, got, err)
			}
		}
		// Bytes that were requested ahead are not returned after a Seek.
		for _, offset := range []int64{0, 3, 1} {
			if _, err := f.(io.Seeker).Seek(offset, io.SeekStart); err != nil {
				t.Error(err)
			}
			b := make([]byte, 1)
			if _, err := f.Read(b); err != nil || b[0] != "hello"[offset] {
				t.Errorf("at %d: %q, %v", offset, b, err)
			}
		}
		for _, bad := range [][2]int{{-1, io.SeekStart}, {-6, io.SeekEnd}, {-6, io.SeekCurrent}, {0, 3}} {
			if _, err := f.(io.Seeker).Seek(int64(bad[0]), bad[1]); !errors.Is(err, fs.ErrInvalid) {
				t.Errorf("%v: %v", bad, err)
			}
		}
	})
}

// Bytes of two versions of a file are not mixed.
func TestClientFSReportsChangedFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		root := newDir(t, map[string]string{"file": random(300_000)})
		remote, _ := clientFS(t, "pipe", root.FS())
		for _, size := range []int{300_000, 400_000, 100} {
			f, err := remote.Open("file")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := f.Read(make([]byte, 10)); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(root.Name(), "file")
			writeFile(t, path, strings.Repeat("x", size))
			if err := os.Chtimes(path, time.Time{}, time.Unix(int64(size), 0)); err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadAll(f); !errors.Is(err, filetransfer.ErrChanged) {
				t.Errorf("rewritten with %d bytes: %v", size, err)
			}
			f.Close()
		}
	})
}

func TestClientFSErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		remote, _ := clientFS(t, "pipe", offered())
		for name, want := range map[string]error{
			"missing": fs.ErrNotExist, "": fs.ErrInvalid, "/": fs.ErrInvalid, "./a.txt": fs.ErrInvalid, "a.txt/": fs.ErrInvalid, "../a.txt": fs.ErrInvalid,
		} {
			_, open := remote.Open(name)
			_, stat := fs.Stat(remote, name)
			_, list := fs.ReadDir(remote, name)
			_, read := fs.ReadFile(remote, name)
			for op, err := range map[string]error{"open": open, "stat": stat, "readdir": list, "readfile": read} {
				var path *fs.PathError
				if !errors.Is(err, want) || !errors.As(err, &path) || path.Op != op || path.Path != name {
					t.Errorf("%s %q: %#v, want %v", op, name, err, want)
				}
			}
		}
		f, err := remote.Open("a.txt")
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
		_, read := f.Read(make([]byte, 1))
		_, readAt := f.(io.ReaderAt).ReadAt(make([]byte, 1), 0)
		_, seek := f.(io.Seeker).Seek(0, io.SeekStart)
		_, stat := f.Stat()
		for _, err := range []error{read, readAt, seek, stat, f.Close()} {
			wantError(t, err, fs.ErrClosed)
		}
	})
}

func TestClientFSReadsFilesOfUnknownSize(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		content := random(100_000)
		remote, _ := clientFS(t, "pipe", unsized{fstest.MapFS{"file": {Data: []byte(content)}}})
		f, err := remote.Open("file")
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if got, err := io.ReadAll(f); err != nil || string(got) != content {
			t.Errorf("%d bytes, %v", len(got), err)
		}
		p := make([]byte, 10)
		if n, err := f.(io.ReaderAt).ReadAt(p, 99_995); n != 5 || err != io.EOF || string(p[:n]) != content[99_995:] {
			t.Errorf("at the end: %d, %v", n, err)
		}
	})
}

// An unsized FS has files that claim to be empty, as in /proc.
type unsized struct{ fstest.MapFS }

func (f unsized) Stat(name string) (fs.FileInfo, error) {
	stat, err := f.MapFS.Stat(name)
	return unsizedInfo{stat}, err
}

func (f unsized) Open(name string) (fs.File, error) {
	file, err := f.MapFS.Open(name)
	return unsizedFile{file}, err
}

type unsizedFile struct{ fs.File }

func (f unsizedFile) Stat() (fs.FileInfo, error) {
	stat, err := f.File.Stat()
	return unsizedInfo{stat}, err
}

type unsizedInfo struct{ fs.FileInfo }

func (unsizedInfo) Size() int64 { return 0 }

func TestClientFSEndsWithContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := filetransfer.NewClient(serve(t, "pipe", &filetransfer.Server{FS: offered()}).conn)
		defer c.Close()
		ctx, cancel := context.WithCancel(t.Context())
		f, err := c.FS(ctx).Open("a.txt")
		if err != nil {
			t.Fatal(err)
		}
		cancel()
		_, err = f.Read(make([]byte, 1))
		wantError(t, err, context.Canceled)
	})
}

func TestClientFSPlainIsUnsupported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, err := plainClient(t, &filetransfer.Server{FS: offered()}).FS(t.Context()).Open("a.txt")
		wantError(t, err, errors.ErrUnsupported)
	})
}

func TestServerGetRange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startServer(t, "pipe", &filetransfer.Server{FS: offered()})
		p := s.connectRaw(t)
		for _, test := range []struct{ fields, want string }{
			{"Length: 3", "hel"}, {"Length: 0", ""}, {"Offset: 1|Length: 3", "ell"}, {"Offset: 4|Length: 100", "o"},
			{"Offset: 5|Length: 1", ""}, {"Offset: 100|Length: 1", ""}, {"Offset: 0|Length: 9223372036854775807", "hello"},
			{"Offset: 9223372036854775807|Length: 9223372036854775807", ""},
		} {
			p.send(request("get", append([]string{"Name: a.txt"}, strings.Split(test.fields, "|")...)...))
			if fields := p.readWord("ok"); fields.Get("Size") != "5" {
				t.Errorf("%s: %v", test.fields, fields)
			}
			if got := p.readContent(); got != test.want {
				t.Errorf("%s: %q, want %q", test.fields, got, test.want)
			}
			if sum := p.readWord("end").Get("SHA-256"); sum != sumOf(test.want) {
				t.Errorf("%s: the SHA-256 is %s", test.fields, sum)
			}
			p.send(message("ok"))
		}
		for fields, want := range map[string]string{
			"Length: -1": "corrupt", "Length: x": "corrupt", "Offset: x|Length: 1": "corrupt", "Offset: 9223372036854775808|Length: 1": "corrupt",
		} {
			p.send(request("get", append([]string{"Name: a.txt"}, strings.Split(fields, "|")...)...))
			p.readWord(want)
		}
		p.Close()
		s.wantServing(t)
		s.stop(t)
	})
}

// A range of a file that is rewritten meanwhile may be a mixture.
func TestServerGetRangeReportsChangedFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		content := random(300_000)
		root := newDir(t, map[string]string{"file": content})
		path := filepath.Join(root.Name(), "file")
		setTime(t, path, time.Now().Add(-time.Hour))
		s := startServer(t, "pipe", &filetransfer.Server{FS: root.FS()})
		p := s.connectRaw(t)
		for word, change := range map[string]string{"end": content + "more", "changed": strings.Repeat("x", len(content))} {
			p.send(request("get", "Name: file", "Offset: 1000", "Length: 200000"))
			p.readWord("ok")
			if err := rewrite(path, change); err != nil {
				t.Fatal(err)
			}
			p.readContent()
			p.readWord(word)
			if word == "end" {
				p.send(message("ok"))
			}
			if err := rewrite(path, content); err != nil {
				t.Fatal(err)
			}
			setTime(t, path, time.Now().Add(-time.Hour))
		}
		p.Close()
		s.stop(t)
	})
}

// lyingRanges are answers to the request of 3 bytes at offset 1 of "hello".
var lyingRanges = map[string][]string{
	"more bytes":       {message("ok", "Size: 5"), chunk("ello"), "0\r\n", message("end", "SHA-256: "+sumOf("ello"))},
	"fewer bytes":      {message("ok", "Size: 5"), chunk("el"), "0\r\n", message("end", "SHA-256: "+sumOf("el"))},
	"a wrong checksum": {message("ok", "Size: 5"), chunk("ell"), "0\r\n", message("end", "SHA-256: "+sumOfHello)},
	"another size":     {message("ok", "Size: 6"), chunk("ell"), "0\r\n", message("end", "SHA-256: "+sumOf("ell"))},
	"endless bytes":    {message("ok", "Size: unknown"), chunk(strings.Repeat("x", 1<<15)), "0\r\n", message("end", "SHA-256: "+sumOfHello)},
}

func TestClientFSDetectsLyingRanges(t *testing.T) {
	for name, answer := range lyingRanges {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				conn := rawServer(t, func(p *rawPeer) {
					p.send(filetransfer.Prompt)
					p.readWord("stat")
					p.send(message("ok", "Size: 5"))
					p.readWord("get")
					p.send(answer...)
				})
				f, err := filetransfer.NewClient(conn).FS(t.Context()).Open("a.txt")
				if err != nil {
					t.Fatal(err)
				}
				p := bytes.Repeat([]byte("-"), 8)
				n, err := f.(io.ReaderAt).ReadAt(p[:3], 1)
				if err == nil || n > 3 || string(p[3:]) != "-----" {
					t.Errorf("%d, %v, %q", n, err, p)
				}
			})
		})
	}
}
