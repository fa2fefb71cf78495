package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"

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
	return f.getDirectory(ctx, name, local, nil)
}

// A listing is the entries of a directory.
type listing []filetransfer.Info

// equal reports whether two listings are probably those of the same directory.
func (l listing) equal(other listing) bool {
	return slices.EqualFunc(l, other, func(a, b filetransfer.Info) bool {
		return a.Name == b.Name && a.Mode == b.Mode && a.Size == b.Size && a.ModTime.Equal(b.ModTime)
	})
}

// getDirectory gets all that a directory contains, except directories that contain
// themselves by a symbolic link. The listings are those of the directories above it.
// It continues after the error of a file, and returns the first one.
func (f *fileClient) getDirectory(ctx context.Context, name, local string, above []listing) error {
	if len(above) > maxDepth {
		return fmt.Errorf("%s: more than %d directories within each other", name, maxDepth)
	}
	client, err := f.open(ctx)
	if err != nil {
		return err
	}
	entries, err := client.List(ctx, name)
	if err != nil {
		return fileError(err)
	}
	if slices.ContainsFunc(above, listing(entries).equal) {
		f.t.warn("%s is a link to a directory above it: it is left out", name)
		return nil
	}
	if err := os.Mkdir(local, 0o777); err != nil && !isDirectory(local) {
		return err
	}
	above = append(slices.Clip(above), entries)
	var first error
	for _, entry := range entries {
		err := f.getEntry(ctx, path.Join(name, entry.Name), local, entry, above)
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
func (f *fileClient) getEntry(ctx context.Context, name, directory string, entry filetransfer.Info, above []listing) error {
	if !isLocalName(entry.Name) {
		return fmt.Errorf("%q cannot be the name of a file here: get it with -o", name)
	}
	local := filepath.Join(directory, entry.Name)
	switch {
	case entry.Mode.IsDir():
		return f.getDirectory(ctx, name, local, above)
	case !entry.Mode.IsRegular():
		f.t.warn("%s is not a regular file: it is left out", name)
		return nil
	}
	return f.get(ctx, name, local)
}
