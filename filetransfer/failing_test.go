package filetransfer_test

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/go-rfcomm/rfcomm/filetransfer"
)

// A firstWriteHook is a writer that calls a function before the first Write.
type firstWriteHook struct {
	bytes.Buffer
	do func()
}

func (w *firstWriteHook) Write(p []byte) (int, error) {
	if w.do != nil {
		w.do()
		w.do = nil
	}
	return w.Buffer.Write(p)
}

// rewrite replaces the content of a file in place. Bytes that remain the same can
// be read at any time.
func rewrite(path, content string) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(content)
	return errors.Join(err, f.Truncate(int64(len(content))), f.Close())
}

// setTime sets the modification time of a file.
func setTime(t testing.TB, path string, to time.Time) {
	t.Helper()
	if err := os.Chtimes(path, time.Time{}, to); err != nil {
		t.Error(err)
	}
}

func TestGetReportsFileChangedWhileSent(t *testing.T) {
	content, other := random(1<<20), strings.Repeat("x", 1<<20)
	for name, change := range map[string]struct {
		do   func(path string) error
		want error
	}{
		"shrinks":  {func(path string) error { return os.Truncate(path, 300_000) }, filetransfer.ErrChanged},
		"is empty": {func(path string) error { return os.Truncate(path, 0) }, filetransfer.ErrChanged},
		"grows":    {func(path string) error { return os.Truncate(path, 2<<20) }, nil},
		"vanishes": {os.Remove, nil},
		"is replaced": {func(path string) error {
			if err := os.WriteFile(path+".new", []byte("new"), 0o666); err != nil {
				return err
			}
			return os.Rename(path+".new", path)
		}, nil},
		"is rewritten":          {func(path string) error { return rewrite(path, other) }, filetransfer.ErrChanged},
		"is rewritten, longer":  {func(path string) error { return rewrite(path, other+other) }, filetransfer.ErrChanged},
		"is rewritten, shorter": {func(path string) error { return rewrite(path, other[:len(other)-1]) }, filetransfer.ErrChanged},
		"is appended to":        {func(path string) error { return rewrite(path, content+other) }, nil},
		"is touched":            {func(path string) error { return rewrite(path, content) }, filetransfer.ErrChanged},
	} {
		test := func(name string, get func(t *testing.T, s *testServer, w io.Writer) error, want error) {
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					root := newDir(t, map[string]string{"a.txt": "hello", "file": content})
					setTime(t, filepath.Join(root.Name(), "file"), time.Now().Add(-time.Hour))
					s := startServer(t, "pipe", &filetransfer.Server{FS: root.FS()})
					w := &firstWriteHook{do: func() {
						if err := change.do(filepath.Join(root.Name(), "file")); err != nil {
							t.Error(err)
						}
					}}
					err := get(t, s, w)
					if !errors.Is(err, want) {
						t.Errorf("the error is %v, want %v", err, want)
					}
					if want == nil && w.String() != content || !strings.HasPrefix(content, w.String()) && !strings.HasPrefix(name, "is rewritten") {
						t.Errorf("got %d bytes that are not the file's", w.Len())
					}
					s.wantServing(t)
					if logged := s.log.String(); want != nil && !strings.Contains(logged, "content ended") && !strings.Contains(logged, "file has changed") {
						t.Errorf("no reason was logged:\n%s", logged)
					}
					s.stop(t)
				})
			})
		}
		test(name, func(t *testing.T, s *testServer, w io.Writer) error {
			c := filetransfer.NewClient(s.dial())
			defer c.Close()
			_, err := c.Get(t.Context(), "file", w)
			// The connection is still usable.
			if _, err := c.Get(t.Context(), "a.txt", io.Discard); err != nil {
				t.Errorf("the next get: %v", err)
			}
			return err
		}, change.want)
		plain := change.want
		if plain != nil {
			plain = io.ErrUnexpectedEOF // the only error that this dialect can report
		}
		test(name+" in the plain dialect", func(t *testing.T, s *testServer, w io.Writer) error {
			conn := s.dial()
			defer conn.Close()
			_, err := fetch(t.Context(), conn, "file", w)
			return err
		}, plain)
	}
}

