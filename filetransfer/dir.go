package filetransfer

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/go-rfcomm/rfcomm/internal/partfile"
)

// A Dir is a directory for a [Server]: it is an fs.FS to offer its files, and a
// [Store] for uploads to it. Its methods may be called from several goroutines.
//
// No name and no symbolic link leads out of the directory, because all access
// goes through an os.Root. Compared with the FS method of an os.Root, Dir also
// serves files whose names are not valid UTF-8, and it opens only regular files
// and directories: to open a FIFO or a device might block or have effects. A
// Read of a file that waits for its content, such as /proc/kmsg, fails after
// 2 s with an error that matches os.ErrDeadlineExceeded.
type Dir struct{ root *os.Root }

var (
	_ fs.StatFS     = (*Dir)(nil)
	_ fs.ReadDirFS  = (*Dir)(nil)
	_ fs.ReadLinkFS = (*Dir)(nil)
	_ Store         = (*Dir)(nil)
)

// NewDir returns the Dir of a directory. The caller closes root after the last
// use of the Dir.
func NewDir(root *os.Root) *Dir { return &Dir{root} }

// checkPath returns an error unless name is a valid path.
func checkPath(op, name string) error {
	if !partfile.IsLocal(name) {
		return &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	return nil
}

// Open opens a regular file or a directory. If name is anything else, or if it
// leads out of the directory, the error matches fs.ErrPermission.
func (d *Dir) Open(name string) (fs.File, error) {
	f, err := d.open(name)
	if err != nil {
		return nil, err // without the type *os.File
	}
	if f.SetReadDeadline(time.Time{}) == nil {
		return pollableFile{f}, nil
	}
	return f, nil
}

// maxEmptyWait is the maximum time for which a Read waits for the content of a
// regular file that has none at the moment.
const maxEmptyWait = 2 * time.Second

// A pollableFile is a file whose Read may wait for another process. Even regular
// files may do so: /proc/kmsg, for example, waits for the next message of the
// kernel.
type pollableFile struct{ *os.File }

// Read reads content. After 2 s without content, the error matches
// os.ErrDeadlineExceeded.
func (f pollableFile) Read(p []byte) (int, error) {
	if err := f.SetReadDeadline(time.Now().Add(maxEmptyWait)); err != nil {
		return 0, err
	}
	return f.File.Read(p)
}

func (d *Dir) open(name string) (*os.File, error) {
	// Opening a device may have effects, so its type is checked first.
	stat, err := d.Stat(name)
	if err == nil {
		err = checkType(name, stat)
	}
	if err != nil {
		return nil, err
	}
	return d.openChecked(name)
}

// openChecked opens a file after its type was checked. It checks the type again,
// because another program may have put a FIFO there meanwhile. Thanks to
// O_NONBLOCK, it does not wait for the other end of that FIFO.
func (d *Dir) openChecked(name string) (*os.File, error) {
	f, err := d.root.OpenFile(name, os.O_RDONLY|nonBlocking, 0)
	if err != nil {
		return nil, d.inside("open", name, err)
	}
	stat, err := f.Stat()
	if err == nil {
		err = checkType(name, stat)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// checkType returns an error unless stat describes a regular file or a
// directory.
func checkType(name string, stat fs.FileInfo) error {
	if stat.IsDir() {
		return nil
	}
	if err := checkRegular(name, stat); err != nil {
		return &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return nil
}

// Stat describes a file or directory. It follows symbolic links.
func (d *Dir) Stat(name string) (fs.FileInfo, error) {
	return describeFile(d, "stat", name, d.root.Stat)
}

// Lstat describes a file, directory or symbolic link.
func (d *Dir) Lstat(name string) (fs.FileInfo, error) {
	return describeFile(d, "lstat", name, d.root.Lstat)
}

// ReadLink returns the destination of a symbolic link.
func (d *Dir) ReadLink(name string) (string, error) {
	return describeFile(d, "readlink", name, d.root.Readlink)
}

// describeFile calls a method of the root with a valid name.
func describeFile[T any](d *Dir, op, name string, f func(string) (T, error)) (T, error) {
	if err := checkPath(op, name); err != nil {
		var none T
		return none, err
	}
	result, err := f(name)
	return result, d.inside(op, name, err)
}

// ReadDir returns the entries of a directory, sorted by name.
func (d *Dir) ReadDir(name string) ([]fs.DirEntry, error) {
	f, err := d.open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	entries, err := f.ReadDir(-1)
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return entries, err
}

// inside returns err with a name relative to the directory. For a path that
// leads out of the directory, the error matches fs.ErrPermission.
func (d *Dir) inside(op, name string, err error) error {
	if err == nil {
		return nil
	}
	return &fs.PathError{Op: op, Path: name, Err: reason(err)}
}

// Receive prepares to receive a file. The content is written to a part file
// next to it, whose name ends in ".part" and which a later upload can resume.
// Names with that ending cannot be uploaded.
//
// The error matches fs.ErrInvalid if the name is invalid, fs.ErrNotExist if its
// directory is missing, fs.ErrExist if the file exists and replace is false,
// fs.ErrPermission if the name is that of something other than a regular file,
// which is never replaced, and ErrBusy if another upload is storing the file.
func (d *Dir) Receive(name string, replace bool) (Part, error) {
	f, err := openPart(d.root, name, replace)
	if err != nil {
		return nil, err // without the type *partfile.File
	}
	return f, nil
}

// MkdirAll creates a directory, and the missing ones above it. An existing
// directory is a success. The error matches fs.ErrInvalid if the name is invalid, or
// if a missing directory has a name that ends in ".part".
func (d *Dir) MkdirAll(name string) error {
	if err := checkPath("mkdir", name); err != nil {
		return err
	}
	return d.inside("mkdir", name, partfile.MkdirAll(d.root, name))
}

// openPart is partfile.Open with an error that matches ErrBusy if another transfer
// is storing the file.
func openPart(root *os.Root, name string, replace bool) (*partfile.File, error) {
	f, err := partfile.Open(root, name, replace)
	if errors.Is(err, partfile.ErrBusy) {
		err = &fs.PathError{Op: "receive", Path: name, Err: publicErrorf(ErrBusy, "%v", partfile.ErrBusy)}
	}
	return f, err
}

// Free returns the number of bytes that are free on the file system for users
// other than root. On systems other than Linux, the error matches
// errors.ErrUnsupported.
func (d *Dir) Free() (int64, error) { return partfile.Free(d.root) }

// RemoveParts removes the part files in the directory and its subdirectories
// that were last written before a time, except those that an upload is using.
// It recognizes part files by an extended attribute. On systems other than Linux,
// and on file systems without such attributes, it removes nothing.
func (d *Dir) RemoveParts(ctx context.Context, before time.Time) ([]string, error) {
	return partfile.RemoveOld(ctx, d.root, before)
}
