package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-rfcomm/rfcomm/filetransfer"
)

// completed returns what a command line completes to, and the directive.
func (f *fake) completed(t *testing.T, words ...string) (texts []string, directive string) {
	t.Helper()
	stdout, _ := f.runs(t, 0, append([]string{"__complete"}, words...)...)
	texts = strings.Split(strings.TrimSpace(stdout), "\n")
	last := len(texts) - 1
	return texts[:last], texts[last]
}

func wantCompleted(t *testing.T, f *fake, words []string, want ...string) {
	t.Helper()
	if got, _ := f.completed(t, words...); !slices.Equal(got, want) {
		t.Errorf("%q completes to %q, want %q", words, got, want)
	}
}

func TestCompletionOfListedFiles(t *testing.T) {
	f := newFileFake(t)
	f.offerTree(t)
	write(t, "", f.files, "notes of May.txt")
	f.inRange = found("Printer")
	f.runs(t, 0, "scan")
	wantCompleted(t, f.fake, []string{"get", fileDevice, ""})
	f.runs(t, 0, "ls", "Printer")
	f.runs(t, 0, "ls", fileDevice, "photos/", "photos/a.jpg", "--json")
	connections := len(f.dialed)
	for _, tt := range []struct{ words, want []string }{
		{[]string{"get", fileDevice, ""}, []string{"notes of May.txt", "notes.txt", "photos/"}},
		{[]string{"stat", "printer", "no"}, []string{"notes of May.txt", "notes.txt"}},
		{[]string{"ls", "00-aa-01-00-00-01/spp", "p"}, []string{"photos/"}},
		{[]string{"get", "--plain", fileDevice, "notes.txt", "no"}, []string{"notes of May.txt"}},
		{[]string{"get", fileDevice, "photos/"}, []string{"photos/a.jpg"}},
		{[]string{"get", fileDevice, "other/"}, nil},
		{[]string{"get", scannerAddr.String(), ""}, nil},
		{[]string{"get", "--tcp", "127.0.0.1:1", ""}, nil},
		{[]string{"put", fileDevice, "x", "-o", ""}, []string{"photos/"}},
		{[]string{"put", "-o", ""}, nil},
	} {
		wantCompleted(t, f.fake, tt.words, tt.want...)
	}
	if len(f.dialed) != connections {
		t.Error("completion has connected")
	}
	for begun, want := range map[string]string{"n": ":36", "ph": ":38"} { // with and without a blank after the name
		if _, directive := f.completed(t, "get", fileDevice, begun); directive != want {
			t.Errorf("%s: directive %s, want %s", begun, directive, want)
		}
	}
	info, err := os.Stat(f.listed.path)
	if err != nil || info.Mode().Perm()&0o077 != 0 {
		t.Errorf("the list has the mode %v, %v: others can read it", info.Mode(), err)
	}
}

// newListedFiles returns an empty list and its clock.
func newListedFiles(t *testing.T) (listedFiles, *time.Time) {
	now := noon
	return listedFiles{cacheFile{filepath.Join(t.TempDir(), "new", "files.json"), func() time.Time { return now }}}, &now
}

func wantListed(t *testing.T, l listedFiles, server, begun string, want ...string) {
	t.Helper()
	if got := l.names(server, begun); !slices.Equal(got, want) {
		t.Errorf("%s has %q, want %q", server, got, want)
	}
}

func TestListedFilesAreEscaped(t *testing.T) {
	l, now := newListedFiles(t)
	entries := []filetransfer.Info{{Name: "\x1b[2J\xff\n"}, {Name: "\u202e", Mode: fs.ModeDir}, {Name: "-rf"}}
	if err := l.add("x", "a\nb", entries); err != nil {
		t.Fatal(err)
	}
	wantListed(t, l, "x", `a\x0ab/`, `a\x0ab/\x1b[2J\xff\x0a`, `a\x0ab/\u202e/`, `a\x0ab/-rf`)
	if err := l.add("x", ".", entries); err != nil {
		t.Fatal(err)
	}
	wantListed(t, l, "x", "", `\x1b[2J\xff\x0a`, `\u202e/`) // not a name that looks like a flag
	*now = now.Add(listedAge + 1)
	wantListed(t, l, "x", "")
	*now = now.Add(-listedAge - time.Hour) // the clock was wrong
	wantListed(t, l, "x", "")
}

func TestListedFilesAreBounded(t *testing.T) {
	l, now := newListedFiles(t)
	var many []filetransfer.Info
	for i := range listedNames + 1 {
		many = append(many, filetransfer.Info{Name: fmt.Sprintf("%03d%s", i, strings.Repeat("x", 250))})
	}
	const large = 6 // of them, the file holds fewer
	for i := range large {
		*now = now.Add(time.Second)
		if err := l.add(fmt.Sprint(i), ".", many); err != nil {
			t.Fatal(err)
		}
	}
	info, err := os.Stat(l.path)
	if err != nil || info.Size() > cacheSize || info.Size() < cacheSize/2 {
		t.Errorf("the list has %d bytes, %v", info.Size(), err)
	}
	if got := l.names(fmt.Sprint(large-1), ""); len(got) != listedNames {
		t.Errorf("%d names of the last directory, want %d", len(got), listedNames)
	}
	wantListed(t, l, "0", "")
	for i := range listedCount + 1 {
		*now = now.Add(time.Second)
		if err := l.add(fmt.Sprint(i), ".", many[:1]); err != nil {
			t.Fatal(err)
		}
	}
	if got := len(l.directories()); got != listedCount {
		t.Errorf("%d directories, want %d", got, listedCount)
	}
	many[0].Name = strings.Repeat("x", cacheSize)
	if err := l.add("huge", ".", many[:1]); err != nil {
		t.Fatal(err)
	}
	wantListed(t, l, "huge", "")
}

func TestListedFilesIgnoresDamagedFiles(t *testing.T) {
	l, _ := newListedFiles(t)
	if err := l.add("x", ".", nil); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"", "null", "{}", `[{"names":"x"}]`, "[" + strings.Repeat(" ", cacheSize) + "]"} {
		if err := os.WriteFile(l.path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		wantListed(t, l, "x", "")
	}
	if err := (listedFiles{cacheFile{"", time.Now}}).add("x", ".", nil); err != nil {
		t.Error(err)
	}
}
