package partfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// at is a time that every file system can store.
var at = time.Date(2020, 2, 3, 4, 5, 6, 0, time.UTC)

// content is the content to receive. It is larger than one read of Hash, and no
// two of its blocks are equal.
var content = func() []byte {
	b := make([]byte, 100_000)
	for i := range b {
		b[i] = byte(i ^ i>>8 ^ i>>15)
	}
	return b
}()

// A directory is a temporary directory in which a test receives files.
type directory struct {
	testing.TB
	path string
	root *os.Root
}

func newDirectory(t testing.TB) directory {
	t.Helper()
	return directoryAt(t, t.TempDir())
}

// newMemoryDirectory returns a directory whose file system has times of all
// years. The test is skipped if there is none.
func newMemoryDirectory(t testing.TB) directory {
	t.Helper()
	path, err := os.MkdirTemp("/dev/shm", "partfile")
	if err != nil {
		t.Skip("this system has no /dev/shm: ", err)
	}
	t.Cleanup(func() { os.RemoveAll(path) })
	return directoryAt(t, path)
}

func directoryAt(t testing.TB, path string) directory {
	t.Helper()
	root, err := os.OpenRoot(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	return directory{t, path, root}
}

// writeFile creates a file as another program would.
func (d directory) writeFile(name, text string) {
	d.Helper()
	if err := os.WriteFile(filepath.Join(d.path, name), []byte(text), 0o644); err != nil {
		d.Fatal(err)
	}
}

// open calls Open, which must succeed.
func (d directory) open(name string, replace bool) *File {
	d.Helper()
	f, err := Open(d.root, name, replace)
	if err != nil {
		d.Fatal(err)
	}
	d.Cleanup(func() { f.Close() })
	return f
}

// begin calls Open, and Begin at offset 0.
func (d directory) begin(name string, replace bool) *File {
	d.Helper()
	f := d.open(name, replace)
	d.must(f.Begin(0o644, 0))
	return f
}

// leavePart leaves the part file of an interrupted transfer.
func (d directory) leavePart(name, text string) {
	d.Helper()
	f := d.begin(name, true)
	d.write(f, text)
	d.must(f.Close())
}

func (d directory) write(f *File, text string) {
	d.Helper()
	if n, err := f.Write([]byte(text)); n != len(text) || err != nil {
		d.Fatalf("wrote %d of %d bytes: %v", n, len(text), err)
	}
}

func (d directory) must(err error) {
	d.Helper()
	if err != nil {
		d.Fatal(err)
	}
}

// wantFiles checks the names and contents of the files in the directory.
func (d directory) wantFiles(want map[string]string) {
	d.Helper()
	got := make(map[string]string)
	d.must(fs.WalkDir(os.DirFS(d.path), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(filepath.Join(d.path, filepath.FromSlash(name)))
		got[name] = string(text)
		return err
	}))
	if diff := cmp.Diff(want, got); diff != "" {
		d.Errorf("in the directory (-want +got):\n%s", diff)
	}
}

// wantError checks that err matches, and that its message contains all parts.
func (d directory) wantError(err, match error, parts ...string) {
	d.Helper()
	if !errors.Is(err, match) {
		d.Fatalf("got the error %v, want one that matches %v", err, match)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			d.Errorf("the message %q lacks %q", err, part)
		}
	}
}

// wantOpenError checks that Open fails, with and without permission to replace.
func (d directory) wantOpenError(name string, match error, parts ...string) {
	d.Helper()
	for _, replace := range []bool{false, true} {
		_, err := Open(d.root, name, replace)
		d.wantError(err, match, parts...)
	}
}

// stub replaces a function variable of the package for the rest of the test.
func stub[F any](t testing.TB, place *F, with F) {
	real := *place
	*place = with
	t.Cleanup(func() { *place = real })
}
