package filetransfer_test

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/go-rfcomm/rfcomm/filetransfer"
)

// changed is the modification time of the files in these tests.
var changed = time.Date(2024, 2, 29, 12, 34, 56, 789_000_000, time.UTC)

// listed returns a directory with files, directories and links of known modes
// and times, and the expected list of it.
func listed(t *testing.T) (root *os.Root, infos []filetransfer.Info) {
	t.Helper()
	root = newDir(t, map[string]string{"b.txt": "hello", "a.txt": "", "größe ☃": "x", "Z": "yy", "sub/deep.txt": "deep"})
	for name, mode := range map[string]fs.FileMode{"a.txt": 0o600, "b.txt": 0o644, "größe ☃": 0o755, "Z": 0o444, "sub": 0o750} {
		path := filepath.Join(root.Name(), name)
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, changed, changed); err != nil {
			t.Fatal(err)
		}
	}
	for name, to := range map[string]string{"file-link": "b.txt", "files-link": "sub", "dangling": "missing", "out": "../out"} {
		if err := os.Symlink(to, filepath.Join(root.Name(), name)); err != nil {
			t.Fatal(err)
		}
	}
	return root, []filetransfer.Info{
		{Name: "Z", Size: 2, Mode: 0o444, ModTime: changed},
		{Name: "a.txt", Mode: 0o600, ModTime: changed},
		{Name: "b.txt", Size: 5, Mode: 0o644, ModTime: changed},
		{Name: "dangling", Mode: fs.ModeIrregular},
		{Name: "file-link", Size: 5, Mode: 0o644, ModTime: changed},
		{Name: "files-link", Mode: fs.ModeDir | 0o750, ModTime: changed},
		{Name: "größe ☃", Size: 1, Mode: 0o755, ModTime: changed},
		{Name: "out", Mode: fs.ModeIrregular},
		{Name: "sub", Mode: fs.ModeDir | 0o750, ModTime: changed},
	}
}

// sameInfo compares two Infos. Mode and time of dangling links are not
// compared.
func sameInfo(got, want filetransfer.Info) bool {
	if want.Mode == fs.ModeIrregular {
		got.Mode, got.ModTime = got.Mode.Type(), time.Time{}
	}
	return got.Name == want.Name && got.Size == want.Size && got.Mode == want.Mode &&
		got.ModTime.Equal(want.ModTime) && got.SHA256 == nil
}

func TestListReturnsEntriesOfDirectory(t *testing.T) {
	root, want := listed(t)
	for network := range networks {
		t.Run(network, func(t *testing.T) {
			c := filetransfer.NewClient(serve(t, network, &filetransfer.Server{FS: root.FS()}).conn)
			defer c.Close()
			got, err := c.List(t.Context(), ".")
			if err != nil || !slices.EqualFunc(got, want, sameInfo) {
				t.Errorf("the list is %+v, %v, want %+v", got, err, want)
			}
			for _, info := range want {
				stat, err := c.Stat(t.Context(), info.Name)
				if info.Mode == fs.ModeIrregular {
					if err == nil {
						t.Errorf("stat of %s: %+v", info.Name, stat)
					}
					continue
				}
				if err != nil || !sameInfo(stat, info) {
					t.Errorf("stat of %s: %+v, %v, want %+v", info.Name, stat, err, info)
				}
			}
		})
	}
}

func TestStatAndListOfDirectories(t *testing.T) {
	root, _ := listed(t)
	if err := root.Mkdir("empty", 0o777); err != nil {
		t.Fatal(err)
	}
	c := filetransfer.NewClient(serve(t, "pipe", &filetransfer.Server{FS: root.FS()}).conn)
	defer c.Close()
	for _, name := range []string{".", "sub", "files-link", "empty"} {
		info, err := c.Stat(t.Context(), name)
		if err != nil || info.Name != name || !info.Mode.IsDir() || info.Size != 0 || info.ModTime.IsZero() {
			t.Errorf("stat of %q: %+v, %v", name, info, err)
		}
	}
	for name, want := range map[string]int{"sub": 1, "files-link": 1, "empty": 0} {
		infos, err := c.List(t.Context(), name)
		if err != nil || len(infos) != want {
			t.Errorf("list of %q: %+v, %v", name, infos, err)
		}
		if want == 1 && (infos[0].Name != "deep.txt" || infos[0].Size != 4) {
			t.Errorf("list of %q: %+v", name, infos)
		}
	}
	for name, want := range map[string]error{
		"b.txt":     fs.ErrInvalid,
		"file-link": fs.ErrInvalid,
		"dangling":  fs.ErrNotExist,
		"missing":   fs.ErrNotExist,
		"out":       fs.ErrPermission,
		"":          fs.ErrInvalid,
	} {
		infos, err := c.List(t.Context(), name)
		wantError(t, err, want)
		if infos != nil {
			t.Errorf("list of %q: %v", name, infos)
		}
	}
	for _, name := range []string{"dangling", "missing", "out", ""} {
		info, err := c.Stat(t.Context(), name)
		if err == nil || !sameInfo(info, filetransfer.Info{}) {
			t.Errorf("stat of %q: %+v, %v", name, info, err)
		}
	}
}

