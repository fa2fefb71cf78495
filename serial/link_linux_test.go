package serial

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// newLink claims a path until the end of the test.
func newLink(t *testing.T, path string) *link {
	t.Helper()
	l, err := claimLink(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.release)
	return l
}

func wantTarget(t *testing.T, path, want string) {
	t.Helper()
	if got, err := os.Readlink(path); got != want {
		t.Errorf("%s points to %q, %v; want %q", path, got, err, want)
	}
}

func TestLinkFollowsNodes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gps")
	l := newLink(t, path)
	if _, err := os.Lstat(path); !os.IsNotExist(err) {
		t.Errorf("before the first node: %v", err)
	}
	for _, node := range []string{"/dev/pts/1000", "/dev/pts/1001", "/dev/rfcomm0"} {
		if err := l.point(node); err != nil {
			t.Fatal(err)
		}
		wantTarget(t, path, node)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := l.point("/dev/pts/1002"); err != nil {
		t.Fatal(err)
	}
	wantTarget(t, path, "/dev/pts/1002")
	l.remove()
	if entries, _ := os.ReadDir(filepath.Dir(path)); len(entries) != 0 {
		t.Errorf("%v remains", entries)
	}
	if err := l.point("/dev/pts/1003"); err != nil {
		t.Errorf("after a removal: %v", err)
	}
}

func TestLinkReplacesDanglingLinks(t *testing.T) {
	dir := t.TempDir()
	for _, target := range []string{"/dev/pts/4000", "/dev/rfcomm255"} { // as a killed process leaves them
		path := filepath.Join(dir, filepath.Base(target))
		if err := os.Symlink(target, path); err != nil {
			t.Fatal(err)
		}
		l := newLink(t, path)
		if err := l.point("/dev/pts/1"); err != nil {
			t.Fatal(err)
		}
		wantTarget(t, path, "/dev/pts/1")
	}
}

// The number of a pty is used again, for example by a terminal window.
func TestLinkReplacesLinkToNewerNode(t *testing.T) {
	old, err := openPTY(0o600)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "gps")
	if err := os.Symlink(old.name, path); err != nil {
		t.Fatal(err)
	}
	if l, err := claimLink(path); err == nil {
		l.release()
		t.Error("a link to an existing pty was replaced")
	}
	old.Close()
	info, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	for ; ; time.Sleep(time.Millisecond) { // the clock of file systems is coarse
		newer, err := openPTY(0o600)
		if err != nil {
			t.Fatal(err)
		}
		node, err := os.Stat(newer.name)
		if err != nil {
			t.Fatal(err)
		}
		if newer.name == old.name && changed(node).After(info.ModTime()) {
			t.Cleanup(func() { newer.Close() })
			break
		}
		newer.Close()
	}
	newLink(t, path)
}

func TestLinkNeverReplacesOtherFiles(t *testing.T) {
	dir := t.TempDir()
	for name, create := range map[string]func(path string) error{
		"file":      func(path string) error { return os.WriteFile(path, []byte("mine"), 0o600) },
		"directory": func(path string) error { return os.Mkdir(path, 0o700) },
		"dangling":  func(path string) error { return os.Symlink("/nowhere", path) },
		"similar":   func(path string) error { return os.Symlink("/dev/pts/x4000", path) },
		"device":    func(path string) error { return os.Symlink("/dev/null", path) },
		"fifo":      func(path string) error { return os.Symlink("/dev/pts/ptmx", path) },
	} {
		path := filepath.Join(dir, name)
		if err := create(path); err != nil {
			t.Fatal(err)
		}
		before, _ := os.Lstat(path)
		l, err := claimLink(path)
		if err == nil {
			l.release()
		}
		if !errors.Is(err, fs.ErrExist) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", name, err)
		}
		if after, err := os.Lstat(path); err != nil || !os.SameFile(before, after) {
			t.Errorf("%s was replaced: %v", name, err)
		}
	}
}

// A file that takes the place of the link while the Device runs.
func TestLinkLeavesNewFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gps")
	l := newLink(t, path)
	if err := l.point("/dev/pts/4000"); err != nil {
		t.Fatal(err)
	}
	os.Remove(path)
	if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := l.point("/dev/pts/4001"); !errors.Is(err, fs.ErrExist) {
		t.Errorf("got %v", err)
	}
	l.remove()
	if data, err := os.ReadFile(path); string(data) != "mine" {
		t.Errorf("the file has %q, %v", data, err)
	}
}

func TestLinkIsUsedOnce(t *testing.T) {
	dir := t.TempDir()
	l := newLink(t, filepath.Join(dir, "gps"))
	// The same directory by another path.
	other := filepath.Join(t.TempDir(), "other")
	if err := os.Symlink(dir, other); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{l.path, filepath.Join(other, "gps")} {
		_, err := claimLink(path)
		if !errors.Is(err, errClaimed) || !errors.Is(err, syscall.EBUSY) || !strings.Contains(err.Error(), path) {
			t.Errorf("second claim: %v", err)
		}
	}
	newLink(t, filepath.Join(dir, "gps2"))
	l.release()
	newLink(t, l.path)
}

func TestLinkNeedsADirectory(t *testing.T) {
	path := filepath.Join(t.TempDir(), "missing", "gps")
	if _, err := claimLink(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}
