// Package partfile receives a file completely or not at all.
//
// The content is written to a part file, name.part, in the directory of the
// file. A complete part file gets its final name. A later transfer can resume
// an incomplete one.
//
// Only one transfer at a time uses a part file, provided that all transfers go
// through this package: the part file is locked with flock(2). On systems
// without flock, only transfers that begin at the same moment detect each
// other.
//
// While the part name exists, the owner can read and write the file, so that
// the transfer can be resumed. No other user gets a permission that the
// complete file does not grant.
package partfile

import (
	"context"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"time"
)

// ErrBusy means that another transfer is receiving a file of the same name.
var ErrBusy = errors.New("another transfer of this file is in progress: try again when it has ended")

// A File is a file that is being received. It must not be used by several
// goroutines at the same time.
type File struct {
	name       string   // path within the root, for errors
	dir        *os.Root // directory of the file; nil after Close, Commit or Discard
	base, part string   // final name and part name in dir
	replace    bool     // whether an existing file may be replaced

	file    *os.File  // the locked part file; nil if there is none
	size    int64     // bytes of the part file that an earlier transfer wrote
	modTime time.Time // when it last wrote
	begun   bool
	mode    fs.FileMode
}

// Open prepares to receive the file name in root. If an earlier transfer left a
// part file, Open opens and locks it. Open creates nothing.
//
// The errors of Open match those of [Check]. In addition, they match [ErrBusy]
// if another transfer has locked the part file, and fs.ErrPermission if the
// part name belongs to something other than a regular file.
func Open(root *os.Root, name string, replace bool) (*File, error) {
	dir, base, err := locate(root, name)
	if err != nil {
		return nil, receiveError(name, err)
	}
	f := &File{name: name, dir: dir, base: base, part: partName(base), replace: replace}
	// findPart must run before check. If an earlier transfer was killed after
	// the file got its final name, findPart removes the part name that is left,
	// and check then finds the complete file.
	if err = f.findPart(); err == nil {
		err = check(dir, base, replace)
	}
	if err != nil {
		f.release()
		return nil, receiveError(name, err)
	}
	return f, nil
}

// Size returns the number of bytes that an earlier transfer left in the part
// file. It is 0 after Begin at offset 0.
func (f *File) Size() int64 { return f.size }

// ModTime returns the time at which an earlier transfer last wrote to the part
// file, or the zero time if there is none.
func (f *File) ModTime() time.Time { return f.modTime }

// ReadAt reads from the bytes of an earlier transfer.
func (f *File) ReadAt(p []byte, off int64) (int, error) {
	switch {
	case f.dir == nil:
		return 0, fs.ErrClosed
	case f.file == nil:
		return 0, io.EOF
	}
	return io.NewSectionReader(f.file, 0, f.size).ReadAt(p, off)
}

// Hash writes the Size bytes of an earlier transfer to h.
func (f *File) Hash(ctx context.Context, h hash.Hash) error {
	if f.dir == nil {
		return fs.ErrClosed
	}
	buf := make([]byte, 32<<10)
	for at := int64(0); at < f.size; {
		if err := ctx.Err(); err != nil {
			return err
		}
		block := buf[:min(int64(len(buf)), f.size-at)]
		_, err := f.file.ReadAt(block, at)
		if err == io.EOF {
			return fmt.Errorf("%s: %w: another program has truncated it", f.part, io.ErrUnexpectedEOF)
		}
		if err != nil {
			return err
		}
		h.Write(block) // never fails
		at += int64(len(block))
	}
	return nil
}

// Begin prepares for Write. At offset 0 it discards the bytes of an earlier
// transfer and starts a new part file. At offset Size it resumes that transfer.
// Any other offset is an error that matches fs.ErrInvalid.
//
// The complete file has the permissions of mode minus the umask. A resumed file
// keeps only the permissions that it also had when it was begun, even if mode
// has more, because the bits that the umask removed then are unknown.
func (f *File) Begin(mode fs.FileMode, offset int64) error {
	switch {
	case f.dir == nil:
		return fs.ErrClosed
	case f.begun:
		return errors.New("Begin was called twice")
	case offset != 0 && offset != f.size:
		return fmt.Errorf("%w: offset %d: begin at 0, or resume at %d", fs.ErrInvalid, offset, f.size)
	}
	begin := f.resume
	if offset == 0 {
		begin = f.beginAnew
	}
	f.mode = mode.Perm()
	if err := begin(); err != nil {
		return receiveError(f.name, err)
	}
	f.begun = true
	return nil
}

// Write appends to the part file. After a failure, the bytes already written
// remain.
func (f *File) Write(p []byte) (int, error) {
	if err := f.checkWritable(); err != nil {
		return 0, err
	}
	return f.file.Write(p)
}

// checkWritable returns an error unless f is ready for Write and Commit.
func (f *File) checkWritable() error {
	switch {
	case f.dir == nil:
		return fs.ErrClosed
	case !f.begun:
		return errors.New("Begin was not called")
	}
	return nil
}