func TestListOfManyEntries(t *testing.T) {
	files := make(fstest.MapFS)
	for _, n := range []int{63, 64, 65, 128, 1000} {
		for i := range n {
			files[fmt.Sprintf("of %d/%05d %s", n, i, strings.Repeat("ü", i%100))] = &fstest.MapFile{Data: make([]byte, i)}
		}
	}
	c := filetransfer.NewClient(serve(t, "tcp", &filetransfer.Server{FS: files}).conn)
	defer c.Close()
	for _, n := range []int{63, 64, 65, 128, 1000} {
		infos, err := c.List(t.Context(), fmt.Sprintf("of %d", n))
		if err != nil || len(infos) != n {
			t.Fatalf("the list has %d entries: %v", len(infos), err)
		}
		for i, info := range infos {
			if want := fmt.Sprintf("%05d %s", i, strings.Repeat("ü", i%100)); info.Name != want || info.Size != int64(i) {
				t.Errorf("%d is %+v, want %q", i, info, want)
			}
		}
	}
}

func TestInfoOfTransferMatchesFile(t *testing.T) {
	root, infos := listed(t)
	c := filetransfer.NewClient(serve(t, "pipe", &filetransfer.Server{FS: root.FS()}).conn)
	defer c.Close()
	for _, want := range infos {
		if !want.Mode.IsRegular() {
			continue
		}
		content := readFile(t, filepath.Join(root.Name(), want.Name))
		local := filepath.Join(t.TempDir(), "local")
		got, err := c.Download(t.Context(), want.Name, local)
		if err != nil {
			t.Fatal(err)
		}
		wantSum(t, got, content)
		got.SHA256 = nil
		if !sameInfo(got, want) {
			t.Errorf("got %+v, want %+v", got, want)
		}
		stat, err := os.Stat(local)
		if err != nil || stat.Size() != want.Size || !stat.ModTime().Equal(want.ModTime) || stat.Mode()&^want.Mode != 0 {
			t.Errorf("%s is %v, %v", want.Name, stat, err)
		}
	}
}

// A fleeting FS has an entry "gone" that is removed after ReadDir.
type fleeting struct{ fstest.MapFS }

func (f fleeting) Open(name string) (fs.File, error) {
	file, err := f.MapFS.Open(name)
	if err != nil {
		return nil, err
	}
	return fleetingFile{file.(fs.ReadDirFile)}, nil
}

type fleetingFile struct{ fs.ReadDirFile }

func (f fleetingFile) ReadDir(n int) ([]fs.DirEntry, error) {
	entries, err := f.ReadDirFile.ReadDir(n)
	for i, entry := range entries {
		if entry.Name() == "gone" {
			entries[i] = goneEntry{entry}
		}
	}
	return entries, err
}

type goneEntry struct{ fs.DirEntry }

func (goneEntry) Info() (fs.FileInfo, error) { return nil, fs.ErrNotExist }

func TestListOmitsVanishedEntries(t *testing.T) {
	files := fleeting{fstest.MapFS{"sub/a": {}, "sub/gone": {}, "sub/z": {}}}
	c := filetransfer.NewClient(serve(t, "pipe", &filetransfer.Server{FS: files}).conn)
	defer c.Close()
	infos, err := c.List(t.Context(), "sub")
	if err != nil || len(infos) != 2 || infos[0].Name != "a" || infos[1].Name != "z" {
		t.Errorf("the list is %+v, %v", infos, err)
	}
}

func TestListEndsBeforeNextAnswer(t *testing.T) {
	client, server := net.Pipe()
	s := serveOn(t, &filetransfer.Server{FS: fstest.MapFS{"a": {}, "b": {}}}, client, server)
	c := filetransfer.NewClient(s.conn)
	defer c.Close()
	for range 10 {
		if infos, err := c.List(t.Context(), "."); err != nil || len(infos) != 2 {
			t.Fatalf("the list is %+v, %v", infos, err)
		}
		if _, err := c.List(t.Context(), "missing"); !errors.Is(err, fs.ErrNotExist) {
			t.Fatalf("the error is %v", err)
		}
		if info, err := c.Stat(t.Context(), "a"); err != nil || info.Name != "a" {
			t.Fatalf("stat: %+v, %v", info, err)
		}
	}
}
