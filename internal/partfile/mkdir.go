package partfile

import (
	"errors"
	"io/fs"
	"os"
	"strings"
)

// MkdirAll creates a directory in root, and the missing ones above it. It creates
// none with the name of a part file, which would prevent the transfer of a file. The
// error then matches fs.ErrInvalid.
func MkdirAll(root *os.Root, name string) error {
	for i, c := range name + "/" {
		if c != '/' {
			continue
		}
		directory := name[:i]
		if !isReserved(directory[strings.LastIndexByte(directory, '/')+1:]) {
			continue
		}
		if _, err := root.Stat(directory); errors.Is(err, fs.ErrNotExist) {
			return &fs.PathError{Op: "mkdir", Path: name, Err: errReserved}
		}
	}
	return root.MkdirAll(name, 0o777)
}
