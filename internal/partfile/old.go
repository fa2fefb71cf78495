package partfile

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"time"
)

// RemoveOld removes the part files in root and its subdirectories that were
// last written before a time, and returns their names. It removes no part file
// that is locked, and none without the mark of this package, an extended
// attribute: other programs have files with such names as well. It does not
// follow symbolic links. When ctx ends, RemoveOld returns its error.
//
// RemoveOld continues after other errors, and returns the first of them.
func RemoveOld(ctx context.Context, root *os.Root, before time.Time) ([]string, error) {
	r := &remover{ctx: ctx, before: before}
	r.clean(root, "")
	return r.removed, r.err
}

// A remover removes the old part files of a tree.
type remover struct {
	ctx     context.Context
	before  time.Time
	removed []string
	err     error // the first one
}

// clean removes the old part files in dir and its subdirectories.
func (r *remover) clean(dir *os.Root, name string) {
	const batch = 256
	directory, err := dir.Open(".")
	if err != nil {
		r.note(err)
		return
	}
	defer directory.Close()
	for r.note(r.ctx.Err()) {
		entries, err := directory.ReadDir(batch)
		for _, entry := range entries {
			r.visit(dir, entry, path.Join(name, entry.Name()))
		}
		if err == io.EOF || !r.note(err) {
			return
		}
	}
}

// visit handles one entry of dir.
func (r *remover) visit(dir *os.Root, entry fs.DirEntry, name string) {
	switch {
	case entry.IsDir():
		// "/." makes it fail if the name has got a FIFO meanwhile.
		if sub, err := dir.OpenRoot(entry.Name() + "/."); r.note(err) {
			r.clean(sub, name)
			sub.Close()
		}
	case entry.Type().IsRegular() && isPart(entry.Name()):
		removed, err := removeOld(dir, entry.Name(), r.before)
		if r.note(err); removed {
			r.removed = append(r.removed, name)
		}
	}
}

// note records the first error, except that of a file that has been removed
// meanwhile. It reports whether err is nil.
func (r *remover) note(err error) bool {
	if r.err == nil && !errors.Is(err, fs.ErrNotExist) {
		r.err = err
	}
	return err == nil
}

// isPart reports whether base is the name of a part file.
func isPart(base string) bool { return strings.HasSuffix(base, suffix) && base != suffix }

// removeOld removes a part file of dir if it is old and not locked.
func removeOld(dir *os.Root, part string, before time.Time) (removed bool, err error) {
	info, err := dir.Lstat(part)
	if err != nil || !info.ModTime().Before(before) {
		return false, err
	}
	f := &File{dir: dir, part: part}
	err = f.findPart()
	if f.file != nil {
		defer f.closeFile()
	}
	if err == ErrBusy {
		return false, nil
	}
	if err != nil || f.file == nil {
		return false, err
	}
	if !hasMark(f.file) {
		return false, nil
	}
	// An upload may have used the file until it was locked.
	if info, err = f.file.Stat(); err != nil || !info.ModTime().Before(before) {
		return false, err
	}
	return true, f.removePart()
}
