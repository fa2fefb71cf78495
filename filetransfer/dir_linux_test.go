package filetransfer_test

import (
	"errors"
	"io/fs"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm/filetransfer"
)

func TestDirDoesNotOpenFIFOsAndDevices(t *testing.T) {
	e := newSandbox(t)
	e.addIrregular()
	d := filetransfer.NewDir(e.inside)
	inTime(t, func() {
		for kind := range irregular {
			for _, name := range []string{kind, kind + "-link", kind + "-chain"} {
				if f, err := d.Open(name); err == nil {
					f.Close()
					t.Errorf("%s was opened", name)
				} else {
					wantError(t, err, fs.ErrPermission)
				}
				if stat, err := d.Stat(name); err != nil || stat.Mode().IsRegular() {
					t.Errorf("%s: %v, %v", name, stat, err)
				}
			}
		}
	})
}

// Another program replaces a file by a FIFO between the check and the open.
func TestDirOpenIsNotHeldUpByFIFO(t *testing.T) {
	root := newDir(t, map[string]string{"a.txt": "hello"})
	d := filetransfer.NewDir(root)
	file, fifo := filepath.Join(root.Name(), "a.txt"), filepath.Join(root.Name(), "fifo")
	if err := unix.Mkfifo(fifo, 0o666); err != nil {
		t.Fatal(err)
	}
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
				unix.Renameat2(unix.AT_FDCWD, file, unix.AT_FDCWD, fifo, unix.RENAME_EXCHANGE)
			}
		}
	}()
	inTime(t, func() {
		for opened := 0; opened < 10000; {
			f, err := d.Open("a.txt")
			if errors.Is(err, fs.ErrPermission) {
				continue
			}
			if err != nil {
				t.Error(err)
				return
			}
			opened++
			if stat, err := f.Stat(); err != nil || !stat.Mode().IsRegular() {
				t.Errorf("opened %v, %v", stat.Mode(), err)
			}
			f.Close()
		}
	})
	close(stop)
	<-stopped
}
