package partfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// setUmask sets the umask for a test. Tests of this package are not parallel.
func setUmask(t *testing.T, mask int) {
	before := unix.Umask(mask)
	t.Cleanup(func() { unix.Umask(before) })
}

func (d directory) wantMode(name string, want fs.FileMode) {
	d.Helper()
	if got := d.lstat(name).Mode(); got != want {
		d.Errorf("%s has the mode %v, want %v", name, got, want)
	}
}

func TestCommitAppliesModeLessUmask(t *testing.T) {
	for name, tt := range map[string]struct {
		umask             int
		mode, part, final fs.FileMode
	}{
		"usual":               {0o022, 0o666, 0o644, 0o644},
		"a program":           {0o022, 0o777, 0o755, 0o755},
		"for all":             {0, 0o666, 0o666, 0o666},
		"for the group":       {0o027, 0o666, 0o640, 0o640},
		"private":             {0, 0o600, 0o600, 0o600},
		"private by umask":    {0o077, 0o666, 0o600, 0o600},
		"to read only":        {0o022, 0o444, 0o644, 0o444},
		"to read, not umask":  {0o022, 0o466, 0o644, 0o444},
		"to read for one":     {0, 0o400, 0o600, 0o400},
		"not for its owner":   {0, 0o044, 0o644, 0o044},
		"for nobody":          {0, 0, 0o600, 0},
		"more than that":      {0o022, fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky | fs.ModeDir | 0o755, 0o755, 0o755},
		"umask of the owner":  {0o177, 0o777, 0o600, 0o600},
		"umask that is weird": {0o222, 0o666, 0o444, 0o444},
	} {
		for _, replace := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, replace=%v", name, replace), func(t *testing.T) {
				d := newDirectory(t)
				if replace {
					d.writeFile("a", "old")
					d.must(d.root.Chmod("a", 0o707)) // must have no effect
				}
				setUmask(t, tt.umask)
				f := d.open("a", replace)
				d.must(f.Begin(tt.mode, 0))
				d.write(f, "hello")
				d.wantMode("a.part", tt.part)
				d.must(f.Commit(at))
				d.wantMode("a", tt.final)
				if !d.lstat("a").ModTime().Equal(at) {
					t.Errorf("its time is %v", d.lstat("a").ModTime())
				}
			})
		}
	}
}

func TestBeginIntersectsModesWhenResuming(t *testing.T) {
	for name, tt := range map[string]struct{ first, errorOf, part, final fs.FileMode }{
		"same":          {0o644, 0o644, 0o644, 0o644},
		"wider":         {0o600, 0o644, 0o600, 0o600},
		"narrower":      {0o644, 0o600, 0o600, 0o600},
		"to read only":  {0o644, 0o444, 0o644, 0o444},
		"one of each":   {0o640, 0o604, 0o600, 0o600},
		"now a program": {0o644, 0o755, 0o644, 0o644},
	} {
		t.Run(name, func(t *testing.T) {
			setUmask(t, 0)
			d := newDirectory(t)
			f := d.open("a", false)
			d.must(f.Begin(tt.first, 0))
			d.write(f, "hello")
			d.must(f.Close())
			d.wantMode("a.part", tt.first)

			f = d.open("a", false)
			d.must(f.Begin(tt.errorOf, 5))
			d.wantMode("a.part", tt.part)
			d.must(f.Commit(at))
			d.wantMode("a", tt.final)
		})
	}
}

func TestBeginAtZeroCreatesNewFile(t *testing.T) {
	setUmask(t, 0)
	d := newDirectory(t)
	d.leavePart("a", "hello")
	old, err := os.Open(filepath.Join(d.path, "a.part")) // by a user who may read the old file
	d.must(err)
	defer old.Close()
	f := d.open("a", false)
	d.must(f.Begin(0o600, 0))
	d.write(f, "secret")
	d.wantMode("a.part", 0o600)
	if got, err := os.ReadFile(old.Name()); string(got) != "secret" {
		t.Errorf("%q, %v", got, err)
	}
	buf := make([]byte, 10)
	if n, err := old.ReadAt(buf, 0); string(buf[:n]) != "hello" {
		t.Errorf("the descriptor of the old file reads %q, %v", buf[:n], err)
	}
}

func TestBeginFailsIfChmodFails(t *testing.T) {
	d := newDirectory(t)
	d.leavePart("a", "hello")
	f := d.open("a", false)
	stub(t, &chmod, func(*os.File, fs.FileMode) error { return unix.EPERM })
	d.wantError(f.Begin(0o600, 5), fs.ErrPermission, "begin at 0")
	if _, err := f.Write([]byte("secret")); err == nil {
		t.Error("Write succeeded after Begin had failed")
	}
	d.must(f.Begin(0o600, 0))
	d.write(f, "secret")
	d.wantMode("a.part", 0o600)
	d.must(f.Commit(at))
	d.wantFiles(map[string]string{"a": "secret"})
}

func TestCommitIgnoresUnsupportedChmod(t *testing.T) {
	for _, errno := range []error{unix.EPERM, unix.EOPNOTSUPP} {
		stub(t, &chmod, func(*os.File, fs.FileMode) error { return errno })
		d := newDirectory(t)
		f := d.open("a", false)
		d.must(f.Begin(0o444, 0))
		d.must(f.Commit(at))
		d.wantFiles(map[string]string{"a": ""})
	}
}

func TestSyncDirectoryIgnoresEINVAL(t *testing.T) {
	// Directories in /proc return EINVAL.
	proc, err := os.Open("/proc/self")
	if err != nil {
		t.Fatal(err)
	}
	defer proc.Close()
	if err := proc.Sync(); !errors.Is(err, unix.EINVAL) {
		t.Fatalf("syncing /proc gives the error %v", err)
	}
	if err := syncDirectory(proc); err != nil {
		t.Error(err)
	}
	proc.Close()
	if err := syncDirectory(proc); err == nil {
		t.Error("another error is ignored, too")
	}
}
