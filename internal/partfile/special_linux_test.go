package partfile

import (
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// special are things that are not regular files, by how they are made.
var special = map[string]func(d folder, path string) error{
	"folder": func(_ folder, path string) error { return os.Mkdir(path, 0o755) },
	"FIFO":   func(_ folder, path string) error { return unix.Mkfifo(path, 0o666) },
	"socket": func(d folder, path string) error {
		// By a short path: a socket's name has to be short.
		d.TB.(*testing.T).Chdir(filepath.Dir(path))
		l, err := net.Listen("unix", filepath.Base(path))
		if err == nil {
			d.Cleanup(func() { l.Close() })
		}
		return err
	},
	"link to a file":   func(_ folder, path string) error { return os.Symlink("other", path) },
	"link to nothing":  func(_ folder, path string) error { return os.Symlink("missing", path) },
	"link to a device": func(_ folder, path string) error { return os.Symlink("/dev/null", path) },
	"link to itself":   func(_ folder, path string) error { return os.Symlink(filepath.Base(path), path) },
}

func TestWhatIsNoRegularFileIsNeverReplaced(t *testing.T) {
	for kind, mk := range special {
		t.Run(kind, func(t *testing.T) {
			d := newFolder(t)
			d.put("other", "other")
			path := filepath.Join(d.path, "a")
			d.must(mk(d, path))
			before := d.lstat("a")
			for _, open := range []func(replace bool) error{
				func(replace bool) error { _, err := Open(d.root, "a", replace); return err },
				func(replace bool) error { return Check(d.root, "a", replace) },
			} {
				d.wantsError(open(false), fs.ErrExist, "is not a regular file")
				d.wantsError(open(true), fs.ErrPermission, "is not a regular file")
			}
			d.wantsUntouched("a", before)
		})
		t.Run(kind+" that comes meanwhile", func(t *testing.T) {
			bothWays(t, func(t *testing.T) {
				for _, replace := range []bool{false, true} {
					d := newFolder(t)
					d.put("other", "other")
					f := d.begin("a", replace)
					d.write(f, "new")
					d.must(mk(d, filepath.Join(d.path, "a")))
					before := d.lstat("a")
					want := fs.ErrExist
					if replace {
						want = fs.ErrPermission
					}
					d.wantsError(f.Commit(at), want, "is not a regular file")
					d.must(f.Close())
					d.wantsUntouched("a", before)
					if got, err := d.root.ReadFile("a.part"); string(got) != "new" {
						t.Errorf("the part file has %q, %v", got, err)
					}
				}
			})
		})
	}
}

func TestPartNameThatIsNoRegularFileIsNotOpened(t *testing.T) {
	for kind, mk := range special {
		t.Run(kind, func(t *testing.T) {
			d := newFolder(t)
			d.put("other", "other")
			d.must(mk(d, filepath.Join(d.path, "a.part")))
			before := d.lstat("a.part")
			d.wantsOpenError("a", fs.ErrPermission, "a.part", "not a regular file")
			d.wantsUntouched("a.part", before)
		})
		t.Run(kind+" that comes meanwhile", func(t *testing.T) {
			d := newFolder(t)
			d.put("other", "other")
			f := d.open("a", false)
			d.must(mk(d, filepath.Join(d.path, "a.part")))
			before := d.lstat("a.part")
			d.wantsError(f.Begin(0o644, 0), ErrBusy)
			d.must(f.Discard())
			d.wantsUntouched("a.part", before)
		})
	}
}

func TestFIFOInThePlaceOfAFolderDoesNotBlock(t *testing.T) {
	d := newFolder(t)
	d.must(unix.Mkfifo(filepath.Join(d.path, "fifo"), 0o666))
	d.must(d.root.Symlink("fifo", "link"))
	for _, name := range []string{"fifo/a", "link/a"} {
		d.wantsOpenError(name, fs.ErrNotExist, "not a directory")
	}
}

func TestLinksThatLeadOutAreNotFollowed(t *testing.T) {
	out := newFolder(t)
	d := newFolder(t)
	up, err := filepath.Rel(d.path, out.path)
	d.must(err)
	d.must(d.root.Mkdir("sub", 0o755))
	for name, to := range map[string]string{
		"absolute": out.path, "relative": up, "sub/up": "../..", "inside": filepath.Join(d.path, "sub"),
	} {
		d.must(d.root.Symlink(to, name))
		d.wantsOpenError(name+"/a", fs.ErrPermission, "leads out of the folder", name+"/a")
		d.wantsError(Check(d.root, name+"/a", false), fs.ErrPermission, "leads out of the folder")
	}
	out.wants(map[string]string{})
}

func TestLinksWithinTheRootAreFollowed(t *testing.T) {
	d := newFolder(t)
	d.must(d.root.Mkdir("sub", 0o755))
	d.must(d.root.Symlink("sub", "link"))
	d.must(d.root.Symlink("../sub", "sub/again"))
	f := d.begin("link/again/a", false)
	d.write(f, "hello")
	d.must(f.Commit(at))
	d.must(d.root.Remove("link"))
	d.must(d.root.Remove("sub/again"))
	d.wants(map[string]string{"sub/a": "hello"})
}

func TestFolderThatMovesMeanwhileStaysTheFolder(t *testing.T) {
	d := newFolder(t)
	d.must(d.root.Mkdir("sub", 0o755))
	f := d.begin("sub/a", false)
	d.must(d.root.Rename("sub", "moved"))
	d.must(d.root.Symlink("/", "sub"))
	d.write(f, "hello")
	d.must(f.Commit(at))
	d.must(d.root.Remove("sub"))
	d.wants(map[string]string{"moved/a": "hello"})
}

func TestPartNameOfAFileInPlaceIsRemoved(t *testing.T) {
	for _, replace := range []bool{false, true} {
		d := newFolder(t)
		d.put("a", "whole")
		d.must(d.root.Link("a", "a.part"))
		f, err := Open(d.root, "a", replace)
		d.wants(map[string]string{"a": "whole"})
		if !replace {
			d.wantsError(err, fs.ErrExist)
			continue
		}
		d.must(err)
		if f.Size() != 0 {
			t.Errorf("%d bytes are left", f.Size())
		}
		d.must(f.Begin(0o644, 0))
		d.write(f, "new")
		d.wants(map[string]string{"a": "whole", "a.part": "new"})
		d.must(f.Commit(at))
		d.wants(map[string]string{"a": "new"})
	}
}

func (d folder) lstat(name string) fs.FileInfo {
	d.Helper()
	info, err := d.root.Lstat(name)
	d.must(err)
	return info
}

// wantsUntouched checks that a name still stands for what it stood for before.
func (d folder) wantsUntouched(name string, before fs.FileInfo) {
	d.Helper()
	if now := d.lstat(name); !os.SameFile(now, before) || now.Mode() != before.Mode() || !now.ModTime().Equal(before.ModTime()) {
		d.Errorf("%s was touched: it is %v", name, fs.FormatFileInfo(now))
	}
}
