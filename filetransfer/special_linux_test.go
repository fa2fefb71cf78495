package filetransfer_test

import (
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm/filetransfer"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

// irregular maps kinds of entries that are neither files nor directories to
// functions that create them. Opening the FIFO would wait for its other end.
var irregular = map[string]func(path string) error{
	"fifo": func(path string) error { return unix.Mkfifo(path, 0o666) },
	"socket": func(path string) error {
		l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
		if err != nil {
			return err
		}
		l.SetUnlinkOnClose(false)
		return l.Close()
	},
	"device": func(path string) error {
		err := unix.Mknod(path, unix.S_IFCHR|0o666, int(unix.Mkdev(1, 5))) // as /dev/zero
		if errors.Is(err, unix.EPERM) {
			err = unix.Mkfifo(path, 0o666) // only root can create devices
		}
		return err
	},
}

// addIrregular adds irregular entries, links to them, and irregular part files
// to the directory "inside".
func (e *sandbox) addIrregular() {
	e.Helper()
	e.Chdir(filepath.Join(e.path, "inside")) // a socket's path must be short
	for kind, mk := range irregular {
		for _, name := range []string{kind, kind + ".txt.part"} {
			if err := mk(name); err != nil {
				e.Fatal(err)
			}
		}
		e.link(kind, kind+"-link")
		e.link("sub/../"+kind+"-link", kind+"-chain")
	}
}

// inTime fails if f blocks.
func inTime(t *testing.T, f func()) {
	t.Helper()
	hosttest.Receive(t, hosttest.InBackground(func() error { f(); return nil }))
}

func TestServerDoesNotOpenFIFOsAndDevices(t *testing.T) {
	e := newSandbox(t)
	e.addIrregular()
	inTime(t, func() {
		for kind := range irregular {
			for _, name := range []string{kind, kind + "-link", kind + "-chain"} {
				e.wantRefusedGet(name, fs.ErrPermission)
				e.wantRefusedPut(name, fs.ErrExist, fs.ErrPermission)
				e.wantRefused(name+"/a.txt", fs.ErrNotExist)
				stat, list := e.statAndList(name)
				if stat != nil || !errors.Is(list, fs.ErrInvalid) {
					t.Errorf("%s: stat gives %v, and list %v", name, stat, list)
				}
			}
			e.wantRefusedPut(kind+".txt", fs.ErrPermission) // for its part file
		}
	})
}

func TestServerDoesNotOpenFIFOsOfSubFS(t *testing.T) {
	e := newSandbox(t)
	e.addIrregular()
	e.link("a.txt", "file-link")
	for kind, whole := range map[string]fs.FS{"directory": os.DirFS(e.path), "root": openDir(t, e.path).FS()} {
		part, err := fs.Sub(whole, "inside") // it has no Stat
		if err != nil {
			t.Fatal(err)
		}
		inTime(t, func() {
			for _, name := range []string{"fifo", "fifo-link", "fifo-chain"} {
				c := filetransfer.NewClient(serve(t, "pipe", &filetransfer.Server{FS: part}).conn)
				if _, err := c.Get(t.Context(), name, io.Discard); !errors.Is(err, fs.ErrPermission) {
					t.Errorf("%s of a %s: %v", name, kind, err)
				}
				if _, err := c.List(t.Context(), name); err == nil {
					t.Errorf("%s of a %s: it is listed", name, kind)
				}
				if info, err := c.Stat(t.Context(), name); err == nil && info.Mode&fs.ModeIrregular == 0 {
					t.Errorf("%s of a %s: stat says %+v", name, kind, info)
				}
				if list, err := c.List(t.Context(), "."); err != nil || len(list) < 10 {
					t.Errorf("the directory has %v, %v", list, err)
				}
				if _, err := c.Get(t.Context(), "a.txt", io.Discard); err != nil {
					t.Error(err)
				}
				// The type of the target is known only after opening it.
				if _, err := c.Get(t.Context(), "file-link", io.Discard); !errors.Is(err, fs.ErrPermission) {
					t.Errorf("a link to a file of a %s: %v", kind, err)
				}
				c.Close()
			}
		})
	}
}

func TestDownloadAndUploadDoNotOpenFIFOs(t *testing.T) {
	e := newSandbox(t)
	c := filetransfer.NewClient(e.serve().conn)
	defer c.Close()
	e.addIrregular()
	before := e.snapshot()
	inTime(t, func() {
		for kind := range irregular {
			for _, name := range []string{kind, kind + "-link", kind + "-chain"} {
				for _, overwrite := range []bool{false, true} {
					want := fs.ErrExist
					if overwrite {
						want = fs.ErrPermission
					}
					c.Overwrite = overwrite
					_, err := c.Download(t.Context(), "a.txt", name)
					wantError(t, err, want)
					_, err = c.Download(t.Context(), "a.txt", name+"/a.txt")
					wantError(t, err, unix.ENOTDIR)
				}
				wantError(t, doUpload(t.Context(), c, name, "new"), fs.ErrPermission)
			}
			_, err := c.Download(t.Context(), "a.txt", kind+".txt")
			wantError(t, err, fs.ErrPermission)
		}
	})
	if now := e.snapshot(); now != before {
		t.Errorf("was\n%sis\n%s", before, now)
	}
	if _, err := c.Get(t.Context(), "a.txt", io.Discard); err != nil {
		t.Errorf("the connection is unusable: %v", err)
	}
}

func TestListMarksIrregularFiles(t *testing.T) {
	e := newSandbox(t)
	e.addIrregular()
	c := filetransfer.NewClient(serve(t, "pipe", &filetransfer.Server{FS: e.inside.FS()}).conn)
	defer c.Close()
	infos, err := c.List(t.Context(), ".")
	if err != nil {
		t.Fatal(err)
	}
	for _, info := range infos {
		want := fs.ModeIrregular
		switch {
		case info.Name == "sub":
			want = fs.ModeDir
		case strings.HasSuffix(info.Name, ".txt"):
			want = 0
		}
		if info.Mode.Type() != want {
			t.Errorf("%s has mode %v, want %v", info.Name, info.Mode, want)
		}
	}
}
