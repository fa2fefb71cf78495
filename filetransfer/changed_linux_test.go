package filetransfer_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm/filetransfer"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

// changeTime returns the time of the last change of a file's inode.
func changeTime(t testing.TB, path string) time.Time {
	t.Helper()
	var stat unix.Stat_t
	if err := unix.Stat(path, &stat); err != nil {
		t.Fatal(err)
	}
	return time.Unix(stat.Ctim.Unix())
}

// Programs that keep encrypted disks in files restore the modification time.
func TestGetComparesFileWithRestoredTime(t *testing.T) {
	content := random(1 << 20)
	for name, test := range map[string]struct {
		change func(path string) error
		want   error
	}{
		"rewritten":   {func(path string) error { return rewrite(path, "x"+content[1:]) }, filetransfer.ErrChanged},
		"the same":    {func(path string) error { return rewrite(path, content) }, nil},
		"renamed":     {func(path string) error { return os.Rename(path, path+".old") }, nil},
		"permissions": {func(path string) error { return os.Chmod(path, 0o600) }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			root := newDir(t, map[string]string{"file": content})
			path := filepath.Join(root.Name(), "file")
			modified := time.Date(1999, 12, 1, 0, 0, 0, 0, time.UTC)
			setTime(t, path, modified)
			before := changeTime(t, path)
			hosttest.Eventually(t, "the kernel's clock goes on", func() bool {
				clock := filepath.Join(root.Name(), "clock")
				writeFile(t, clock, "")
				return changeTime(t, clock).After(before)
			})
			synctest.Test(t, func(t *testing.T) {
				c := filetransfer.NewClient(serve(t, "pipe", &filetransfer.Server{FS: root.FS()}).conn)
				defer c.Close()
				w := &firstWriteHook{do: func() {
					if err := test.change(path); err != nil {
						t.Error(err)
					}
					if name != "renamed" {
						setTime(t, path, modified)
					}
				}}
				if _, err := c.Get(t.Context(), "file", w); !errors.Is(err, test.want) {
					t.Errorf("the error is %v, want %v", err, test.want)
				}
			})
		})
	}
}
