package main

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
)

// toPut returns the files to send for the files and directories of the command line.
func (f *fileClient) toPut(o *putOptions, files []string) (list []transfer) {
	for _, file := range files {
		name := o.remoteName(file)
		info, err := os.Stat(file)
		switch {
		case file == "-":
			list = append(list, transfer{name: name, local: file, size: -1})
		case err == nil && info.IsDir():
			list = append(list, f.localTree(file, name)...)
		case err == nil:
			list = append(list, transfer{name: name, local: file, size: info.Size()})
		default: // put reports it
			list = append(list, transfer{name: name, local: file})
		}
	}
	return list
}

// localTree returns the files in a directory of this machine. It reports those that
// cannot be sent.
func (f *fileClient) localTree(root, name string) (list []transfer) {
	// WalkDir does not follow a link without the slash.
	filepath.WalkDir(root+string(filepath.Separator), func(local string, entry fs.DirEntry, err error) error {
		relative, notBelow := filepath.Rel(root, local)
		if err == nil {
			err = notBelow
		}
		if err != nil {
			f.t.complain(err)
			f.fail(err)
			return nil
		}
		if entry.IsDir() {
			return nil
		}
		info, err := os.Stat(local) // of a link, that of its target
		switch {
		case err != nil:
			f.t.complain(err)
			f.fail(err)
		case info.IsDir():
			f.t.warn("%s is a link to a directory: it is left out", local)
		case !info.Mode().IsRegular():
			f.t.warn("%s is not a regular file: it is left out", local)
		default:
			list = append(list, transfer{name: path.Join(name, filepath.ToSlash(relative)), local: local, size: info.Size()})
		}
		return nil
	})
	if len(list) == 0 {
		f.t.warn("%s contains no files", root)
	}
	return list
}
