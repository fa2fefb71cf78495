package partfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

func TestOpenReturnsErrBusyWhileHeld(t *testing.T) {
	for name, begin := range map[string]func(*File) error{
		"opened":    func(*File) error { return nil },
		"continued": func(f *File) error { return f.Begin(0o644, 5) },
		"restarted": func(f *File) error { return f.Begin(0o644, 0) },
	} {
		t.Run(name, func(t *testing.T) {
			d := newDirectory(t)
			d.leavePart("a", "hello")
			f := d.open("a", false)
			d.must(begin(f))
			before := d.lstat("a.part")
			d.wantOpenError("a", ErrBusy, "receive a: another transfer")
			d.wantUntouched("a.part", before)
			d.must(Check(d.root, "a", false))

			d.must(f.Close())
			d.must(d.open("a", false).Close())
		})
	}
}

func TestBeginReturnsErrBusyWhenSecond(t *testing.T) {
	d := newDirectory(t)
	first, errorOf := d.open("a", false), d.open("a", false)
	d.must(first.Begin(0o644, 0))
	d.write(first, "hello")
	d.wantError(errorOf.Begin(0o644, 0), ErrBusy, "receive a: another transfer")
	d.must(errorOf.Discard())
	d.wantFiles(map[string]string{"a.part": "hello"})
	d.must(first.Commit(at))
	d.wantFiles(map[string]string{"a": "hello"})
}

func TestOpenSucceedsAfterTransferEnds(t *testing.T) {
	for name, end := range map[string]func(*File) error{
		"Close":   (*File).Close,
		"Discard": (*File).Discard,
		"Commit":  func(f *File) error { return f.Commit(at) },
	} {
		t.Run(name, func(t *testing.T) {
			d := newDirectory(t)
			f := d.begin("a", true)
			d.write(f, "hello")
			d.must(end(f))
			f = d.begin("a", true)
			d.write(f, "new")
			d.must(f.Commit(at))
			d.wantFiles(map[string]string{"a": "new"})
		})
	}
}

func TestCloseUnlocksDuplicatedDescriptor(t *testing.T) {
	d := newDirectory(t)
	f := d.begin("a", false)
	d.write(f, "hello")
	// A child process that is starting has such a copy.
	fd, err := unix.Dup(int(f.file.Fd()))
	d.must(err)
	defer unix.Close(fd)
	d.must(f.Close())
	d.must(d.open("a", false).Close())
}

func TestLockPartFailsIfNameMoved(t *testing.T) {
	disableGC(t)
	for name, lose := range map[string]func(d directory) error{
		"removed":  func(d directory) error { return d.root.Remove("a.part") },
		"in place": func(d directory) error { return d.root.Rename("a.part", "a") },
		"replaced": func(d directory) error { d.writeFile("new", ""); return d.root.Rename("new", "a.part") },
		"linked":   func(d directory) error { d.must(d.root.Remove("a.part")); return d.root.Symlink("a", "a.part") },
	} {
		t.Run(name, func(t *testing.T) {
			d := newDirectory(t)
			d.writeFile("a.part", "hello")
			f := &File{dir: d.root, base: "a", part: "a.part"}
			hosttest.LeavesNothingBehind(t, func() {
				file, err := d.root.OpenFile("a.part", os.O_RDWR, 0)
				d.must(err)
				d.must(lose(d))
				if err := f.lockPart(file); err != errMoved || f.file != nil {
					t.Errorf("got %v, %v", f.file, err)
				}
			})
		})
	}
}

func TestLockPartRefusesSpecialFile(t *testing.T) {
	disableGC(t)
	d := newDirectory(t)
	d.must(unix.Mkfifo(filepath.Join(d.path, "a.part"), 0o666))
	f := &File{dir: d.root, base: "a", part: "a.part"}
	hosttest.LeavesNothingBehind(t, func() {
		file, err := d.root.OpenFile("a.part", os.O_RDWR, 0)
		d.must(err)
		if err := f.lockPart(file); err != errMoved || f.file != nil {
			t.Errorf("got %v, %v", f.file, err)
		}
	})
}

func TestOpenRetriesWhenTransferEnds(t *testing.T) {
	for name, tt := range map[string]struct {
		end  func(*File) error
		want string // remaining of the other transfer's "hello"
	}{
		"Commit":  {func(f *File) error { return f.Commit(at) }, ""},
		"Discard": {(*File).Discard, ""},
		"Close":   {(*File).Close, "hello"},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDirectory(t)
			other := d.begin("a", true)
			d.write(other, "hello")
			stub(t, &lock, func(file *os.File) error {
				d.must(tt.end(other))
				return flock(file)
			})
			f := d.open("a", true)
			if f.Size() != int64(len(tt.want)) {
				t.Errorf("%d bytes are left", f.Size())
			}
		})
	}
}

func TestOpenReturnsErrBusyAfterMaxAttempts(t *testing.T) {
	d := newDirectory(t)
	d.writeFile("a.part", "0")
	tries := 0
	stub(t, &lock, func(*os.File) error {
		tries++
		d.must(d.root.Remove("a.part"))
		d.writeFile("a.part", "other")
		return nil
	})
	_, err := Open(d.root, "a", false)
	d.wantError(err, ErrBusy)
	if tries != maxAttempts {
		t.Errorf("after %d tries", tries)
	}
	d.wantFiles(map[string]string{"a.part": "other"})
}

