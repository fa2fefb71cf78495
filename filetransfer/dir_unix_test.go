//go:build unix

package filetransfer_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-rfcomm/rfcomm/filetransfer"
)

// A file that another transfer is storing is busy, on both sides.
func TestErrBusyWhileFileIsStored(t *testing.T) {
	uploads, here := openDir(t, t.TempDir()), openDir(t, t.TempDir())
	for _, dir := range []*filetransfer.Dir{filetransfer.NewDir(uploads), filetransfer.NewDir(here)} {
		part, err := dir.Receive("a", false)
		if err == nil {
			err = part.Begin(0o644, 0)
		}
		if err == nil {
			_, err = part.Write([]byte("some"))
		}
		if err != nil {
			t.Fatal(err)
		}
		defer part.Close()
	}
	s := serve(t, "tcp", &filetransfer.Server{FS: newDir(t, map[string]string{"a": "content"}).FS(), Uploads: filetransfer.NewDir(uploads)})
	client := filetransfer.NewClient(s.conn)
	defer client.Close()
	_, err := client.Put(t.Context(), "a", strings.NewReader("content"), filetransfer.Info{})
	wantError(t, err, filetransfer.ErrBusy)
	_, err = client.Download(t.Context(), "a", filepath.Join(here.Name(), "a"))
	wantError(t, err, filetransfer.ErrBusy)
	if _, err := client.Stat(t.Context(), "a"); err != nil {
		t.Errorf("Stat after it: %v", err)
	}
}
