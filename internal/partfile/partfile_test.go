package partfile

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestCommitMovesPartIntoPlace(t *testing.T) {
	for name, part := range map[string]string{
		"a":            "a.part",
		"sub/a.txt":    "sub/a.txt.part",
		"sub/deep/ä b": "sub/deep/ä b.part",
	} {
		t.Run(name, func(t *testing.T) {
			d := newDirectory(t)
			d.must(os.MkdirAll(filepath.Join(d.path, "sub", "deep"), 0o755))
			f := d.open(name, false)
			d.wantFiles(map[string]string{})
			d.must(f.Begin(0o644, 0))
			d.write(f, "hello ")
			d.write(f, "")
			d.write(f, "world")
			d.wantFiles(map[string]string{part: "hello world"})
			d.must(f.Commit(at))
			d.wantFiles(map[string]string{name: "hello world"})

			info, err := d.root.Stat(name)
			d.must(err)
			if !info.ModTime().Equal(at) {
				t.Errorf("its time is %v", info.ModTime())
			}
			d.must(f.Close())
			d.must(f.Discard())
			d.wantFiles(map[string]string{name: "hello world"})
		})
	}
}

func TestCommitWithZeroTimeKeepsWriteTime(t *testing.T) {
	d := newDirectory(t)
	before := time.Now().Add(-time.Minute) // because clocks of file systems are coarse
	f := d.begin("a", false)
	d.write(f, "hello")
	d.must(f.Commit(time.Time{}))
	info, err := d.root.Stat("a")
	d.must(err)
	if info.ModTime().Before(before) {
		t.Errorf("its time is %v", info.ModTime())
	}
}

func TestCommitAcceptsEmptyFile(t *testing.T) {
	d := newDirectory(t)
	f := d.begin("a", false)
	d.must(f.Commit(at))
	d.wantFiles(map[string]string{"a": ""})
}

func TestBeginResumesEarlierTransfer(t *testing.T) {
	d := newDirectory(t)
	half := len(content) / 2
	d.leavePart("a", string(content[:half]))
	d.wantFiles(map[string]string{"a.part": string(content[:half])})

	f := d.open("a", false)
	if f.Size() != int64(half) {
		t.Errorf("%d bytes are left of %d", f.Size(), half)
	}
	sum := sha256.New()
	d.must(f.Hash(t.Context(), sum))
	if want := sha256.Sum256(content[:half]); [32]byte(sum.Sum(nil)) != want {
		t.Error("Hash was fed something else")
	}
	d.must(f.Begin(0o644, f.Size()))
	d.write(f, string(content[half:]))
	d.must(f.Commit(at))
	d.wantFiles(map[string]string{"a": string(content)})
}

func TestCommitAfterResumeWithoutWrite(t *testing.T) {
	d := newDirectory(t)
	d.leavePart("a", "hello")
	f := d.open("a", false)
	d.must(f.Begin(0o644, 5))
	d.must(f.Commit(at))
	d.wantFiles(map[string]string{"a": "hello"})
}

func TestBeginAtZeroDiscardsPart(t *testing.T) {
	d := newDirectory(t)
	d.leavePart("a", strings.Repeat("old", 1000))
	f := d.begin("a", false)
	if f.Size() != 0 {
		t.Errorf("%d bytes are left", f.Size())
	}
	d.must(f.Hash(t.Context(), sha256.New()))
	d.write(f, "new")
	d.must(f.Commit(at))
	d.wantFiles(map[string]string{"a": "new"})
}

func TestBeginRefusesOtherOffsets(t *testing.T) {
	d := newDirectory(t)
	d.leavePart("a", "hello")
	f := d.open("a", false)
	for _, offset := range []int64{-1, 1, 4, 6} {
		d.wantError(f.Begin(0o644, offset), fs.ErrInvalid, "resume at 5")
	}
	d.wantFiles(map[string]string{"a.part": "hello"})
	d.must(f.Begin(0o644, 5)) // still possible
}

func TestHashStopsWithContext(t *testing.T) {
	d := newDirectory(t)
	d.leavePart("a", string(content))
	f := d.open("a", false)
	ctx, cancel := context.WithCancel(t.Context())
	blocks := &cancelingHash{cancel: cancel}
	if err := f.Hash(ctx, blocks); err != context.Canceled {
		t.Errorf("got the error %v", err)
	}
	if blocks.n != 32<<10 {
		t.Errorf("it was fed %d bytes after it was cancelled in the first block", blocks.n)
	}
}

