package filetransfer_test

import (
	"errors"
	"io"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

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