// The modification time of a file that was just written need not change with the
// next write.
func TestGetComparesFileJustWritten(t *testing.T) {
	content := random(1 << 20)
	for want, changed := range map[error]string{nil: content, filetransfer.ErrChanged: "x" + content[1:]} {
		synctest.Test(t, func(t *testing.T) {
			file := &fstest.MapFile{Data: []byte(content), ModTime: time.Now()}
			files := &pieceFS{MapFS: fstest.MapFS{"file": file}}
			files.each = func() {
				if files.reads == 5 {
					file.Data = []byte(changed)
				}
			}
			c := filetransfer.NewClient(serve(t, "pipe", &filetransfer.Server{FS: files}).conn)
			defer c.Close()
			if _, err := c.Get(t.Context(), "file", io.Discard); !errors.Is(err, want) {
				t.Errorf("the error is %v, want %v", err, want)
			}
		})
	}
}

// A writeHook is a connection that calls a function once, after a number of
// bytes were written.
type writeHook struct {
	net.Conn
	after int
	do    func()
}

func (c *writeHook) Write(p []byte) (int, error) {
	if c.after -= len(p); c.after < 0 && c.do != nil {
		c.do()
		c.do = nil
	}
	return c.Conn.Write(p)
}

func TestUploadReportsFileThatShrinks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		content := random(1 << 20)
		local := filepath.Join(t.TempDir(), "file")
		writeFile(t, local, content)
		uploads := newDir(t, map[string]string{"a.txt": "hello"})
		s := startServer(t, "pipe", &filetransfer.Server{FS: uploads.FS(), Uploads: filetransfer.NewDir(uploads)})
		c := filetransfer.NewClient(&writeHook{Conn: s.dial(), after: 100_000, do: func() {
			if err := os.Truncate(local, 300_000); err != nil {
				t.Error(err)
			}
		}})
		defer c.Close()
		wantError(t, doUpload(t.Context(), c, local, "new"), filetransfer.ErrChanged)
		wantFiles(t, uploads.Name(), "a.txt", "new.part")
		// The part is the beginning of the new content.
		if err := doUpload(t.Context(), c, local, "new"); err != nil {
			t.Error(err)
		}
		if got := readFile(t, filepath.Join(uploads.Name(), "new")); got != content[:300_000] {
			t.Errorf("stored are %d bytes that are not the file's", len(got))
		}
		c.Close()
		s.wantServing(t)
		s.stop(t)
	})
}

func TestUploadReportsFileThatIsRewritten(t *testing.T) {
	content, other := random(1<<20), strings.Repeat("x", 1<<20)
	for name, test := range map[string]struct {
		rewritten string
		want      error
	}{
		"as long":   {other, filetransfer.ErrChanged},
		"longer":    {other + other, filetransfer.ErrChanged},
		"touched":   {content, filetransfer.ErrChanged},
		"with more": {content + other, nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				local := filepath.Join(t.TempDir(), "file")
				writeFile(t, local, content)
				setTime(t, local, time.Now().Add(-time.Hour))
				uploads := newDir(t, nil)
				s := startServer(t, "pipe", &filetransfer.Server{Uploads: filetransfer.NewDir(uploads)})
				c := filetransfer.NewClient(&writeHook{Conn: s.dial(), after: 100_000, do: func() {
					if err := rewrite(local, test.rewritten); err != nil {
						t.Error(err)
					}
				}})
				defer c.Close()
				if err := doUpload(t.Context(), c, local, "new"); !errors.Is(err, test.want) {
					t.Errorf("the error is %v, want %v", err, test.want)
				}
				want := content
				if test.want != nil {
					wantFiles(t, uploads.Name(), "new.part")
					// The connection is usable, and the part is not.
					if err := doUpload(t.Context(), c, local, "new"); err != nil {
						t.Error(err)
					}
					want = test.rewritten
				}
				if got := readFile(t, filepath.Join(uploads.Name(), "new")); got != want {
					t.Errorf("stored are %d bytes that are not the file's", len(got))
				}
				c.Close()
				s.stop(t)
			})
		})
	}
}

// A faulty FS offers one file or directory and fails in selected methods.
type faulty struct {
	fstest.MapFS
	stat, open, opened error     // errors of Stat, of Open, and of Stat of the open file
	read               io.Reader // instead of the file's content
	list               error     // after the first entries
}

func (f *faulty) Stat(name string) (fs.FileInfo, error) {
	if f.stat != nil && name != "a.txt" {
		return nil, f.stat
	}
	return f.MapFS.Stat(name)
}

func (f *faulty) Open(name string) (fs.File, error) {
	if name == "a.txt" {
		return f.MapFS.Open(name)
	}
	if f.open != nil {
		return nil, f.open
	}
	file, err := f.MapFS.Open(name)
	return &faultyFile{file, f}, err
}

