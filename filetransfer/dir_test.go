package filetransfer_test

import (
	"os"
	"testing"
	"testing/fstest"

	"github.com/go-rfcomm/rfcomm/filetransfer"
)

func TestDirPassesTestFS(t *testing.T) {
	root := newDir(t, map[string]string{"a.txt": "hello", "sub/b.txt": "", "sub/deep/c.txt": "c"})
	if err := os.Symlink("sub/b.txt", root.Name()+"/link"); err != nil {
		t.Fatal(err)
	}
	if err := fstest.TestFS(filetransfer.NewDir(root), "a.txt", "sub/b.txt", "sub/deep/c.txt", "link"); err != nil {
		t.Error(err)
	}
}
