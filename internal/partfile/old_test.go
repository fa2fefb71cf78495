package partfile

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// age sets the time at which a file was last written.
func (d directory) age(name string, age time.Duration) {
	d.Helper()
	d.must(d.root.Chtimes(name, time.Time{}, time.Now().Add(-age)))
}

// wantRemoved calls RemoveOld for files older than a day.
func (d directory) wantRemoved(want ...string) {
	d.Helper()
	got, err := RemoveOld(d.Context(), d.root, time.Now().Add(-24*time.Hour))
	d.must(err)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		d.Errorf("removed (-want +got):\n%s", diff)
	}
}

func TestRemoveOldRemovesOnlyOldParts(t *testing.T) {
	stub(t, &hasMark, func(*os.File) bool { return true })
	d := newDirectory(t)
	d.must(d.root.MkdirAll("sub/deep.part", 0o755))
	for _, name := range []string{"a.part", "sub/a.part", "sub/deep.part/b.part", "a", "part", ".part", "a.part.txt", "a.parts"} {
		d.writeFile(name, name)
		d.age(name, 25*time.Hour)
	}
	for _, name := range []string{"new.part", "sub/new.part"} {
		d.writeFile(name, name)
		d.age(name, 23*time.Hour)
	}
	d.wantRemoved("a.part", "sub/a.part", "sub/deep.part/b.part")
	d.wantFiles(map[string]string{
		"a": "a", "part": "part", ".part": ".part", "a.part.txt": "a.part.txt", "a.parts": "a.parts",
		"new.part": "new.part", "sub/new.part": "sub/new.part",
	})
}

func TestRemoveOldDoesNotFollowLinks(t *testing.T) {
	stub(t, &hasMark, func(*os.File) bool { return true })
	d, other := newDirectory(t), newDirectory(t)
	other.writeFile("a.part", "")
	other.age("a.part", 25*time.Hour)
	d.must(d.root.Symlink(other.path, "directory"))
	d.must(d.root.Symlink(other.path+"/a.part", "file.part"))
	d.wantRemoved()
	other.wantFiles(map[string]string{"a.part": ""})
}

func TestRemoveOldSparesPartsInUse(t *testing.T) {
	stub(t, &hasMark, func(*os.File) bool { return true })
	d := newDirectory(t)
	f := d.begin("a", false)
	d.write(f, "hello")
	d.age("a.part", 25*time.Hour)
	d.wantRemoved()
	d.must(f.Close())
	d.wantRemoved("a.part")
	d.wantFiles(map[string]string{})
}

func TestRemoveOldSparesPartUsedMeanwhile(t *testing.T) {
	stub(t, &hasMark, func(*os.File) bool { return true })
	d := newDirectory(t)
	d.writeFile("a.part", "hello")
	d.age("a.part", 25*time.Hour)
	stub(t, &lock, func(file *os.File) error {
		d.age("a.part", 0)
		return flock(file)
	})
	d.wantRemoved()
	d.wantFiles(map[string]string{"a.part": "hello"})
}

func TestRemoveOldSparesFilesWithoutMark(t *testing.T) {
	d := newDirectory(t)
	d.writeFile("foreign.part", "hello")
	d.leavePart("own", "hello")
	part, err := d.root.Open("own.part")
	d.must(err)
	defer part.Close()
	marked := fileHasMark(part) // some file systems have no extended attributes
	for _, name := range []string{"foreign.part", "own.part"} {
		d.age(name, 25*time.Hour)
	}
	if marked {
		d.wantRemoved("own.part")
		d.wantFiles(map[string]string{"foreign.part": "hello"})
	} else {
		d.wantRemoved()
	}
	f := d.begin("complete", false)
	d.must(f.Commit(time.Time{}))
	complete, err := d.root.Open("complete")
	d.must(err)
	defer complete.Close()
	if fileHasMark(complete) {
		t.Error("a complete file has the mark")
	}
}

func TestRemoveOldStopsWithContext(t *testing.T) {
	stub(t, &hasMark, func(*os.File) bool { return true })
	d := newDirectory(t)
	d.writeFile("a.part", "")
	d.age("a.part", 25*time.Hour)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got, err := RemoveOld(ctx, d.root, time.Now()); err != context.Canceled || len(got) > 0 {
		t.Errorf("removed %q, %v", got, err)
	}
}

func TestRemoveOldContinuesAfterErrors(t *testing.T) {
	stub(t, &hasMark, func(*os.File) bool { return true })
	d := newDirectory(t)
	for _, name := range []string{"a.part", "b.part", "c.part"} {
		d.writeFile(name, "")
		d.age(name, 25*time.Hour)
	}
	failure := errors.New("broken")
	stub(t, &lock, func(file *os.File) error {
		if file.Name() == d.path+"/b.part" {
			return failure
		}
		return flock(file)
	})
	got, err := RemoveOld(t.Context(), d.root, time.Now())
	if slices.Sort(got); err != failure || !slices.Equal(got, []string{"a.part", "c.part"}) {
		t.Errorf("removed %q, %v", got, err)
	}
	d.root.Close()
	if _, err := RemoveOld(t.Context(), d.root, time.Now()); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("in a closed root: %v", err)
	}
}
