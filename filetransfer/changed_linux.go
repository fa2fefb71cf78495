package filetransfer

import (
	"io/fs"
	"syscall"
	"time"
)

// changeTime returns the time of the last change of a file's inode, which
// programs cannot set. It is the zero time if it is unknown.
func changeTime(stat fs.FileInfo) time.Time {
	if inode, ok := stat.Sys().(*syscall.Stat_t); ok {
		return time.Unix(inode.Ctim.Unix())
	}
	return time.Time{}
}
