package filetransfer

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

// Another program replaces a file by a FIFO after its type was checked.
func TestDirRefusesFIFOAfterCheck(t *testing.T) {
	path := t.TempDir()
	root, err := os.OpenRoot(path)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	if err := unix.Mkfifo(filepath.Join(path, "fifo"), 0o666); err != nil {
		t.Fatal(err)
	}
	opened := hosttest.InBackground(func() error {
		f, err := NewDir(root).openChecked("fifo")
		if err == nil {
			f.Close()
		}
		return err
	})
	if err := hosttest.Receive(t, opened); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("the error is %v, want that of a file that is not regular", err)
	}
}
