package partfile

import (
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// specialFiles maps kinds of non-regular files to functions that create them.
var specialFiles = map[string]func(d directory, path string) error{
	"directory": func(_ directory, path string) error { return os.Mkdir(path, 0o755) },
	"FIFO":      func(_ directory, path string) error { return unix.Mkfifo(path, 0o666) },
	"socket": func(d directory, path string) error {
		// Chdir, because the path of a socket must be short.
		d.TB.(*testing.T).Chdir(filepath.Dir(path))
		l, err := net.Listen("unix", filepath.Base(path))
		if err == nil {
			d.Cleanup(func() { l.Close() })
		}
		return err
	},
	"link to a file":   func(_ directory, path string) error { return os.Symlink("other", path) },
	"link to nothing":  func(_ directory, path string) error { return os.Symlink("missing", path) },
	"link to a device": func(_ directory, path string) error { return os.Symlink("/dev/null", path) },
	"link to itself":   func(_ directory, path string) error { return os.Symlink(filepath.Base(path), path) },
}

func TestCommitNeverReplacesSpecialFiles(t *testing.T) {
	for kind, mk := range specialFiles {
		t.Run(kind, func(t *testing.T) {
			d := newDirectory(t)
			d.writeFile("other", "other")
			path := filepath.Join(d.path, "a")
			d.must(mk(d, path))
			before := d.lstat("a")
			for _, open := range []func(replace bool) error{
				func(replace bool) error { _, err := Open(d.root, "a", replace); return err },
				func(replace bool) error { return Check(d.root, "a", replace) },
			} {
				d.wantError(open(false), fs.ErrExist, "is not a regular file")
				d.wantError(open(true), fs.ErrPermission, "is not a regular file")
			}
			d.wantUntouched("a", before)
		})
		t.Run(kind+" that comes meanwhile", func(t *testing.T) {
			withAndWithoutLinks(t, func(t *testing.T) {
				for _, replace := range []bool{false, true} {
					d := newDirectory(t)
					d.writeFile("other", "other")
					f := d.begin("a", replace)
					d.write(f, "new")
					d.must(mk(d, filepath.Join(d.path, "a")))
					before := d.lstat("a")
					want := fs.ErrExist
					if replace {
						want = fs.ErrPermission
					}
					d.wantError(f.Commit(at), want, "is not a regular file")
					d.must(f.Close())
					d.wantUntouched("a", before)
					if got, err := d.root.ReadFile("a.part"); string(got) != "new" {
						t.Errorf("the part file has %q, %v", got, err)
					}
				}
			})
		})
	}
}

func TestOpenRefusesSpecialPartFile(t *testing.T) {
	for kind, mk := range specialFiles {
		t.Run(kind, func(t *testing.T) {
			d := newDirectory(t)
			d.writeFile("other", "other")
			d.must(mk(d, filepath.Join(d.path, "a.part")))
			before := d.lstat("a.part")
			d.wantOpenError("a", fs.ErrPermission, "a.part", "not a regular file")
			d.wantUntouched("a.part", before)
		})
		t.Run(kind+" that comes meanwhile", func(t *testing.T) {
			d := newDirectory(t)
			d.writeFile("other", "other")
			f := d.open("a", false)
			d.must(mk(d, filepath.Join(d.path, "a.part")))
			before := d.lstat("a.part")
			d.wantError(f.Begin(0o644, 0), ErrBusy)
			d.must(f.Discard())
			d.wantUntouched("a.part", before)
		})
	}
}

func TestOpenDoesNotBlockOnFIFO(t *testing.T) {
	d := newDirectory(t)
	d.must(unix.Mkfifo(filepath.Join(d.path, "fifo"), 0o666))
	d.must(d.root.Symlink("fifo", "link"))
	for _, name := range []string{"fifo/a", "link/a"} {
		d.wantOpenError(name, fs.ErrNotExist, "not a directory")
	}
}

func TestOpenRefusesEscapingLinks(t *testing.T) {
	out := newDirectory(t)
	d := newDirectory(t)
	up, err := filepath.Rel(d.path, out.path)
	d.must(err)
	d.must(d.root.Mkdir("sub", 0o755))
	for name, to := range map[string]string{
		"absolute": out.path, "relative": up, "sub/up": "../..", "inside": filepath.Join(d.path, "sub"),
	} {
		d.must(d.root.Symlink(to, name))
		d.wantOpenError(name+"/a", fs.ErrPermission, "leads out of the directory", name+"/a")
		d.wantError(Check(d.root, name+"/a", false), fs.ErrPermission, "leads out of the directory")
	}
	out.wantFiles(map[string]string{})
}

func TestOpenFollowsLinksInsideRoot(t *testing.T) {
	d := newDirectory(t)
	d.must(d.root.Mkdir("sub", 0o755))
	d.must(d.root.Symlink("sub", "link"))
	d.must(d.root.Symlink("../sub", "sub/again"))
	f := d.begin("link/again/a", false)
	d.write(f, "hello")
	d.must(f.Commit(at))
	d.must(d.root.Remove("link"))
	d.must(d.root.Remove("sub/again"))
	d.wantFiles(map[string]string{"sub/a": "hello"})
}

func TestCommitFollowsMovedDirectory(t *testing.T) {
	d := newDirectory(t)
	d.must(d.root.Mkdir("sub", 0o755))
	f := d.begin("sub/a", false)
	d.must(d.root.Rename("sub", "moved"))
	d.must(d.root.Symlink("/", "sub"))
	d.write(f, "hello")
	d.must(f.Commit(at))
	d.must(d.root.Remove("sub"))
	d.wantFiles(map[string]string{"moved/a": "hello"})
}

func TestOpenRemovesPartLinkOfPlacedFile(t *testing.T) {
	for _, replace := range []bool{false, true} {
		d := newDirectory(t)
		d.writeFile("a", "whole")
		d.must(d.root.Link("a", "a.part"))
		f, err := Open(d.root, "a", replace)
		d.wantFiles(map[string]string{"a": "whole"})
		if !replace {
			d.wantError(err, fs.ErrExist)
			continue
		}
		d.must(err)
		if f.Size() != 0 {
			t.Errorf("%d bytes are left", f.Size())
		}
		d.must(f.Begin(0o644, 0))
		d.write(f, "new")
		d.wantFiles(map[string]string{"a": "whole", "a.part": "new"})
		d.must(f.Commit(at))
		d.wantFiles(map[string]string{"a": "new"})
	}
}

func (d directory) lstat(name string) fs.FileInfo {
	d.Helper()
	info, err := d.root.Lstat(name)
	d.must(err)
	return info
}

// wantUntouched checks that a name still refers to the same unchanged file.
func (d directory) wantUntouched(name string, before fs.FileInfo) {
	d.Helper()
	if now := d.lstat(name); !os.SameFile(now, before) || now.Mode() != before.Mode() || !now.ModTime().Equal(before.ModTime()) {
		d.Errorf("%s was touched: it is %v", name, fs.FormatFileInfo(now))
	}
}
