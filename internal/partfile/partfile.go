// Package partfile receives a file into a part file beside its name, name.part,
// which a later transfer can continue, and puts it into place whole or not at
// all.
//
// A part file belongs to one transfer at a time, as long as all keep to this
// package: it is locked where the system has flock(2). Elsewhere only two that
// begin at the same moment notice each other.
//
// As long as the part name exists, its owner may read and write the file, so
// that it can be continued; and nobody else may who may not read or write the
// file that it becomes.
package partfile

import (
	"context"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
)

// ErrBusy is the error of a transfer to a name that another one is receiving.
var ErrBusy = errors.New("another transfer of this file is under way: wait for its end")

// A File is a file that is being received. It is for one goroutine.
type File struct {
	name       string   // in the root, for errors
	dir        *os.Root // the folder; nil after Close, Commit or Discard
	base, part string   // the names in it
	replace    bool     // whether a file that has the name already may go

	file  *os.File // the part file, held; nil if there is none
	size  int64    // what an earlier transfer left of it
	begun bool
	mode  fs.FileMode
}

// Open opens what an earlier transfer left of the file name in root, if
// anything, and takes hold of it. Nothing is created yet. It fails as [Check]
// does, with [ErrBusy] if another transfer has hold of it, and with an error
// that matches fs.ErrPermission if what has the part name is not a regular file.
func Open(root *os.Root, name string, replace bool) (*File, error) {
	dir, base, err := locate(root, name)
	if err != nil {
		return nil, receiveError(name, err)
	}
	f := &File{name: name, dir: dir, base: base, part: partName(base), replace: replace}
	// What is left of a transfer that was killed goes before the check, which
	// finds the file that it has put into place.
	if err = f.findPart(); err == nil {
		err = check(dir, base, replace)
	}
	if err != nil {
		f.release()
		return nil, receiveError(name, err)
	}
	return f, nil
}

// Size returns how many bytes of an earlier transfer there are: none any more
// after Begin at offset 0.
func (f *File) Size() int64 { return f.size }

// Hash feeds the Size bytes of an earlier transfer to h.
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
			return fmt.Errorf("%s: %w: somebody has shortened it", f.part, io.ErrUnexpectedEOF)
		}
		if err != nil {
			return err
		}
		h.Write(block) // never fails
		at += int64(len(block))
	}
	return nil
}

// Begin makes ready for Write. At offset 0 the file begins afresh, and what an
// earlier transfer left is gone; at Size it goes on where that one ended. There
// are no other offsets.
//
// The file will have the permissions of mode less the umask. One that is
// continued gets no more than it was begun with, even if mode has more: what
// the umask has taken then is not known.
func (f *File) Begin(mode fs.FileMode, offset int64) error {
	switch {
	case f.dir == nil:
		return fs.ErrClosed
	case f.begun:
		return errors.New("the file has begun already")
	case offset != 0 && offset != f.size:
		return fmt.Errorf("%w: the file can begin at byte 0, or go on at %d, but not at %d", fs.ErrInvalid, f.size, offset)
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

// Write appends to the file. If it fails, what was written before stays.
func (f *File) Write(p []byte) (int, error) {
	if err := f.checkWritable(); err != nil {
		return 0, err
	}
	return f.file.Write(p)
}

// writable says why nothing can be written or put into place.
func (f *File) checkWritable() error {
	switch {
	case f.dir == nil:
		return fs.ErrClosed
	case !f.begun:
		return errors.New("the file has not begun: call Begin first")
	}
	return nil
}