func TestBeginReturnsErrBusyIfOvertaken(t *testing.T) {
	d := newDirectory(t)
	f := d.open("a", false)
	var other *File
	stub(t, &lock, func(file *os.File) error {
		lock = flock
		other = d.open("a", false) // finds the new file, which is not locked yet
		return flock(file)
	})
	d.wantError(f.Begin(0o644, 0), ErrBusy)
	d.must(f.Discard())
	d.must(other.Begin(0o644, 0))
	d.write(other, "hello")
	d.must(other.Commit(at))
	d.wantFiles(map[string]string{"a": "hello"})
}

func TestBeginReturnsErrBusyIfPartRemoved(t *testing.T) {
	d := newDirectory(t)
	f := d.open("a", false)
	stub(t, &lock, func(file *os.File) error {
		d.must(d.root.Remove("a.part")) // as a transfer does that locked and released it
		return flock(file)
	})
	d.wantError(f.Begin(0o644, 0), ErrBusy)
	d.must(f.Close())
	d.wantFiles(map[string]string{})
}

func TestOpenReturnsLockError(t *testing.T) {
	stub(t, &lock, func(*os.File) error { return unix.EIO })
	d := newDirectory(t)
	d.writeFile("a.part", "hello")
	d.wantOpenError("a", unix.EIO)
	d.wantFiles(map[string]string{"a.part": "hello"})
}

// The transfers overlap in all steps. Each of them either commits, possibly
// followed by a later one, or fails because of another transfer.
func TestFileConcurrentTransfersDoNotMix(t *testing.T) {
	for _, replace := range []bool{false, true} {
		t.Run(fmt.Sprintf("replace=%v", replace), func(t *testing.T) {
			d := newDirectory(t)
			const transfers, rounds = 8, 100
			var done sync.WaitGroup
			var placed, refused [transfers]int
			for i := range transfers {
				done.Go(func() {
					text := strings.Repeat(string(rune('a'+i)), 1000)
					for range rounds {
						switch err := receive(d.root, text, replace); {
						case err == nil:
							placed[i]++
						case errors.Is(err, ErrBusy), !replace && errors.Is(err, fs.ErrExist):
							refused[i]++
						default:
							t.Error(err)
						}
					}
				})
			}
			done.Wait()
			total := 0
			for _, n := range placed {
				total += n
			}
			t.Logf("put into place: %v, refused: %v", placed, refused)
			if total == 0 || !replace && total != 1 {
				t.Errorf("%d were put into place", total)
			}
			got, err := os.ReadFile(filepath.Join(d.path, "a"))
			if err != nil || len(got) != 1000 || strings.Trim(string(got), string(got[0])) != "" {
				t.Errorf("there is %q, %v", got, err)
			}
			d.wantFiles(map[string]string{"a": string(got)})
		})
	}
}

// receive receives a text in ten pieces.
func receive(root *os.Root, text string, replace bool) error {
	f, err := Open(root, "a", replace)
	if err != nil {
		return err
	}
	defer f.Discard()
	if err := f.Begin(0o644, 0); err != nil {
		return err
	}
	for piece := range 10 {
		if _, err := f.Write([]byte(text[piece*100 : piece*100+100])); err != nil {
			return err
		}
	}
	return f.Commit(at)
}

func TestFileLeavesNothingOpen(t *testing.T) {
	disableGC(t)
	d := newDirectory(t)
	d.writeFile("taken", "")
	d.must(d.root.Mkdir("dir", 0o755))
	d.must(d.root.Symlink("/", "out"))
	d.must(d.root.Mkdir("odd.part", 0o755))
	held := d.begin("held", false)
	defer held.Close()
	for name, use := range map[string]func(){
		"put into place": func() { d.must(receive(d.root, strings.Repeat("x", 1000), true)) },
		"put into place without links": func() {
			withAndWithoutLinks(t, func(t *testing.T) {
				d.must(receive(d.root, strings.Repeat("x", 1000), true))
			})
		},
		"left": func() { d.leavePart("left", "hello") },
		"continued": func() {
			d.leavePart("left", "hello")
			f := d.open("left", true)
			d.must(f.Begin(0o644, 5))
			d.must(f.Close())
		},
		"restarted": func() {
			d.leavePart("left", "hello")
			d.must(d.begin("left", true).Discard())
		},
		"opened and closed": func() { d.must(d.open("left", true).Close()) },
		"not put into place": func() {
			f := d.begin("late", false)
			d.writeFile("late", "")
			d.wantError(f.Commit(at), fs.ErrExist)
			d.must(f.Close())
			d.must(d.root.Remove("late"))
		},
		"checked": func() { d.must(Check(d.root, "new", false)) },
		"refused": func() {
			for _, name := range []string{"taken", "dir", "dir/", "missing/a", "out/a", "odd", "held", "a.part"} {
				if _, err := Open(d.root, name, false); err == nil {
					t.Errorf("opened %s", name)
				}
				Check(d.root, name, false)
			}
		},
	} {
		t.Run(name, func(t *testing.T) { hosttest.LeavesNothingBehind(t, use) })
	}
}

// disableGC keeps the garbage collector from closing files that a test forgot.
func disableGC(t *testing.T) {
	before := debug.SetGCPercent(-1)
	t.Cleanup(func() { debug.SetGCPercent(before) })
}
