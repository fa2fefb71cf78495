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

// What some systems lack, or fail at. Tests replace it.
var (
	lock    = flock
	link    = (*os.Root).Link
	rename  = (*os.Root).Rename
	chtimes = (*os.Root).Chtimes
	chmod   = (*os.File).Chmod
	fsync   = (*os.File).Sync
)

// Commit puts the file into place, with its permissions and its time, unless
// that is zero, once all of it is on the disk. If it fails because the name has
// been taken since Open, or for any other reason, the part file stays, and f
// too: for another Commit, Close or Discard. Only if the error says that the
// file is in place, f is done.
func (f *File) Commit(modTime time.Time) error {
	if err := f.checkWritable(); err != nil {
		return err
	}
	if !f.hasPartName(f.file) {
		return fmt.Errorf("%s: %w: somebody has removed or replaced it", f.part, fs.ErrNotExist)
	}
	if err := check(f.dir, f.base, f.replace); err != nil {
		return receiveError(f.name, err)
	}
	directory, err := f.dir.Open(".")
	if err != nil {
		return err
	}
	defer directory.Close()
	// A zero time changes nothing. The content is worth more than its time, which
	// cannot be set in the memory of some phones, nor in the file of another user.
	if err := chtimes(f.dir, f.part, time.Time{}, modTime); err != nil && !unsupported(err) {
		return err
	}
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

// place gives the file its name. It may keep the part name.
func (f *File) place() error {
	if f.replace {
		return rename(f.dir, f.part, f.base)
	}
	// Unlike a rename, a link never replaces what has come since the check.
	switch err := link(f.dir, f.part, f.base); {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrExist):
		return errTaken
	}
	// The file system has no links, and many errors say so. After any other the
	// rename fails, too.
	if err := check(f.dir, f.base, f.replace); err != nil {
		return err
	}
	return rename(f.dir, f.part, f.base)
}

// permit takes from the owner what only a part file needs: the permissions to
// read and to write. Nobody else has more than he is to have. It comes last,
// so that the owner can continue a part file whatever happens before.
func (f *File) applyMode() error {
	info, err := f.file.Stat()
	if err != nil {
		return err
	}
	perm := info.Mode().Perm()
	if perm&^f.mode == 0 {
		return nil
	}
	// FAT has no permissions to change.
	if err := chmod(f.file, perm&f.mode); err != nil && !unsupported(err) {
		return err
	}
	return fsync(f.file)
}

// cannot reports whether err is that of a file system that cannot do what it is
// asked to, or of one that does not allow it.
func unsupported(err error) bool {
	return errors.Is(err, errors.ErrUnsupported) || errors.Is(err, fs.ErrPermission)
}

// syncFolder makes the names in a folder last. Some systems cannot do that.
func syncDirectory(directory *os.File) error {
	err := fsync(directory)
	if runtime.GOOS == "windows" || errors.Is(err, syscall.EINVAL) || errors.Is(err, errors.ErrUnsupported) {
		return nil
	}
	return err
}

// Close lets go of the file. What was written stays for a later transfer, if it
// is anything. After Commit or Discard it does nothing.
func (f *File) Close() error { return f.finish(false) }

// Discard removes the part file, that of an earlier transfer too, and lets go
// of it.
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
