package serial

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// A link is a symbolic link to the node of a Device.
type link struct {
	path    string
	claim   *claim
	current string // target, empty if the link does not exist
}

// claimLink returns a link without a target. It fails if the path is in use: by
// another process with a link, by a file, or by a link to something that exists.
func claimLink(path string) (*link, error) {
	directory, err := os.Stat(filepath.Dir(path))
	if err != nil {
		return nil, fmt.Errorf("the link %s: %w", path, err)
	}
	c, err := claimName(directory, filepath.Base(path))
	if err != nil {
		return nil, fmt.Errorf("the link %s: %w", path, err)
	}
	l := &link{path: path, claim: c}
	if err := l.vacate(); err != nil {
		c.release()
		return nil, err
	}
	return l, nil
}

// point makes the link point to a node. Programs find either the node before or
// the new one.
func (l *link) point(node string) error {
	target, err := os.Readlink(l.path)
	if err == nil && target == l.current {
		if err := replaceLink(l.path, node); err != nil {
			return err
		}
		l.current = node
		return nil
	}
	if err := l.vacate(); err != nil {
		return err
	}
	if err := os.Symlink(node, l.path); err != nil { // never replaces a file
		return err
	}
	l.current = node
	return nil
}

// replaceLink replaces a symbolic link in one step.
func replaceLink(path, target string) error {
	temporary := filepath.Join(filepath.Dir(path), fmt.Sprintf(".%s.%d", filepath.Base(path), os.Getpid()))
	os.Remove(temporary) // of a process with the same ID that was killed
	if err := os.Symlink(target, temporary); err != nil {
		return err
	}
	if err := os.Rename(temporary, path); err != nil {
		os.Remove(temporary)
		return err
	}
	return nil
}

// remove removes the link, unless another file has replaced it. The path stays
// claimed.
func (l *link) remove() {
	if target, err := os.Readlink(l.path); err == nil && target == l.current {
		os.Remove(l.path)
	}
	l.current = ""
}

// release removes the link and ends the claim.
func (l *link) release() {
	l.remove()
	l.claim.release()
}

// vacate removes a stale link from the path. Any other file is an error.
func (l *link) vacate() error {
	info, err := os.Lstat(l.path)
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Mode()&fs.ModeSymlink == 0 {
		return fmt.Errorf("the link %s: %w, and is not a symbolic link; choose another path", l.path, fs.ErrExist)
	}
	target, err := os.Readlink(l.path)
	if err != nil {
		return err
	}
	if !isNode(target) || !stale(info, target) {
		return fmt.Errorf("the link %s: %w, and points to %s, which is in use; choose another path", l.path, fs.ErrExist, target)
	}
	return os.Remove(l.path)
}

// isNode reports whether a path has the form of a Device's node.
func isNode(path string) bool {
	for _, prefix := range []string{"/dev/pts/", "/dev/rfcomm"} {
		if number, ok := strings.CutPrefix(path, prefix); ok {
			return number != "" && strings.Trim(number, "0123456789") == ""
		}
	}
	return false
}

// stale reports whether the device to which a link was made is gone. The numbers
// of devices are used again, so a device that is newer than the link is another
// one, such as a terminal window.
func stale(info fs.FileInfo, target string) bool {
	node, err := os.Stat(target)
	if err != nil {
		return os.IsNotExist(err)
	}
	return changed(node).After(info.ModTime())
}
