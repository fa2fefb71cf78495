package partfile

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestCommitReplacesOnlyWhenComplete(t *testing.T) {
	d := newDirectory(t)
	d.writeFile("a", "old")
	f := d.begin("a", true)
	d.write(f, "new")
	d.wantFiles(map[string]string{"a": "old", "a.part": "new"})
	d.must(f.Commit(at))
	d.wantFiles(map[string]string{"a": "new"})
}

// withAndWithoutLinks runs a test on a file system with links, and on simulated
// ones without links.
func withAndWithoutLinks(t *testing.T, test func(t *testing.T)) {
	t.Run("with links", test)
	for _, errno := range []error{syscall.EPERM, syscall.ENOSYS, syscall.EINVAL} {
		t.Run("without links, "+errno.Error(), func(t *testing.T) {
			stub(t, &link, func(_ *os.Root, from, to string) error {
				return &os.LinkError{Op: "linkat", Old: from, New: to, Err: errno}
			})
			test(t)
		})
	}
}

func TestCommitWithAndWithoutLinks(t *testing.T) {
	withAndWithoutLinks(t, func(t *testing.T) {
		d := newDirectory(t)
		f := d.begin("a", false)
		d.write(f, "new")
		d.must(f.Commit(at))
		d.wantFiles(map[string]string{"a": "new"})
	})
}

func TestCommitKeepsFileCreatedMeanwhile(t *testing.T) {
	withAndWithoutLinks(t, func(t *testing.T) {
		d := newDirectory(t)
		f := d.begin("a", false)
		d.write(f, "new")
		d.writeFile("a", "other")
		d.wantError(f.Commit(at), fs.ErrExist, "receive a: ")
		d.wantFiles(map[string]string{"a": "other", "a.part": "new"})

		// The same file can be committed once the name is free.
		d.must(d.root.Remove("a"))
		d.must(f.Commit(at))
		d.wantFiles(map[string]string{"a": "new"})
	})
}

func TestCommitKeepsFileCreatedLast(t *testing.T) {
	withAndWithoutLinks(t, func(t *testing.T) {
		d := newDirectory(t)
		f := d.begin("a", false)
		d.write(f, "new")
		before := link
		stub(t, &link, func(dir *os.Root, from, to string) error {
			d.writeFile("a", "other")
			return before(dir, from, to)
		})
		d.wantError(f.Commit(at), fs.ErrExist, "receive a: ")
		d.wantFiles(map[string]string{"a": "other", "a.part": "new"})
		d.must(f.Close())
		d.wantFiles(map[string]string{"a": "other", "a.part": "new"})
	})
}

func TestCommitFailsIfLinkReportsExist(t *testing.T) {
	stub(t, &link, func(*os.Root, string, string) error { return fs.ErrExist })
	d := newDirectory(t)
	f := d.begin("a", false)
	d.write(f, "new")
	d.wantError(f.Commit(at), fs.ErrExist, "receive a: ")
	d.wantFiles(map[string]string{"a.part": "new"})
}

func TestCommitSyncsFileThenDirectory(t *testing.T) {
	withAndWithoutLinks(t, func(t *testing.T) {
		for _, replace := range []bool{false, true} {
			d := newDirectory(t)
			f := d.open("a", replace)
			d.must(f.Begin(0o644, 0))
			d.write(f, "hello")
			var synced []string
			stub(t, &fsync, func(file *os.File) error {
				info, err := file.Stat()
				d.must(err)
				if info.IsDir() {
					synced = append(synced, "directory")
					d.wantFiles(map[string]string{"a": "hello"})
				} else {
					synced = append(synced, "file")
					d.wantFiles(map[string]string{"a.part": "hello"})
					if !info.ModTime().Equal(at) {
						t.Errorf("its time is %v", info.ModTime())
					}
				}
				return nil
			})
			d.must(f.Commit(at))
			if diff := cmp.Diff([]string{"file", "directory"}, synced); diff != "" {
				t.Errorf("synced (-want +got):\n%s", diff)
			}
		}
	})
}

func TestCommitNeverReplacesDirectory(t *testing.T) {
	d := newDirectory(t)
	d.must(d.root.Mkdir("a", 0o755))
	_, err := Open(d.root, "a", false)
	d.wantError(err, fs.ErrExist, "is not a regular file")
	_, err = Open(d.root, "a", true)
	d.wantError(err, fs.ErrPermission, "is not a regular file")

	f := d.begin("b", true)
	d.write(f, "new")
	d.must(d.root.Mkdir("b", 0o755))
	d.wantError(f.Commit(at), fs.ErrPermission, "is not a regular file")
	d.wantFiles(map[string]string{"b.part": "new"})
}

