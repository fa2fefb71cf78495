package partfile

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"
	"unicode/utf8"
)

const (
	suffix  = ".part"
	maxName = 255 // bytes of a name in a folder that most file systems allow
)

// errTaken is the error of a file that is not to be replaced.
var errTaken = fmt.Errorf("%w: choose another name, or allow to replace it", fs.ErrExist)

// Check tells, before anything is asked of a peer, whether the file name in
// root can be received: whether the name is free, or may be replaced. Its
// errors match
//
//   - fs.ErrInvalid if the name is none that a file in root can have,
//   - fs.ErrNotExist if its folder is missing,
//   - fs.ErrExist if the name is taken, and replace is false,
//   - fs.ErrPermission if something has the name that is never replaced, such
//     as a folder or a symbolic link, or if its folder is not within root.
func Check(root *os.Root, name string, replace bool) error {
	dir, base, err := locate(root, name)
	if err != nil {
		return receiveError(name, err)
	}
	defer dir.Close()
	if err := check(dir, base, replace); err != nil {
		return receiveError(name, err)
	}
	return nil
}

// check is Check within the folder. It does not follow symbolic links.
func check(dir *os.Root, base string, replace bool) error {
	info, err := dir.Lstat(base)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case !replace && !info.Mode().IsRegular():
		return fmt.Errorf("%w, and is not a regular file: choose another name", fs.ErrExist)
	case !replace:
		return errTaken
	case !info.Mode().IsRegular():
		return fmt.Errorf("%w: what has this name is not a regular file, and is never replaced: choose another name", fs.ErrPermission)
	}
	return nil
}

// receiveError returns err with the name of the file.
func receiveError(name string, err error) error {
	return &fs.PathError{Op: "receive", Path: name, Err: err}
}

// locate opens the folder of a file, and returns its name there.
func locate(root *os.Root, name string) (dir *os.Root, base string, err error) {
	// Localize allows no more than fs.ValidPath, and not what is special on
	// this system, such as a backslash on Windows.
	if _, err := filepath.Localize(name); err != nil || name == "." {
		return nil, "", fmt.Errorf("%w: a file needs a path within the folder, with slashes and without the elements . and .., such as a/b.txt", fs.ErrInvalid)
	}
	base = path.Base(name)
	// In capitals, too: some file systems do not tell them apart.
	if strings.HasSuffix(strings.ToLower(base), suffix) {
		return nil, "", fmt.Errorf("%w: names that end in %s are those of files of which a part is missing: choose another name", fs.ErrInvalid, suffix)
	}
	// OpenRoot would wait for a writer if the last element was a FIFO. What
	// comes before it must be a folder.
	dir, err = root.OpenRoot(path.Dir(name) + "/.")
	switch {
	case err == nil:
		return dir, base, nil
	case escapes(root, err):
		err = fmt.Errorf("%w: %w: a symbolic link leads out of the folder", fs.ErrPermission, err)
	case errors.Is(err, syscall.ENOTDIR):
		err = fmt.Errorf("%w: %w", fs.ErrNotExist, err)
	}
	return nil, "", err
}

// escapes reports whether err is the error of os.Root for a path that leads out
// of it. Package os does not export that error, but has it for "..", too.
func escapes(root *os.Root, err error) bool {
	_, up := root.Lstat("..")
	cause := errors.Unwrap(up)
	return cause != nil && cause != fs.ErrClosed && errors.Is(err, cause)
}

// partName returns the name of the part file. If it would be too long, a
// checksum stands for the end of the name.
func partName(base string) string {
	if len(base)+len(suffix) <= maxName {
		return base + suffix
	}
	sum := sha256.Sum256([]byte(base))
	end := "~" + hex.EncodeToString(sum[:8]) + suffix
	cut := maxName - len(end)
	for !utf8.RuneStart(base[cut]) {
		cut--
	}
	return base[:cut] + end
}
