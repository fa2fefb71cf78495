package partfile

import (
	"io/fs"
	"os"
	"testing"
)

func TestEscapesMatchesErrorsOfRoot(t *testing.T) {
	d := newDirectory(t)
	d.must(d.root.Mkdir("sub", 0o755))
	d.must(d.root.Symlink("/", "absolute"))
	d.must(d.root.Symlink("../..", "sub/up"))
	for _, name := range []string{"..", "sub/../..", "absolute/etc", "sub/up"} {
		_, err := d.root.Open(name)
		if !Escapes(err) {
			t.Errorf("%s: %v is not the error of an escape", name, err)
		}
		if _, err := d.root.Stat(name); !Escapes(err) {
			t.Errorf("stat %s: %v is not the error of an escape", name, err)
		}
	}
	if _, err := fs.Stat(d.root.FS(), "absolute"); !Escapes(err) {
		t.Errorf("the FS of a root: %v is not the error of an escape", err)
	}
}

func TestEscapesMatchesNothingElse(t *testing.T) {
	d := newDirectory(t)
	_, missing := d.root.Open("missing")
	_, closed := func() (*os.File, error) { d.root.Close(); return d.root.Open("..") }()
	for _, err := range []error{nil, missing, closed, fs.ErrPermission, fs.ErrInvalid} {
		if Escapes(err) {
			t.Errorf("%v is the error of an escape", err)
		}
	}
}
