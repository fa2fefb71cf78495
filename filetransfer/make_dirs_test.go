package filetransfer_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-rfcomm/rfcomm/filetransfer"
)

// A flatStore is a Store that creates no directories.
type flatStore struct{ filetransfer.Store }

func TestPutCreatesDirectories(t *testing.T) {
	for name, tt := range map[string]struct {
		name   string
		make   bool
		flat   bool
		hidden bool
		want   error
	}{
		"asked":         {name: "a/b/c", make: true},
		"present":       {name: "there/c", make: true},
		"not asked":     {name: "a/b/c", want: fs.ErrNotExist},
		"not supported": {name: "a/b/c", make: true, flat: true, want: fs.ErrNotExist},
		"hidden":        {name: ".a/c", make: true, want: filetransfer.ErrRefused},
		"outside":       {name: "out/a/c", make: true, want: fs.ErrPermission},
		"below a file":  {name: "file/a/c", make: true, want: fs.ErrNotExist},
		"part":          {name: "a/b.PART/c/d", make: true, want: fs.ErrInvalid},
		"name of part":  {name: "a/b.part", make: true, want: fs.ErrInvalid},
		"in a part":     {name: "old.part/c/d", make: true},
		"deep":          {name: strings.Repeat("a/", 100) + "b", make: true},
		"too deep":      {name: strings.Repeat("a/", 101) + "b", make: true, want: fs.ErrInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			root := newDir(t, map[string]string{"there/file": "", "file": "", "old.part/file": ""})
			if err := os.Symlink(t.TempDir(), filepath.Join(root.Name(), "out")); err != nil {
				t.Skip("no symbolic links: ", err)
			}
			var store filetransfer.Store = filetransfer.NewDir(root)
			if tt.flat {
				store = flatStore{store}
			}
			c := filetransfer.NewClient(serve(t, "pipe", &filetransfer.Server{FS: offered(), Uploads: store}).conn)
			c.MakeDirs = tt.make
			_, err := c.Put(t.Context(), tt.name, strings.NewReader("content"), filetransfer.Info{})
			wantError(t, err, tt.want)
			content, err := os.ReadFile(filepath.Join(root.Name(), tt.name))
			if (string(content) == "content") != (tt.want == nil) {
				t.Errorf("the file has %q, %v", content, err)
			}
			if _, err := os.Stat(filepath.Join(root.Name(), "a")); err == nil && tt.want != nil {
				t.Error("a directory was created")
			}
		})
	}
}
