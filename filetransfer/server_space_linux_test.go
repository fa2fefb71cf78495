package filetransfer_test

import (
	"errors"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm/filetransfer"
	"github.com/go-rfcomm/rfcomm/internal/partfile"
)

// Uploads that were interrupted a week ago leave nothing behind, except on file
// systems without extended attributes.
func TestPutRemovesOldPartsOfDir(t *testing.T) {
	root := newDir(t, map[string]string{"foreign.part": "hello"})
	part, err := partfile.Open(root, "own", false)
	if err == nil {
		err = part.Begin(0o644, 0)
	}
	if err == nil {
		_, err = part.Write([]byte("hello"))
	}
	if err == nil {
		err = part.Close()
	}
	for _, name := range []string{"foreign.part", "own.part"} {
		err = errors.Join(err, root.Chtimes(name, time.Time{}, time.Now().AddDate(0, 0, -8)))
	}
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"foreign.part", "new"}
	if unix.Setxattr(root.Name(), "user.test", nil, 0) != nil {
		want = append(want, "own.part")
	}
	s := startServer(t, "pipe", &filetransfer.Server{Uploads: filetransfer.NewDir(root)})
	s.putEmpty(t, "new")
	s.stop(t)
	wantFiles(t, root.Name(), want...)
}
