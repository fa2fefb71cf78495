package partfile

import (
	"errors"
	"io/fs"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestOpenRefusesInvalidNames(t *testing.T) {
	d := newDirectory(t)
	for _, name := range []string{"", ".", "..", "/", "/a", "a/", "a//b", "./a", "a/..", "../a", "a/../../b", "a\x00b"} {
		d.wantOpenError(name, fs.ErrInvalid, "path within the directory")
		d.wantError(Check(d.root, name, true), fs.ErrInvalid, "path within the directory")
	}
	d.wantFiles(map[string]string{})
}

func TestOpenRefusesPartNames(t *testing.T) {
	d := newDirectory(t)
	d.leavePart("a", "hello")
	for _, name := range []string{"a.part", "b.part", "sub/a.part", ".part", "a.PART", "a.part.part"} {
		d.wantOpenError(name, fs.ErrInvalid, "end in .part")
		d.wantError(Check(d.root, name, true), fs.ErrInvalid, "end in .part")
	}
	for _, name := range []string{"part", "apart", "a.part.txt"} {
		d.must(Check(d.root, name, false))
	}
}

func TestOpenRequiresDirectory(t *testing.T) {
	d := newDirectory(t)
	d.writeFile("file", "")
	for _, name := range []string{"missing/a", "missing/sub/a", "file/a", "file/sub/a"} {
		d.wantOpenError(name, fs.ErrNotExist, name)
		d.wantError(Check(d.root, name, true), fs.ErrNotExist, name)
	}
}

func TestCheckRefusesTakenName(t *testing.T) {
	d := newDirectory(t)
	d.writeFile("a", "old")
	_, err := Open(d.root, "a", false)
	d.wantError(err, fs.ErrExist, "receive a: ")
	d.wantError(Check(d.root, "a", false), fs.ErrExist, "receive a: ")
	d.must(Check(d.root, "a", true))
	d.must(Check(d.root, "b", false))
	d.must(d.open("a", true).Close())
	d.wantFiles(map[string]string{"a": "old"})
}

func TestOpenFailsOnClosedRoot(t *testing.T) {
	d := newDirectory(t)
	d.root.Close()
	d.wantOpenError("a", fs.ErrClosed)
	if err := Check(d.root, "a", true); errors.Is(err, fs.ErrPermission) {
		t.Errorf("%v looks like a link that leads out", err)
	}
}

func TestPartNameShortensLongNames(t *testing.T) {
	for name, tt := range map[string]struct {
		base  string
		whole bool
		left  int // bytes of base
	}{
		"just fits":          {strings.Repeat("a", 250), true, 250},
		"too long":           {strings.Repeat("a", 251), false, 233},
		"as long as can be":  {strings.Repeat("a", 255), false, 233},
		"cut at a rune":      {strings.Repeat("a", 233) + strings.Repeat("ä", 11), false, 233},
		"cut in a rune":      {strings.Repeat("a", 232) + strings.Repeat("ä", 11), false, 232},
		"cut at no rune":     {strings.Repeat("a", 200) + strings.Repeat("\x80", 55), false, 233},
		"cut late in a rune": {strings.Repeat("a", 230) + strings.Repeat("\U0001f600", 6), false, 230},
	} {
		t.Run(name, func(t *testing.T) {
			part := partName(tt.base)
			if len(part) > 255 || utf8.ValidString(part) != utf8.ValidString(tt.base) {
				t.Errorf("%q is too long, %d bytes, or not UTF-8", part, len(part))
			}
			if !strings.HasPrefix(part, tt.base[:tt.left]) || !strings.HasSuffix(part, ".part") {
				t.Errorf("%q is not the begin of the name and .part", part)
			}
			rest := part[tt.left : len(part)-len(".part")]
			if tt.whole != (rest == "") || !tt.whole && (rest[0] != '~' || len(rest) != 17) {
				t.Errorf("%q stands for the end of the name", rest)
			}
			if other := partName(tt.base[:len(tt.base)-1] + "b"); other == part {
				t.Errorf("another name has the same part name %q", part)
			}

			d := newDirectory(t)
			d.leavePart(tt.base, "hello")
			d.wantFiles(map[string]string{part: "hello"})
			f := d.open(tt.base, false)
			d.must(f.Begin(0o644, 5))
			d.must(f.Commit(at))
			d.wantFiles(map[string]string{tt.base: "hello"})
		})
	}
}

func TestOpenRefusesTooLongName(t *testing.T) {
	d := newDirectory(t)
	if _, err := Open(d.root, strings.Repeat("a", 256), false); err == nil {
		t.Error("opened")
	}
	d.wantFiles(map[string]string{})
}
