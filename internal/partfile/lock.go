package partfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"
)

// maxAttempts is the maximum number of attempts of findPart. It retries if the
// part file disappears before findPart has locked it: another transfer is then
// making progress.
const maxAttempts = 100

// errMoved means that another transfer removed or renamed the part file before
// it was locked.
var errMoved = errors.New("the part file has been moved")

// findPart opens and locks the part file of an earlier transfer, if there is
// one.
func (f *File) findPart() error {
	for range maxAttempts {
		info, err := f.dir.Lstat(f.part)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		// Opening anything but a regular file may block, follow a link or
		// rewind a tape.
		if !info.Mode().IsRegular() {
			return fmt.Errorf("%w: %s is needed for the transfer, but is not a regular file: remove it", fs.ErrPermission, f.part)
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

// lockPart locks an open part file and stores it in f. If that fails, it closes
// file.
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

// hasPartName reports whether the part name still refers to the open file.
func (f *File) hasPartName(file *os.File) bool {
	named, err := f.dir.Lstat(f.part)
	if err != nil {
		return false
	}
	opened, err := file.Stat()
	return err == nil && opened.Mode().IsRegular() && os.SameFile(named, opened)
}

// dropPlaced stores the size of the part file in f. If the part file is the
// same file as the complete one, an earlier transfer was killed after it had
// linked the file to its final name and before it had removed the part name.
// Then dropPlaced removes the part name and closes the file.
func (f *File) dropPlaced() error {
	info, err := f.file.Stat()
	if err != nil {
		return err
	}
	if final, err := f.dir.Lstat(f.base); err != nil || !os.SameFile(final, info) {
		f.size, f.modTime = info.Size(), info.ModTime()
		return nil
	}
	return errors.Join(f.removePart(), f.closeFile())
}

// beginAnew creates a new part file. Between its steps nothing is locked, so
// another transfer may do the same. The later one returns ErrBusy.
func (f *File) beginAnew() error {
	if f.file != nil {
		// The old file is not truncated, because its permissions are those that
		// another umask left.
		if err := f.removePart(); err != nil {
			return err
		}
		f.closeFile() // its content is not needed
	}
	// The kernel applies the umask. This package cannot, because reading the
	// umask means to change it.
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
	if err == nil {
		setMark(file)
	}
	return err
}

// resume prepares for appending to the part file of an earlier transfer.
func (f *File) resume() error {
	info, err := f.file.Stat()
	if err != nil {
		return err
	}
	if info.Size() != f.size {
		return fmt.Errorf("%s: another program has changed its size from %d to %d bytes: begin at 0", f.part, f.size, info.Size())
	}
	// The new content may be meant for fewer users than the content so far.
	// Users that have the part file open can still read it.
	if perm := info.Mode().Perm(); perm&^(f.mode|0o600) != 0 {
		if err := chmod(f.file, perm&(f.mode|0o600)); err != nil {
			return fmt.Errorf("%s: its permissions cannot be restricted: %w: begin at 0", f.part, err)
		}
	}
	_, err = f.file.Seek(f.size, io.SeekStart)
	return err
}

// removePart removes the part name if it still refers to the part file.
func (f *File) removePart() error {
	if !f.hasPartName(f.file) {
		return nil
	}
	return f.dir.Remove(f.part)
}

// closeFile unlocks and closes the part file. Closing alone would not always
// release the lock: a child process that is starting has a copy of the
// descriptor for a moment, and the lock lasts as long as any copy.
func (f *File) closeFile() error {
	unlock(f.file)
	err := f.file.Close()
	f.file, f.size, f.modTime = nil, 0, time.Time{}
	return err
}

// release closes the part file, if it is open, and the directory.
func (f *File) release() error {
	var err error
	if f.file != nil {
		err = f.closeFile()
	}
	f.dir.Close() // never fails
	f.dir = nil
	return err
}
