package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-rfcomm/rfcomm/filetransfer"
)

// noon is the time of the files of offerTree.
var noon = time.Date(2020, 2, 20, 12, 0, 0, 0, time.UTC)

// offerTree makes some files of the server.
func (f *fileFake) offerTree(t *testing.T) {
	t.Helper()
	if err := os.Mkdir(filepath.Join(f.files, "photos"), 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, "12345", f.files, "notes.txt")
	write(t, strings.Repeat("x", 12345), f.files, "photos", "a.jpg")
	for _, name := range []string{"notes.txt", "photos/a.jpg", "photos"} {
		if err := os.Chtimes(filepath.Join(f.files, name), noon, noon); err != nil {
			t.Fatal(err)
		}
	}
}

func TestLsPrintsDirectories(t *testing.T) {
	f := newFileFake(t)
	f.offerTree(t)
	when := noon.Local().Format("2006-01-02 15:04")
	notes := "-rw-r--r--  " + when + "  5  notes.txt\n"
	photo := "-rw-r--r--  " + when + "  12345  "
	for line, want := range map[string]string{
		"":                 notes + "drwxr-xr-x  " + when + "  -  photos/\n",
		"photos":           photo + "a.jpg\n",
		"photos/a.jpg":     photo + "photos/a.jpg\n",
		"photos notes.txt": "photos:\n" + photo + "a.jpg\n" + notes,
		"photos photos":    "photos:\n" + photo + "a.jpg\n\nphotos:\n" + photo + "a.jpg\n",
	} {
		stdout, stderr := f.runs(t, 0, append([]string{"ls", fileDevice}, strings.Fields(line)...)...)
		if stdout != want || stderr != "" {
			t.Errorf("ls %s printed %q and %q, want %q", line, stdout, stderr, want)
		}
	}
	_, stderr := f.runs(t, statusNotFound, "ls", fileDevice, "missing")
	wantError(t, stderr, "missing", "not exist")
}

func TestLsFitsTheTerminal(t *testing.T) {
	entries := []filetransfer.Info{
		{Name: "notes.txt", Size: 5, Mode: 0o644, ModTime: noon},
		{Name: "photos", Mode: 0o755 | fs.ModeDir},
		{Name: "\x1b[2J写真", Size: -1, Mode: 0o600},
	}
	when := noon.Local().Format("2006-01-02 15:04")
	dash := "-               "
	for _, tt := range []struct {
		width int
		want  string
	}{
		{0, "-rw-r--r--  " + when + "  5  notes.txt\ndrwxr-xr-x  " + dash + "  -  photos/\n-rw-------  " + dash + "  -  \\x1b[2J写真\n"},
		{40, when + "  5  notes.txt\n" + dash + "  -  photos/\n" + dash + "  -  \\x1b[2J写真\n"},
		{31, "5  notes.txt\n-  photos/\n-  \\x1b[2J写真\n"},
	} {
		if got := listText(entries, tt.width); got != tt.want {
			t.Errorf("in %d columns:\n%s\nwant\n%s", tt.width, got, tt.want)
		}
	}
}

func TestLsPrintsJSON(t *testing.T) {
	f := newFileFake(t)
	f.offerTree(t)
	stdout, _ := f.runs(t, 0, "ls", fileDevice, "--json")
	wantJSON(t, stdout, `{"name":"notes.txt","path":"notes.txt","type":"file","size":5,"mode":"0644","modified":"2020-02-20T12:00:00Z"}`,
		`{"name":"photos","path":"photos","type":"directory","mode":"0755","modified":"2020-02-20T12:00:00Z"}`)
	stdout, _ = f.runs(t, 0, "ls", fileDevice, "photos", "--json")
	photo := `{"name":"a.jpg","path":"photos/a.jpg","type":"file","size":12345,"mode":"0644","modified":"2020-02-20T12:00:00Z"}`
	wantJSON(t, stdout, photo)
	stdout, _ = f.runs(t, 0, "stat", fileDevice, "photos/a.jpg", "--json")
	wantJSON(t, stdout, photo)
	f = newFileFake(t)
	writeOdd(t, "", f.files, "b\xff")
	stdout, _ = f.runs(t, 0, "ls", fileDevice, ".", "--json")
	wantParts(t, stdout, `"name":"b\ufffd","path":"b\ufffd","bytes":"Yv8=","type":"file"`)
}

// What ls prints can be the name for the other commands.
func TestFileCommandsTakePrintedNames(t *testing.T) {
	for _, name := range []string{"b\xff", "\x1b[2J", "tree/\u202eb\n"} {
		f := newFileFake(t)
		if err := os.Mkdir(filepath.Join(f.files, "tree"), 0o755); err != nil {
			t.Fatal(err)
		}
		writeOdd(t, "content", f.files, name)
		printed := printable(name)
		stdout, _ := f.runs(t, 0, "ls", fileDevice, filepath.Dir(name))
		wantParts(t, stdout, "  "+filepath.Base(printed)+"\n")
		stdout, stderr := f.runs(t, 0, "get", fileDevice, printed, "-o", "-")
		if stdout != "content" || stderr != "" {
			t.Errorf("%q: got %q, %q", name, stdout, stderr)
		}
		f.runs(t, 0, "get", fileDevice, printed)
		wantFile(t, "content", filepath.Base(name))
		f.runs(t, 0, "stat", fileDevice, printed)
		f.runs(t, 0, "ls", fileDevice, printed)
		f.runs(t, statusNotFound, "stat", fileDevice, printed+`\x00`)
	}
}

func TestStatPrintsProperties(t *testing.T) {
	f := newFileFake(t)
	f.offerTree(t)
	when := noon.Local().Format("2006-01-02 15:04:05 -0700")
	stdout, stderr := f.runs(t, 0, "stat", fileDevice, "photos/a.jpg", "photos")
	want := "photos/a.jpg\n  type      file\n  size      12345 bytes (12.3 kB)\n  modified  " + when + "\n  mode      0644 (-rw-r--r--)\n" +
		"\nphotos\n  type      directory\n  modified  " + when + "\n  mode      0755 (drwxr-xr-x)\n"
	if stdout != want || stderr != "" {
		t.Errorf("it printed %q and %q, want %q", stdout, stderr, want)
	}
	_, stderr = f.runs(t, statusUsage, "stat", fileDevice)
	wantError(t, stderr, "the name of a file of the server is missing")
	_, stderr = f.runs(t, statusNotFound, "stat", fileDevice, "missing", "photos", "absent")
	if strings.Count(stderr, "not exist") != 2 {
		t.Errorf("it printed %q", stderr)
	}
}

func TestLsOfFileHasNoSlash(t *testing.T) {
	f := newFileFake(t)
	write(t, "content", f.files, "notes.txt")
	stdout, _ := f.runs(t, 0, "ls", fileDevice, "notes.txt/")
	if !strings.HasSuffix(stdout, "  7  notes.txt\n") {
		t.Errorf("it printed %q", stdout)
	}
}