type faultyFile struct {
	fs.File
	fs *faulty
}

func (f *faultyFile) Stat() (fs.FileInfo, error) {
	if f.fs.opened != nil {
		return nil, f.fs.opened
	}
	return f.File.Stat()
}

func (f *faultyFile) Read(p []byte) (int, error) {
	if f.fs.read != nil {
		return f.fs.read.Read(p)
	}
	return f.File.Read(p)
}

func (f *faultyFile) ReadDir(n int) ([]fs.DirEntry, error) {
	entries, err := f.File.(fs.ReadDirFile).ReadDir(n)
	if err == nil && f.fs.list != nil {
		err = f.fs.list
	}
	return entries, err
}

// nothing is a reader that returns neither bytes nor an error.
type nothing struct{}

func (nothing) Read([]byte) (int, error) { return 0, nil }

func TestServerKeepsConnIfFSFails(t *testing.T) {
	broken := errors.New("the disk is broken")
	named := &fs.PathError{Op: "open", Path: "/srv/secret/file", Err: broken}
	content := random(100_000)
	begun := func(err error) io.Reader {
		return io.MultiReader(strings.NewReader(content[:50_000]), iotest.ErrReader(err))
	}
	for name, fails := range map[string]struct {
		faulty
		says string
	}{
		"Stat":                {faulty{stat: named}, broken.Error()},
		"Stat, without name":  {faulty{stat: broken}, broken.Error()},
		"Open":                {faulty{open: named}, broken.Error()},
		"Stat of an open one": {faulty{opened: named}, broken.Error()},
		"the first Read":      {faulty{read: iotest.ErrReader(named)}, broken.Error()},
		"a later Read":        {faulty{read: begun(named)}, broken.Error()},
		"a Read of nothing":   {faulty{read: nothing{}}, io.ErrNoProgress.Error()},
		"end":                 {faulty{read: begun(io.EOF)}, "content ended 50000 bytes early"},
	} {
		files := &fails.faulty
		files.MapFS = fstest.MapFS{"a.txt": {Data: []byte("hello")}, "file": {Data: []byte(content)}}
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := startServer(t, "pipe", &filetransfer.Server{FS: files})
				c := filetransfer.NewClient(s.dial())
				defer c.Close()
				var got bytes.Buffer
				_, err := c.Get(t.Context(), "file", &got)
				if err == nil || !strings.Contains(err.Error(), fails.says) || strings.Contains(err.Error(), "/srv") {
					t.Errorf("the error is %v, want %q", err, fails.says)
				}
				if !strings.HasPrefix(content, got.String()) {
					t.Errorf("got %d bytes that are not the file's", got.Len())
				}
				if _, err := c.Stat(t.Context(), "a.txt"); err != nil {
					t.Errorf("the next stat: %v", err)
				}
				if !strings.Contains(s.log.String(), fails.says) {
					t.Errorf("the reason is not logged:\n%s", s.log)
				}
				c.Close()
				s.wantServing(t)
				s.stop(t)
			})
		})
		t.Run(name+" in the plain dialect", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if name == "a later Read" {
					files.read = begun(named)
				} else if name == "end" {
					files.read = begun(io.EOF)
				}
				s := startServer(t, "pipe", &filetransfer.Server{FS: files})
				conn := s.dial()
				defer conn.Close()
				_, err := fetch(t.Context(), conn, "file", io.Discard)
				if begun := name == "a later Read" || name == "end"; err == nil || begun != errors.Is(err, io.ErrUnexpectedEOF) ||
					!begun && !strings.Contains(err.Error(), fails.says) || strings.Contains(err.Error(), "/srv") {
					t.Errorf("the error is %v", err)
				}
				conn.Close()
				s.wantServing(t)
				s.log.wantDropped(t, fails.says)
				s.stop(t)
			})
		})
	}
}

// The plain dialect can report an error only before the content.
func TestServerPlainReportsFailureBeforeContent(t *testing.T) {
	broken := &fs.PathError{Op: "read", Path: "/srv/secret/file", Err: errors.New("the disk is broken")}
	for sent, want := range map[string]string{"": "Error: the disk is broken\n", "begun": "begun"} {
		synctest.Test(t, func(t *testing.T) {
			files := &faulty{MapFS: fstest.MapFS{"file": {Data: []byte("begun, whole")}}}
			files.read = io.MultiReader(strings.NewReader(sent), iotest.ErrReader(broken))
			s := startServer(t, "pipe", &filetransfer.Server{FS: files})
			p := s.connectRaw(t)
			p.send("file\n")
			if got := p.readRest(); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
			p.Close()
			s.stop(t)
		})
	}
}

