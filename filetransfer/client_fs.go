package filetransfer

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"time"

	"github.com/go-rfcomm/rfcomm/internal/partfile"
)

// FS returns the files of the server as a file system. It implements
// fs.StatFS, fs.ReadDirFS and fs.ReadFileFS, and its files implement io.Seeker
// and io.ReaderAt. Several files may be open at the same time, and all methods
// may be called from several goroutines.
//
// Reading an open file requests ranges of it, so that only these are
// transferred, with some bytes more for successive reads. If the file of the
// server has changed since it was opened, the error matches ErrChanged. For a
// whole file, fs.ReadFile needs fewer requests.
//
// The names must satisfy fs.ValidPath, except that they may contain bytes that
// are not UTF-8. Symbolic links appear as their targets.
//
// All requests use ctx. As with the other methods, the connection is unusable
// after ctx has ended. If Plain is set, all methods return an error that matches
// errors.ErrUnsupported.
func (c *Client) FS(ctx context.Context) fs.FS { return &remoteFS{c, ctx} }

// A remoteFS is the FS of a client.
type remoteFS struct {
	client *Client
	ctx    context.Context
}

var (
	_ fs.StatFS     = (*remoteFS)(nil)
	_ fs.ReadDirFS  = (*remoteFS)(nil)
	_ fs.ReadFileFS = (*remoteFS)(nil)
)

// Open describes a file or directory. Its content is requested later.
func (f *remoteFS) Open(name string) (fs.File, error) {
	info, err := f.describe("open", name)
	if err != nil {
		return nil, err
	}
	if info.Mode.IsDir() {
		return &remoteDir{fs: f, name: name, info: info}, nil
	}
	return &remoteFile{fs: f, name: name, info: info}, nil
}

// Stat describes a file or directory.
func (f *remoteFS) Stat(name string) (fs.FileInfo, error) {
	info, err := f.describe("stat", name)
	if err != nil {
		return nil, err
	}
	return fileInfo{info}, nil
}

// describe returns the Info of a file or directory.
func (f *remoteFS) describe(op, name string) (Info, error) {
	if err := checkRemote(op, name); err != nil {
		return Info{}, err
	}
	info, err := f.client.Stat(f.ctx, name)
	return info, remoteError(op, name, err)
}

// ReadDir returns the entries of a directory, sorted by name.
func (f *remoteFS) ReadDir(name string) ([]fs.DirEntry, error) {
	if err := checkRemote("readdir", name); err != nil {
		return nil, err
	}
	infos, err := f.client.List(f.ctx, name)
	if err != nil {
		return nil, remoteError("readdir", name, err)
	}
	entries := make([]fs.DirEntry, len(infos))
	for i, info := range infos {
		entries[i] = fs.FileInfoToDirEntry(fileInfo{info})
	}
	return entries, nil
}

// ReadFile returns the content of a file.
func (f *remoteFS) ReadFile(name string) ([]byte, error) {
	if err := checkRemote("readfile", name); err != nil {
		return nil, err
	}
	var content appender
	if _, err := f.client.Get(f.ctx, name, &content); err != nil {
		return nil, remoteError("readfile", name, err)
	}
	return content, nil
}

// An appender is a writer to memory.
type appender []byte

func (a *appender) Write(p []byte) (int, error) {
	*a = append(*a, p...)
	return len(p), nil
}

// checkRemote returns an error unless name is a valid path.
func checkRemote(op, name string) error {
	if !partfile.ValidPath(name) {
		return &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	return nil
}

// remoteError returns the error of a method of a Client with another operation.
func remoteError(op, name string, err error) error {
	if err == nil {
		return nil
	}
	var named *fs.PathError
	if errors.As(err, &named) {
		err = named.Err
	}
	return &fs.PathError{Op: op, Path: name, Err: err}
}

// A fileInfo is an Info as an fs.FileInfo.
type fileInfo struct{ info Info }

func (f fileInfo) Name() string       { return path.Base(f.info.Name) }
func (f fileInfo) Size() int64        { return f.info.Size }
func (f fileInfo) Mode() fs.FileMode  { return f.info.Mode }
func (f fileInfo) ModTime() time.Time { return f.info.ModTime }
func (f fileInfo) IsDir() bool        { return f.info.Mode.IsDir() }
func (f fileInfo) Sys() any           { return f.info }
