package main

import (
	"context"
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

// maxFiles limits the files of all directories.
const maxFiles = 1_000_000

// tree returns the files to get for a name: a file, or a directory with all that it
// contains.
func (f *fileClient) tree(ctx context.Context, name, local string) ([]transfer, error) {
	client, err := f.open(ctx)
	if err != nil {
		return nil, err
	}
	info, err := client.Stat(ctx, name)
	if err != nil {
		return nil, fileError(err)
	}
	if !info.Mode.IsDir() {
		return []transfer{{name: name, local: local, size: info.Size}}, nil
	}
	var list []transfer
	err = f.addDirectory(ctx, &list, name, local, nil)
	return list, err
}

// A listing is the entries of a directory.
type listing []filetransfer.Info

// equal reports whether two listings are probably those of the same directory.
func (l listing) equal(other listing) bool {
	return slices.EqualFunc(l, other, func(a, b filetransfer.Info) bool {
		return a.Name == b.Name && a.Mode == b.Mode && a.Size == b.Size && a.ModTime.Equal(b.ModTime)
	})
}

// addDirectory adds all that a directory contains, except directories that contain
// themselves by a symbolic link. The listings are those of the directories above it.
// It continues after the error of a directory in it.
func (f *fileClient) addDirectory(ctx context.Context, list *[]transfer, name, local string, above []listing) error {
	if len(above) > maxDepth {
		return fmt.Errorf("%s: more than %d directories within each other", name, maxDepth)
	}
	f.line.announce("Listing " + name)
	entries, err := f.client.List(ctx, name)
	if err != nil {
		return fileError(err)
	}
	if slices.ContainsFunc(above, listing(entries).equal) {
		f.t.warn("%s is a link to a directory above it: it is left out", name)
		return nil
	}
	if info, err := os.Stat(local); err == nil && !info.IsDir() {
		return itemError{fmt.Errorf("%s is a file here, and a directory on the server: choose another place with -o", local)}
	}
	*list = append(*list, transfer{name: name, local: local, directory: true})
	above = append(slices.Clip(above), entries)
	for _, entry := range entries {
		if err := f.settle(f.addEntry(ctx, list, path.Join(name, entry.Name), local, entry, above), false); err != nil {
			return err
		}
	}
	return nil
}

// addEntry adds an entry of a directory.
func (f *fileClient) addEntry(ctx context.Context, list *[]transfer, name, directory string, entry filetransfer.Info, above []listing) error {
	local := filepath.Join(directory, entry.Name)
	switch {
	case !isLocalName(entry.Name):
		return itemError{fmt.Errorf("%q cannot be the name of a file here: get it with -o", name)}
	case len(*list) >= maxFiles:
		return fmt.Errorf("%s: more than %d files", name, maxFiles)
	case entry.Mode.IsDir():
		return f.addDirectory(ctx, list, name, local, above)
	case !entry.Mode.IsRegular():
		f.t.warn("%s is not a regular file: it is left out", name)
		return nil
	}
	*list = append(*list, transfer{name: name, local: local, size: entry.Size})
	return nil
}
