package filetransfer_test

import (
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-rfcomm/rfcomm/filetransfer"
)

// A closedFS claims that nobody may read its files.
type closedFS struct{ *filetransfer.Dir }

func (c closedFS) Stat(name string) (fs.FileInfo, error) {
	stat, err := c.Dir.Stat(name)
	return closedInfo{stat}, err
}

func (c closedFS) Open(name string) (fs.File, error) {
	f, err := c.Dir.Open(name)
	return closedFile{f}, err
}

type closedFile struct{ fs.File }

func (c closedFile) Stat() (fs.FileInfo, error) {
	stat, err := c.File.Stat()
	return closedInfo{stat}, err
}

type closedInfo struct{ fs.FileInfo }

func (closedInfo) Mode() fs.FileMode { return 0 }

func TestTransferKeepsMode000(t *testing.T) {
	to := newDir(t, nil)
	s := serve(t, "pipe", &filetransfer.Server{
		FS:      closedFS{filetransfer.NewDir(newDir(t, map[string]string{"a.txt": "hello"}))},
		Uploads: filetransfer.NewDir(to), Replace: true,
	})
	c := filetransfer.NewClient(s.conn)
	defer c.Close()
	wantMode000 := func(path string) {
		t.Helper()
		if stat, err := os.Stat(path); err != nil || stat.Mode() != 0 {
			t.Errorf("%s: %v, %v", path, stat, err)
		}
	}
	if _, err := c.Put(t.Context(), "new", strings.NewReader("x"), filetransfer.Info{Size: 1, ModeKnown: true}); err != nil {
		t.Error(err)
	}
	wantMode000(filepath.Join(to.Name(), "new"))
	local := filepath.Join(t.TempDir(), "a.txt")
	if _, err := c.Download(t.Context(), "a.txt", local); err != nil {
		t.Error(err)
	}
	wantMode000(local)
	if info, err := c.Stat(t.Context(), "a.txt"); err != nil || info.Mode != 0 || !info.ModeKnown {
		t.Errorf("%+v, %v", info, err)
	}
}

func TestTransferKeepsTimesOfAllYears(t *testing.T) {
	root := openDir(t, memoryDir(t))
	dir := filetransfer.NewDir(root)
	c := filetransfer.NewClient(serve(t, "pipe", &filetransfer.Server{FS: dir, Uploads: dir, Replace: true}).conn)
	defer c.Close()
	local := filepath.Join(memoryDir(t), "a.txt")
	c.Overwrite = true
	for _, want := range []time.Time{
		time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC),
		time.Date(1492, 10, 12, 2, 0, 0, 123456789, time.UTC),
		time.Date(2300, 1, 1, 0, 0, 0, 1, time.UTC),
		time.Date(9999, 12, 31, 23, 59, 59, 999999999, time.UTC),
	} {
		if _, err := c.Put(t.Context(), "a.txt", strings.NewReader("x"), filetransfer.Info{Size: 1, ModTime: want}); err != nil {
			t.Fatal(err)
		}
		if stat, err := root.Stat("a.txt"); err != nil || !stat.ModTime().Equal(want) {
			t.Errorf("stored with %v instead of %v, %v", stat.ModTime(), want, err)
		}
		info, err := c.Download(t.Context(), "a.txt", local)
		if err != nil {
			t.Fatal(err)
		}
		if stat, err := os.Stat(local); err != nil || !stat.ModTime().Equal(want) || !info.ModTime.Equal(want) {
			t.Errorf("received with %v and %v instead of %v, %v", stat.ModTime(), info.ModTime, want, err)
		}
		if err := os.Remove(local); err != nil {
			t.Fatal(err)
		}
	}
}

func TestPutOmitsTimesOfOtherYears(t *testing.T) {
	root := newDir(t, nil)
	c := filetransfer.NewClient(serve(t, "pipe", &filetransfer.Server{Uploads: filetransfer.NewDir(root), Replace: true}).conn)
	defer c.Close()
	began := time.Now().Add(-time.Minute) // because clocks of file systems are coarse
	for name, other := range map[string]time.Time{
		"early": time.Date(0, 1, 1, 0, 0, 0, -1, time.UTC),
		"late":  time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC),
		// In UTC, this is the year 10000.
		"west": time.Date(9999, 12, 31, 23, 0, 0, 0, time.FixedZone("", -2*60*60)),
	} {
		if _, err := c.Put(t.Context(), name, strings.NewReader("x"), filetransfer.Info{Size: 1, ModTime: other}); err != nil {
			t.Fatal(err)
		}
		if stat, err := root.Stat(name); err != nil || stat.ModTime().Before(began) || stat.ModTime().Year() > 9998 {
			t.Errorf("%s: %v, %v", name, stat.ModTime(), err)
		}
	}
}

// namesNotUTF8 are names that Linux allows and UTF-8 does not.
var namesNotUTF8 = []string{"caf\xe9.txt", "\xff\xfe/\x80"}

func TestTransferOfNamesThatAreNotUTF8(t *testing.T) {
	files := make(map[string]string)
	for _, name := range namesNotUTF8 {
		files[name] = "hello"
	}
	dir := filetransfer.NewDir(newDir(t, files))
	to := newDir(t, map[string]string{"\xff\xfe/x": ""})
	server := &filetransfer.Server{FS: dir, Uploads: filetransfer.NewDir(to), Replace: true}
	c := filetransfer.NewClient(serve(t, "pipe", server).conn)
	defer c.Close()
	for _, name := range namesNotUTF8 {
		infos, err := c.List(t.Context(), filepath.Dir(name))
		if err != nil || infos[0].Name != filepath.Base(name) {
			t.Errorf("%q: list gives %+v, %v", name, infos, err)
		}
		if info, err := c.Stat(t.Context(), name); err != nil || info.Size != 5 {
			t.Errorf("%q: stat gives %+v, %v", name, info, err)
		}
		local := filepath.Join(t.TempDir(), filepath.Base(name))
		if _, err := c.Download(t.Context(), name, local); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Upload(t.Context(), local, name); err != nil {
			t.Error(err)
		}
		if got := readFile(t, filepath.Join(to.Name(), name)); got != "hello" {
			t.Errorf("%q was stored with %q", name, got)
		}
		var got strings.Builder
		plain := filetransfer.NewClient(serve(t, "tcp", server).conn)
		plain.Plain = true
		if _, err := plain.Get(t.Context(), name, &got); err != nil || got.String() != "hello" {
			t.Errorf("%q: plain get gives %q, %v", name, &got, err)
		}
		plain.Close()
	}
}

func TestGetExplainsNamesThatMustBeUTF8(t *testing.T) {
	root := newDir(t, map[string]string{namesNotUTF8[0]: "hello"})
	c := filetransfer.NewClient(serve(t, "pipe", &filetransfer.Server{FS: root.FS()}).conn)
	defer c.Close()
	_, err := c.Get(t.Context(), namesNotUTF8[0], io.Discard)
	wantError(t, err, fs.ErrInvalid)
	if !strings.Contains(err.Error(), "UTF-8") {
		t.Errorf("the error does not mention UTF-8: %v", err)
	}
}
