package filetransfer_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/go-rfcomm/rfcomm/filetransfer"
)

func TestDirPassesTestFS(t *testing.T) {
	root := newDir(t, map[string]string{"a.txt": "hello", "sub/b.txt": "", "sub/deep/c.txt": "c"})
	if err := os.Symlink("sub/b.txt", root.Name()+"/link"); err != nil {
		t.Fatal(err)
	}
	if err := fstest.TestFS(filetransfer.NewDir(root), "a.txt", "sub/b.txt", "sub/deep/c.txt", "link"); err != nil {
		t.Error(err)
	}
}

func TestDirRefusesPathsThatLeadOut(t *testing.T) {
	outside := newDir(t, map[string]string{"secret": "secret"})
	root := newDir(t, map[string]string{"a.txt": ""})
	for name, to := range map[string]string{
		"file": filepath.Join(outside.Name(), "secret"), "directory": outside.Name(), "up": "..", "chain": "directory",
	} {
		if err := root.Symlink(to, name); err != nil {
			t.Fatal(err)
		}
	}
	d := filetransfer.NewDir(root)
	for _, name := range []string{"file", "directory", "directory/secret", "up", "chain/secret"} {
		for method, err := range dirErrors(d, name) {
			if method == "Lstat" && !strings.Contains(name, "/") || method == "ReadLink" && err == nil {
				continue // a link itself is inside
			}
			wantError(t, err, fs.ErrPermission)
			if strings.Contains(err.Error(), root.Name()) || !strings.Contains(err.Error(), name) {
				t.Errorf("%s: the error is %v", method, err)
			}
		}
	}
}

// dirErrors returns the errors of the methods of a Dir for a name.
func dirErrors(d *filetransfer.Dir, name string) map[string]error {
	errs := make(map[string]error)
	f, err := d.Open(name)
	if err == nil {
		f.Close()
	}
	errs["Open"] = err
	_, errs["Stat"] = d.Stat(name)
	_, errs["Lstat"] = d.Lstat(name)
	_, errs["ReadDir"] = d.ReadDir(name)
	_, errs["ReadLink"] = d.ReadLink(name)
	return errs
}

func TestDirRefusesInvalidNames(t *testing.T) {
	d := filetransfer.NewDir(newDir(t, map[string]string{"a/b": ""}))
	for _, name := range []string{"", "/", "/a", "a/", "./a", "a/.", "..", "../a", "a/..", "a//b", "a\x00"} {
		for method, err := range dirErrors(d, name) {
			var path *fs.PathError
			if !errors.Is(err, fs.ErrInvalid) || !errors.As(err, &path) || path.Path != name {
				t.Errorf("%s(%q): %v", method, name, err)
			}
		}
	}
}

func TestDirSortsEntries(t *testing.T) {
	files := make(map[string]string)
	for i := range 100 {
		files[fmt.Sprintf("%x", i*7919)] = ""
	}
	entries, err := filetransfer.NewDir(newDir(t, files)).ReadDir(".")
	if err != nil || len(entries) != len(files) {
		t.Fatalf("%d entries, %v", len(entries), err)
	}
	if !slices.IsSortedFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) }) {
		t.Error("the entries are not sorted by name")
	}
}
