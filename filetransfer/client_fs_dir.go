package filetransfer

import (
	"io"
	"io/fs"
	"sync"
)

// A remoteDir is an open directory of a server.
type remoteDir struct {
	fs   *remoteFS
	name string
	info Info

	mu     sync.Mutex
	listed bool
	left   []fs.DirEntry // not returned yet
	closed bool
}

func (d *remoteDir) Stat() (fs.FileInfo, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return fileInfo{d.info}, d.check("stat")
}

func (d *remoteDir) Read([]byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.check("read"); err != nil {
		return 0, err
	}
	return 0, &fs.PathError{Op: "read", Path: d.name, Err: publicErrorf(fs.ErrInvalid, "is a directory")}
}

func (d *remoteDir) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	err := d.check("close")
	d.closed = true
	return err
}

// ReadDir implements fs.ReadDirFile. The first call requests the list.
func (d *remoteDir) ReadDir(n int) ([]fs.DirEntry, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	err := d.check("readdir")
	if err == nil && !d.listed {
		d.left, err = d.fs.ReadDir(d.name)
		d.listed = err == nil
	}
	switch {
	case err != nil:
		return nil, err
	case n > 0 && len(d.left) == 0:
		return nil, io.EOF
	case n <= 0 || n > len(d.left):
		n = len(d.left)
	}
	entries := d.left[:n:n]
	d.left = d.left[n:]
	return entries, nil
}

// check returns an error if the directory is closed. The caller holds d.mu.
func (d *remoteDir) check(op string) error {
	if d.closed {
		return &fs.PathError{Op: op, Path: d.name, Err: fs.ErrClosed}
	}
	return nil
}