func TestCommitFailureKeepsPart(t *testing.T) {
	broken := &os.LinkError{Op: "renameat", Old: "a.part", New: "a", Err: syscall.EIO}
	fails := func(*os.Root, string, string) error { return broken }
	for name, fail := range map[string]func(t *testing.T){
		"rename": func(t *testing.T) {
			stub(t, &link, fails)
			stub(t, &rename, fails)
		},
		"sync": func(t *testing.T) {
			stub(t, &fsync, func(*os.File) error { return broken })
		},
		"time": func(t *testing.T) {
			stub(t, &chtimes, func(*os.Root, string, time.Time) error { return broken })
		},
	} {
		for _, replace := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				d := newDirectory(t)
				want := map[string]string{"a.part": "hello"}
				if replace {
					d.writeFile("a", "old")
					want["a"] = "old"
				}
				t.Run("fails", func(t *testing.T) {
					fail(t)
					f := d.open("a", replace)
					d.must(f.Begin(0o444, 0))
					d.write(f, "hello")
					d.wantError(f.Commit(at), syscall.EIO)
					d.must(f.Close())
					d.wantFiles(want)
				})
				f := d.open("a", replace)
				d.must(f.Begin(0o444, 5))
				d.write(f, " world")
				d.must(f.Commit(at))
				d.wantFiles(map[string]string{"a": "hello world"})
			})
		}
	}
}

func TestCommitIgnoresUnsupportedChtimes(t *testing.T) {
	for _, errno := range []syscall.Errno{syscall.EPERM, syscall.ENOSYS} {
		stub(t, &chtimes, func(*os.Root, string, time.Time) error { return errno })
		d := newDirectory(t)
		f := d.begin("a", false)
		d.must(f.Commit(at))
		d.wantFiles(map[string]string{"a": ""})
	}
}

func TestCommitSetsTimesOfAllYears(t *testing.T) {
	d := newMemoryDirectory(t)
	for _, want := range []time.Time{
		time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC),
		time.Date(1492, 10, 12, 2, 0, 0, 123456789, time.UTC),
		time.Date(1969, 12, 31, 23, 59, 59, 999999999, time.UTC),
		time.Date(2300, 1, 1, 0, 0, 0, 1, time.UTC),
		time.Date(9999, 12, 31, 23, 59, 59, 999999999, time.UTC),
	} {
		f := d.begin("a", true)
		d.must(f.Commit(want))
		info, err := d.root.Stat("a")
		d.must(err)
		if got := info.ModTime(); !got.Equal(want) {
			t.Errorf("%v became %v", want, got)
		}
	}
}

func TestCommitFailsIfPartWasReplaced(t *testing.T) {
	for name, tt := range map[string]struct {
		touch func(d directory)
		want  map[string]string
	}{
		"removed": {func(d directory) { d.must(d.root.Remove("a.part")) }, map[string]string{}},
		"replaced": {func(d directory) {
			d.must(d.root.Remove("a.part"))
			d.writeFile("a.part", "other")
		}, map[string]string{"a.part": "other"}},
	} {
		t.Run(name, func(t *testing.T) {
			for end, release := range map[string]func(*File) error{"Close": (*File).Close, "Discard": (*File).Discard} {
				d := newDirectory(t)
				f := d.begin("a", false)
				tt.touch(d)
				d.wantError(f.Commit(at), fs.ErrNotExist, "a.part")
				if err := release(f); err != nil {
					t.Errorf("%s: %v", end, err)
				}
				d.wantFiles(tt.want)
			}
		})
	}
}

func TestCommitReportsFileInPlace(t *testing.T) {
	stub(t, &chmod, func(*os.File, fs.FileMode) error { return syscall.EIO })
	d := newDirectory(t)
	f := d.open("a", false)
	d.must(f.Begin(0o444, 0))
	d.wantError(f.Commit(at), syscall.EIO, "is in place")
	d.must(f.Close())
	d.wantFiles(map[string]string{"a": ""})
	if err := f.Commit(at); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("a second Commit: %v", err)
	}
}
