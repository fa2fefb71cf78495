package filetransfer

import (
	"io/fs"
	"time"
)

// A frozenInfo holds the results of the methods of an fs.FileInfo.
type frozenInfo struct {
	name    string
	size    int64
	mode    fs.FileMode
	modTime time.Time
	sys     any
}

// frozen freezes the result of a Stat. It is called on a worker, because the
// methods of an fs.FileInfo may panic or block like those of the FS.
func frozen(stat fs.FileInfo, err error) (fs.FileInfo, error) {
	if err != nil {
		return nil, err
	}
	return frozenInfo{stat.Name(), stat.Size(), stat.Mode(), stat.ModTime(), stat.Sys()}, nil
}

func (i frozenInfo) Name() string       { return i.name }
func (i frozenInfo) Size() int64        { return i.size }
func (i frozenInfo) Mode() fs.FileMode  { return i.mode }
func (i frozenInfo) ModTime() time.Time { return i.modTime }
func (i frozenInfo) IsDir() bool        { return i.mode.IsDir() }
func (i frozenInfo) Sys() any           { return i.sys }
