package partfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// attempts is how often find tries. A part file that is gone again before it is
// held is a sign of another transfer that gets on.
const maxAttempts = 100

// errMoved is the error of a part file that has lost its name to another
// transfer before it was locked.
var errMoved = errors.New("the part file has been moved")

// find takes hold of the part file of an earlier transfer, if there is one.
func (f *File) findPart() error {
	for range maxAttempts {
		info, err := f.dir.Lstat(f.part)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		// To open anything else may wait, follow a link or wind a tape.
		if !info.Mode().IsRegular() {
			return fmt.Errorf("%w: %s is in the way, and not a regular file: remove it", fs.ErrPermission, f.part)
		}
		file, err := f.dir.OpenFile(f.part, os.O_RDWR, 0)
		if err == nil {
			err = f.lockPart(file)
		}
		switch {
		case err == nil:
			return f.dropPlaced()
		case err != errMoved && !errors.Is(err, fs.ErrNotExist):
			return err
		}
	}
	return ErrBusy
}

// hold locks an open part file and makes it that of f, or closes it.
func (f *File) lockPart(file *os.File) error {
	err := lock(file)
	if err == nil && !f.hasPartName(file) {
		unlock(file)
		err = errMoved
	}
	if err != nil {
		file.Close()
		return err
	}
	f.file = file
	return nil
}

// hasPartName reports whether the part name still is that of an open file.
func (f *File) hasPartName(file *os.File) bool {
	named, err := f.dir.Lstat(f.part)
	if err != nil {
		return false
	}
	opened, err := file.Stat()
	return err == nil && opened.Mode().IsRegular() && os.SameFile(named, opened)
}

// forgetPlaced looks at what f has taken hold of. If it is the file itself, a
// transfer was killed after it had put it into place and before the part name
// was removed: that is done now.
func (f *File) dropPlaced() error {
	info, err := f.file.Stat()
	if err != nil {
		return err
	}
	if final, err := f.dir.Lstat(f.base); err != nil || !os.SameFile(final, info) {
		f.size = info.Size()
		return nil
	}
	return errors.Join(f.removePart(), f.closeFile())
}

// afresh makes a new part file. Others may do the same between the steps, as
// nothing is locked then: who is late gets ErrBusy.
func (f *File) beginAnew() error {
	if f.file != nil {
		// Not truncated, as its permissions are what another umask left.
		if err := f.removePart(); err != nil {
			return err
		}
		f.closeFile() // nobody needs what was in it
	}
	// The kernel takes the umask off. To ask for it, one has to change it.
	file, err := f.dir.OpenFile(f.part, os.O_RDWR|os.O_CREATE|os.O_EXCL, f.mode|0o600)
	if errors.Is(err, fs.ErrExist) {
		return ErrBusy
	}
	if err != nil {
		return err
	}
	if err = f.lockPart(file); err == errMoved {
		return ErrBusy
	}
	return err
}

// goOn makes ready to append to the part file of an earlier transfer.
func (f *File) resume() error {
	info, err := f.file.Stat()
	if err != nil {
		return err
	}
	if info.Size() != f.size {
		return fmt.Errorf("%s: somebody has changed its size from %d to %d bytes: begin afresh", f.part, f.size, info.Size())
	}
	// What comes now may be meant for fewer eyes than what is there. Only who
	// has the file open already goes on seeing it.
	if perm := info.Mode().Perm(); perm&^(f.mode|0o600) != 0 {
		if err := chmod(f.file, perm&(f.mode|0o600)); err != nil {
			return fmt.Errorf("%s cannot be kept from other users: %w: begin afresh", f.part, err)
		}
	}
	_, err = f.file.Seek(f.size, io.SeekStart)
	return err
}

// removePart removes the part name, if it still is that of the part file.
func (f *File) removePart() error {
	if !f.hasPartName(f.file) {
		return nil
	}
	return f.dir.Remove(f.part)
}

// closeFile closes the part file. It is unlocked first, because a process that
// is being started has a copy of the descriptor for a moment, and the lock
// would last as long.
func (f *File) closeFile() error {
	unlock(f.file)
	err := f.file.Close()
	f.file, f.size = nil, 0
	return err
}

// letGo closes whatever is open.
func (f *File) release() error {
	var err error
	if f.file != nil {
		err = f.closeFile()
	}
	f.dir.Close() // never fails
	f.dir = nil
	return err
}