func TestListKeepsConnIfItFailsMidway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		files := &faulty{
			MapFS: fstest.MapFS{"a.txt": {Data: []byte("hello")}, "sub/b": {}, "sub/c": {}},
			list:  &fs.PathError{Op: "readdir", Path: "/srv/secret", Err: errors.New("the disk is broken")},
		}
		s := startServer(t, "pipe", &filetransfer.Server{FS: files})
		c := filetransfer.NewClient(s.dial())
		defer c.Close()
		infos, err := c.List(t.Context(), "sub")
		if infos != nil || err == nil || !strings.Contains(err.Error(), "the disk is broken") || strings.Contains(err.Error(), "/srv") {
			t.Errorf("List: %v, %v", infos, err)
		}
		if _, err := c.Stat(t.Context(), "a.txt"); err != nil {
			t.Errorf("the next stat: %v", err)
		}
		if !strings.Contains(s.log.String(), "the disk is broken") {
			t.Errorf("the reason is not logged:\n%s", s.log)
		}
		c.Close()
		s.stop(t)
	})
}

// A closedDir is a directory that cannot be listed.
type closedDir struct{ fstest.MapFS }

func (f closedDir) Open(name string) (fs.File, error) {
	file, err := f.MapFS.Open(name)
	return struct{ fs.File }{file}, err
}

func TestListRefusesUnlistableDirectory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		files := closedDir{fstest.MapFS{"sub/a.txt": {Data: []byte("hello")}}}
		c := filetransfer.NewClient(serve(t, "pipe", &filetransfer.Server{FS: files}).conn)
		defer c.Close()
		_, err := c.List(t.Context(), "sub")
		wantError(t, err, fs.ErrInvalid)
		if _, err := c.Get(t.Context(), "sub/a.txt", io.Discard); err != nil {
			t.Error(err)
		}
	})
}

func TestUploadReportsVanishedDirectory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		uploads := newDir(t, map[string]string{"sub/a.txt": ""})
		s := startServer(t, "pipe", &filetransfer.Server{FS: offered(), Uploads: filetransfer.NewDir(uploads)})
		p := s.connectRaw(t)
		p.send(request("put", "Name: sub/new", "Size: 5"))
		p.readWord("ready")
		if err := uploads.RemoveAll("sub"); err != nil {
			t.Fatal(err)
		}
		p.Go(func() { p.send(message("from"), chunk("hello"), "0\r\n", message("end", "SHA-256: "+sumOfHello)) })
		p.readWord("not-exist")
		p.Wait()
		p.send(request("stat", "Name: a.txt"))
		p.readWord("ok")
		p.Close()
		wantFiles(t, uploads.Name())
		s.wantServing(t)
		s.stop(t)
	})
}

// A failing writer accepts some bytes and then returns an error.
type failing struct {
	left int
	err  error
}

func (w *failing) Write(p []byte) (int, error) {
	if w.left -= len(p); w.left < 0 {
		return 0, w.err
	}
	return len(p), nil
}

func TestGetReturnsErrorOfWriter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("the printer is out of paper")
		s := startServer(t, "pipe", &filetransfer.Server{FS: offered()})
		c := filetransfer.NewClient(s.dial())
		_, err := c.Get(t.Context(), "large", &failing{100_000, broken})
		wantError(t, err, broken)
		// The call has not waited for the rest of the content.
		_, err = c.Stat(t.Context(), "a.txt")
		wantError(t, err, broken)
		if !strings.Contains(err.Error(), "the connection is unusable") {
			t.Errorf("the next error is %v", err)
		}
		c.Close()
		s.wantServing(t)
		if !strings.Contains(s.log.String(), "the client reports: the printer is out of paper") {
			t.Errorf("the log is\n%s", s.log)
		}
		conn := s.dial()
		n, err := fetch(t.Context(), conn, "large", &failing{100_000, broken})
		wantError(t, err, broken)
		if n == 0 || n > 100_000 {
			t.Errorf("%d bytes were written", n)
		}
		conn.Close()
		s.wantServing(t)
		s.stop(t)
	})
}
