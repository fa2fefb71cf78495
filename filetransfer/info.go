package filetransfer

import (
	"io/fs"
	"time"
)

// An Info describes a file or directory.
type Info struct {
	// Name is the requested name. In a list, it is the name within the
	// directory.
	Name string

	// Size is the length in bytes, or -1 if it is unknown before the end of the
	// content. The size of a directory is 0.
	Size int64

	// Mode holds the permission bits. If the Info is from a server, Mode also
	// has type bits: fs.ModeDir for a directory, and fs.ModeIrregular for
	// anything that is neither a regular file nor a directory.
	Mode fs.FileMode

	// ModeKnown specifies that the permission bits are known even if all of
	// them are 0, as those of a file that its owner may not read. Otherwise, a
	// Mode without permission bits means the default permissions.
	ModeKnown bool

	// ModTime is the modification time. The zero time means unknown. A time
	// before the year 0 or after 9999 is not sent.
	ModTime time.Time

	// SHA256 is the checksum of the content. It is set after a transfer.
	SHA256 []byte

	// Present is set by a transfer to a destination that already had the
	// content. Nothing was stored then.
	Present bool
}
