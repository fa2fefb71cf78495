package filetransfer

import (
	"io/fs"
	"time"
)

// Info describes a file, or a folder.
type Info struct {
	// Name is the name that was asked for; in a list, the name within the
	// folder.
	Name string

	// Size is the length in bytes, or -1 if it is unknown until the content
	// ends. It is 0 for a folder.
	Size int64

	// Mode holds the permission bits and, from a server, the type bits of
	// fs.FileMode: fs.ModeDir for a folder, fs.ModeIrregular for what is
	// neither file nor folder.
	Mode fs.FileMode

	// ModTime is the time of the last change; the zero time is unknown.
	ModTime time.Time

	// SHA256 is the checksum of the content, after it has been transferred.
	SHA256 []byte
}
