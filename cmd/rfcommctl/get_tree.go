package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"

	"github.com/go-rfcomm/rfcomm/filetransfer"
)

// maxDepth limits the directories within directories, which a hostile server
// could make endless.
const maxDepth = 100

// getTree gets a file, or a directory with all that it contains.
func (f *fileClient) getTree(ctx context.Context, name, local string) error {
	client, err := f.open(ctx)
	if err != nil {
		return err
	}
	info, err := client.Stat(ctx, name)
	if err != nil {
		return fileError(err)
	}
	if !info.Mode.IsDir() {
		return f.get(ctx, name, local)
	}
	return f.getDirectory(ctx, name, local, 0)
}

// getDirectory gets all that a directory contains. It continues after the error of
// a file, and returns the first one.
func (f *fileClient) getDirectory(ctx context.Context, name, local string, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("%s: more than %d directories within each other", name, maxDepth)
	}
	if err := os.Mkdir(local, 0o777); err != nil && !isDirectory(local) {
		return err
	}
	client, err := f.open(ctx)
	if err != nil {
		return err
	}
	entries, err := client.List(ctx, name)
	if err != nil {
		return fileError(err)
	}
	var first error
	for _, entry := range entries {
		err := f.getEntry(ctx, path.Join(name, entry.Name), local, entry, depth)
		f.line.finish()
		if err != nil && !isOfFile(err) {
			return err
		}
		if _, printed := errors.AsType[printedError](err); err != nil && !printed {
			f.t.complain(err)
			err = printedError{err}
		}
		if first == nil {
			first = err
		}
	}
	return first
}

// getEntry gets an entry of a directory.
func (f *fileClient) getEntry(ctx context.Context, name, directory string, entry filetransfer.Info, depth int) error {
	if !isLocalName(entry.Name) {
		return fmt.Errorf("%q cannot be the name of a file here: get it with -o", name)
	}
	local := filepath.Join(directory, entry.Name)
	switch {
	case entry.Mode.IsDir():
		return f.getDirectory(ctx, name, local, depth+1)
	case !entry.Mode.IsRegular():
		f.t.warn("%s is not a regular file: it is left out", name)
		return nil
	}
	return f.get(ctx, name, local)
}
