package partfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"syscall"
	"time"
)

// Operations that some systems lack or fail at. Tests replace them.
var (
	lock    = flock
	link    = (*os.Root).Link
	rename  = (*os.Root).Rename
	chtimes = setModTime
	chmod   = (*os.File).Chmod
	fsync   = (*os.File).Sync
	hasMark = fileHasMark
)

// Commit syncs the part file to disk and gives it its final name, with its
// permissions and the modification time modTime. If modTime is zero, the time
// of the last Write remains.
//
// If Commit fails, for example because the name has been taken since Open, the
// part file remains, and f can be used for another Commit, Close or Discard.
// The one exception is an error after the file has got its final name; its text
// says "the file is in place", and f is closed.
func (f *File) Commit(modTime time.Time) error {
	if err := f.checkWritable(); err != nil {
		return err
	}
	if !f.hasPartName(f.file) {
		return fmt.Errorf("%s: %w: another program has removed or replaced it", f.part, fs.ErrNotExist)
	}
	if err := check(f.dir, f.base, f.replace); err != nil {
		return receiveError(f.name, err)
	}
	directory, err := f.dir.Open(".")
	if err != nil {
		return err
	}
	defer directory.Close()
	if err := f.applyTime(modTime); err != nil {
		return err
	}
	removeMark(f.file)
	if err := fsync(f.file); err != nil {
		return err
	}
	if err := f.place(); err != nil {
		return receiveError(f.name, err)
	}
	if err := errors.Join(f.removePart(), f.applyMode(), syncDirectory(directory), f.release()); err != nil {
		return receiveError(f.name, fmt.Errorf("the file is in place, but: %w", err))
	}
	return nil
}

// applyTime sets the modification time, unless it is zero. A failure is not
// worth losing the content: the memory of some phones has no settable times, and
// only the owner of a file can set its time.
func (f *File) applyTime(modTime time.Time) error {
	if modTime.IsZero() {
		return nil
	}
	if err := chtimes(f.dir, f.part, modTime); err != nil && !unsupported(err) {
		return err
	}
	return nil
}

// place gives the file its final name. The part name may remain as a second
// link.
func (f *File) place() error {
	if f.replace {
		return rename(f.dir, f.part, f.base)
	}
	// Unlike a rename, a link never replaces a file that was created after the
	// check.
	switch err := link(f.dir, f.part, f.base); {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrExist):
		return errTaken
	}
	// Most likely the file system has no links. Many different errors report
	// that. After any other error, the rename fails as well.
	if err := check(f.dir, f.base, f.replace); err != nil {
		return err
	}
	return rename(f.dir, f.part, f.base)
}

// applyMode removes the owner's permissions to read and write the file if the
// requested mode lacks them; only the part file needed them. The permissions of
// other users are already right. applyMode runs last, so that the owner can
// resume the part file whenever an earlier step fails.
func (f *File) applyMode() error {
	info, err := f.file.Stat()
	if err != nil {
		return err
	}
	perm := info.Mode().Perm()
	if perm&^f.mode == 0 {
		return nil
	}
	// FAT has no permissions that chmod could change.
	if err := chmod(f.file, perm&f.mode); err != nil && !unsupported(err) {
		return err
	}
	return fsync(f.file)
}

// unsupported reports whether err means that the file system does not support
// or does not permit the operation.
func unsupported(err error) bool {
	return errors.Is(err, errors.ErrUnsupported) || errors.Is(err, fs.ErrPermission)
}

// syncDirectory syncs the names in a directory to disk, on systems that support
// it.
func syncDirectory(directory *os.File) error {
	err := fsync(directory)
	if runtime.GOOS == "windows" || errors.Is(err, syscall.EINVAL) || errors.Is(err, errors.ErrUnsupported) {
		return nil
	}
	return err
}

// Close closes the part file and keeps it for a later transfer, unless it is
// empty. After Commit or Discard it does nothing.
func (f *File) Close() error { return f.finish(false) }

// Discard closes the part file and removes it, even if it was written by an
// earlier transfer.
func (f *File) Discard() error { return f.finish(true) }

func (f *File) finish(discard bool) error {
	if f.dir == nil {
		return nil
	}
	var err error
	if f.file != nil {
		info, statErr := f.file.Stat()
		if discard || statErr == nil && info.Size() == 0 {
			err = f.removePart()
		}
	}
	return errors.Join(err, f.release())
}