// A cancelingHash cancels a context in the first Write.
type cancelingHash struct {
	unusedHash
	cancel func()
	n      int
}

func (c *cancelingHash) Write(p []byte) (int, error) {
	c.cancel()
	c.n += len(p)
	return len(p), nil
}

// unusedHash has the methods of a hash that the tests do not need.
type unusedHash struct{}

func (unusedHash) Sum([]byte) []byte { panic("not needed") }
func (unusedHash) Reset()            { panic("not needed") }
func (unusedHash) Size() int         { panic("not needed") }
func (unusedHash) BlockSize() int    { panic("not needed") }

func TestHashFailsIfPartShrinks(t *testing.T) {
	d := newDirectory(t)
	d.leavePart("a", string(content))
	f := d.open("a", false)
	d.must(os.Truncate(filepath.Join(d.path, "a.part"), 50_000))
	d.wantError(f.Hash(t.Context(), sha256.New()), io.ErrUnexpectedEOF, "a.part")
}

func TestBeginFailsIfSizeChanged(t *testing.T) {
	d := newDirectory(t)
	for _, size := range []int64{3, 7} {
		d.leavePart("a", "hello")
		f := d.open("a", false)
		d.must(os.Truncate(filepath.Join(d.path, "a.part"), size))
		if err := f.Begin(0o644, 5); err == nil {
			t.Errorf("continued with %d bytes", size)
		}
		d.must(f.Begin(0o644, 0))
		d.must(f.Discard())
	}
}

func TestCloseRemovesEmptyPart(t *testing.T) {
	t.Run("begun", func(t *testing.T) {
		d := newDirectory(t)
		f := d.begin("a", false)
		d.wantFiles(map[string]string{"a.part": ""})
		d.must(f.Close())
		d.wantFiles(map[string]string{})
	})
	t.Run("found", func(t *testing.T) {
		d := newDirectory(t)
		d.writeFile("a.part", "")
		d.must(d.open("a", false).Close())
		d.wantFiles(map[string]string{})
	})
}

func TestCloseKeepsPartWithoutBegin(t *testing.T) {
	d := newDirectory(t)
	d.leavePart("a", "hello")
	d.must(d.open("a", false).Close())
	d.wantFiles(map[string]string{"a.part": "hello"})
}

func TestDiscardRemovesPart(t *testing.T) {
	for name, begin := range map[string]func(*File) error{
		"opened":    func(*File) error { return nil },
		"continued": func(f *File) error { return f.Begin(0o644, f.Size()) },
		"restarted": func(f *File) error { return f.Begin(0o644, 0) },
	} {
		t.Run(name, func(t *testing.T) {
			d := newDirectory(t)
			d.writeFile("b", "other")
			d.leavePart("a", "hello")
			f := d.open("a", false)
			d.must(begin(f))
			d.must(f.Discard())
			d.wantFiles(map[string]string{"b": "other"})
			d.must(f.Close())
		})
	}
}

func TestFileRefusesCallsOutOfOrder(t *testing.T) {
	d := newDirectory(t)
	f := d.open("a", false)
	if _, err := f.Write([]byte("x")); err == nil {
		t.Error("written before Begin")
	}
	if err := f.Commit(at); err == nil {
		t.Error("put into place before Begin")
	}
	d.must(f.Begin(0o644, 0))
	if err := f.Begin(0o644, 0); err == nil {
		t.Error("begun twice")
	}
	d.must(f.Close())
	for what, err := range map[string]error{
		"Begin":  f.Begin(0o644, 0),
		"Write":  errorOf(f.Write([]byte("x"))),
		"Hash":   f.Hash(t.Context(), sha256.New()),
		"Commit": f.Commit(at),
	} {
		if !errors.Is(err, fs.ErrClosed) {
			t.Errorf("%s after Close: %v", what, err)
		}
	}
	d.wantFiles(map[string]string{})
}

func errorOf(_ int, err error) error { return err }

func TestBeginFailsIfDirectoryRemoved(t *testing.T) {
	d := newDirectory(t)
	d.must(d.root.Mkdir("sub", 0o755))
	f := d.open("sub/a", false)
	d.must(d.root.Remove("sub"))
	d.wantError(f.Begin(0o644, 0), fs.ErrNotExist, "sub/a")
	d.must(f.Close())
}
