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
	maxName = 255 // maximum bytes of a file name on most file systems
)

// errReserved reports that a name is that of a part file.
var errReserved = fmt.Errorf("%w: names that end in %s are reserved for incomplete files: choose another name", fs.ErrInvalid, suffix)

// isReserved reports whether a name could be that of a part file. Some file systems
// ignore case.
func isReserved(base string) bool { return strings.HasSuffix(strings.ToLower(base), suffix) }

// errTaken reports that a file exists and may not be replaced.
var errTaken = fmt.Errorf("%w: choose another name, or allow to replace it", fs.ErrExist)

// ValidPath is fs.ValidPath, except that the elements of a path may have any
// bytes but NUL: Linux does not require UTF-8 in the names of files.
func ValidPath(name string) bool {
	if name == "." {
		return true
	}
	for element := range strings.SplitSeq(name, "/") {
		if element == "" || element == "." || element == ".." {
			return false
		}
	}
	return !strings.ContainsRune(name, 0)
}

// IsLocal reports whether name is a valid path on this system. Windows, for
// example, has more special characters than Linux, such as the backslash.
func IsLocal(name string) bool {
	if filepath.Separator == '/' {
		return ValidPath(name)
	}
	_, err := filepath.Localize(name)
	return err == nil
}

// Check returns an error if the file name in root cannot be received, so that a
// caller finds out before it asks a peer for the content. The error matches
//
//   - fs.ErrInvalid if name is not a valid path of a file in root,
//   - fs.ErrNotExist if the directory is missing,
//   - fs.ErrExist if the file exists and replace is false,
//   - fs.ErrPermission if name is something that is never replaced, such as a
//     directory or a symbolic link, or if its directory is outside root.
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

// check is Check for a file in dir. It does not follow symbolic links.
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
		return fmt.Errorf("%w: the existing entry is not a regular file and is never replaced: choose another name", fs.ErrPermission)
	}
	return nil
}

// receiveError adds the name of the file to err.
func receiveError(name string, err error) error {
	return &fs.PathError{Op: "receive", Path: name, Err: err}
}

// locate opens the directory of the file name and returns the last element of
// name.
func locate(root *os.Root, name string) (dir *os.Root, base string, err error) {
	if !IsLocal(name) || name == "." {
		return nil, "", fmt.Errorf("%w: use a path within the directory, with slashes and without the elements . and .., such as a/b.txt", fs.ErrInvalid)
	}
	base = path.Base(name)
	if isReserved(base) {
		return nil, "", errReserved
	}
	// If the last element of the directory's path is a FIFO, OpenRoot would
	// wait for a writer. "/." makes it fail with ENOTDIR instead.
	dir, err = root.OpenRoot(path.Dir(name) + "/.")
	switch {
	case err == nil:
		return dir, base, nil
	case Escapes(err):
		err = fmt.Errorf("%w: %w: a symbolic link leads out of the directory", fs.ErrPermission, err)
	case errors.Is(err, syscall.ENOTDIR):
		err = fmt.Errorf("%w: %w", fs.ErrNotExist, err)
	}
	return nil, "", err
}

// partName returns the name of the part file for base. If base and the suffix
// together are too long, a checksum of base replaces its end.
func partName(base string) string {
	if len(base)+len(suffix) <= maxName {
		return base + suffix
	}
	sum := sha256.Sum256([]byte(base))
	end := "~" + hex.EncodeToString(sum[:8]) + suffix
	cut := maxName - len(end)
	// Do not cut in a rune. A name that is not UTF-8 is cut anywhere.
	for back := range utf8.UTFMax {
		if utf8.RuneStart(base[cut-back]) {
			cut -= back
			break
		}
	}
	return base[:cut] + end
}
