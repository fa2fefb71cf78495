package filetransfer_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-rfcomm/rfcomm/filetransfer"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

// contents returns files of all kinds.
func contents() map[string]string {
	return map[string]string{
		"empty":                           "",
		"one":                             "x",
		"notes.txt":                       "hello, world",
		"mark.txt":                        "Transfer complete",
		"marks.txt":                       strings.Repeat("Transfer complete, not. ", 10_000),
		"error.txt":                       "Error: file does not exist",
		"large.bin":                       random(3<<20 + 5),
		"chunk.bin":                       random(32 << 10),
		"größe – ☃.txt":                   "UTF-8",
		"with space %2F?#&.txt":           "escaped",
		"quote\"back\\slash":              "quoted",
		strings.Repeat("n", 251) + ".txt": "255 bytes",
		strings.Repeat("ü", 127) + "x":    "255 bytes in UTF-8",
		"sub/directory/deep.txt":          "deep",
	}
}

func TestGet(t *testing.T) {
	for network := range networks {
		t.Run(network, func(t *testing.T) {
			hosttest.LeavesNothingBehind(t, func() {
				files := contents()
				root := newDir(t, files)
				s := serve(t, network, &filetransfer.Server{FS: root.FS()})
				c := filetransfer.NewClient(s.conn)
				for name, content := range files {
					var got bytes.Buffer
					info, err := c.Get(t.Context(), name, &got)
					if err != nil {
						t.Fatal(err)
					}
					if got.String() != content {
						t.Errorf("%q: got %d bytes that are not the %d of the file", name, got.Len(), len(content))
					}
					wantSum(t, info, content)
				}
				if err := c.Close(); err != nil {
					t.Error(err)
				}
				if err := hosttest.Receive(t, s.err); err != nil {
					t.Errorf("ServeConn: %v", err)
				}
				root.Close()
			})
		})
	}
}

func TestClientPlain(t *testing.T) {
	for network := range networks {
		t.Run(network, func(t *testing.T) {
			files := contents()
			root := newDir(t, files)
			for name, content := range files {
				hosttest.LeavesNothingBehind(t, func() {
					s := serve(t, network, &filetransfer.Server{FS: root.FS()})
					var got bytes.Buffer
					conn := s.conn
					if name != "notes.txt" {
						conn = lineEnd{conn} // without it, each name takes a while
					}
					n, err := fetch(t.Context(), conn, name, &got)
					if err != nil {
						t.Fatal(err)
					}
					if got.String() != content || n != int64(len(content)) {
						t.Errorf("%q: got %d bytes that are not the %d of the file", name, got.Len(), len(content))
					}
					s.conn.Close()
					if err := hosttest.Receive(t, s.err); err != nil {
						t.Errorf("ServeConn: %v", err)
					}
				})
			}
		})
	}
}

func TestPutAndUpload(t *testing.T) {
	for network := range networks {
		t.Run(network, func(t *testing.T) {
			hosttest.LeavesNothingBehind(t, func() {
				files := contents()
				source := newDir(t, files)
				uploads := newDir(t, map[string]string{"sub/directory/.keep": ""})
				s := serve(t, network, &filetransfer.Server{Uploads: filetransfer.NewDir(uploads), Replace: true})
				c := filetransfer.NewClient(s.conn)
				for name, content := range files {
					if err := doUpload(t.Context(), c, filepath.Join(source.Name(), name), name); err != nil {
						t.Fatal(err)
					}
					if got := readFile(t, filepath.Join(uploads.Name(), name)); got != content {
						t.Errorf("%q: got %d bytes that are not the %d of the file", name, len(got), len(content))
					}
					if err := os.Remove(filepath.Join(uploads.Name(), name)); err != nil {
						t.Fatal(err)
					}
					for _, size := range []int64{-1, int64(len(content))} {
						c.Overwrite = true
						err := doPut(t.Context(), c, name, strings.NewReader(content), filetransfer.Info{Size: size})
						if err != nil {
							t.Fatal(err)
						}
						if got := readFile(t, filepath.Join(uploads.Name(), name)); got != content {
							t.Errorf("%q: got %d bytes that are not the %d of the file", name, len(got), len(content))
						}
					}
				}
				c.Close()
				if err := hosttest.Receive(t, s.err); err != nil {
					t.Errorf("ServeConn: %v", err)
				}
				source.Close()
				uploads.Close()
			})
		})
	}
}
