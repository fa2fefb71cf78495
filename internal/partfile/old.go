package partfile

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"strings"
	"time"
)

// RemoveOld removes the part files in root and its subdirectories that were
// last written before a time, and returns their names. It removes no part file
// that is locked. It does not follow symbolic links. When ctx ends, RemoveOld
// stops and returns its error.
//
// RemoveOld continues after an error with another file or directory, and
// returns the first one.
func RemoveOld(ctx context.Context, root *os.Root, before time.Time) (removed []string, err error) {
	walkErr := fs.WalkDir(root.FS(), ".", func(name string, entry fs.DirEntry, walkErr error) error {
		if ended := ctx.Err(); ended != nil {
			return ended
		}
		if walkErr == nil && entry.Type().IsRegular() && isPart(entry.Name()) {
			var gone bool
			if gone, walkErr = removeOld(root, name, before); gone {
				removed = append(removed, name)
			}
		}
		if err == nil && !errors.Is(walkErr, fs.ErrNotExist) {
			err = walkErr
		}
		return nil
	})
	return removed, errors.Join(walkErr, err)
}

// isPart reports whether base is the name of a part file.
func isPart(base string) bool { return strings.HasSuffix(base, suffix) && base != suffix }

// removeOld removes one part file if it is old and not locked.
func removeOld(root *os.Root, name string, before time.Time) (bool, error) {
	info, err := root.Lstat(name)
	if err != nil || !info.ModTime().Before(before) {
		return false, err
	}
	dir, err := root.OpenRoot(path.Dir(name) + "/.")
	if err != nil {
		return false, err
	}
	f := &File{name: name, dir: dir, part: path.Base(name)}
	defer f.release()
	if err := f.findPart(); err != nil || f.file == nil {
		if errors.Is(err, ErrBusy) {
			err = nil
		}
		return false, err
	}
	// An upload may have used the file until it was locked.
	if info, err = f.file.Stat(); err != nil || !info.ModTime().Before(before) {
		return false, err
	}
	return true, f.removePart()
}
