package filetransfer

import (
	"context"
	"io"
	"io/fs"
	"time"
)

// A Store keeps the files that clients upload. [Dir] is the Store of a
// directory.
//
// The names are those of the requests: paths with slashes that are relative and
// have no element "." or "..". They may contain any byte except NUL.
//
// The server reports errors to the client. Of the errors of package fs and of
// this package, such as fs.ErrNotExist and ErrRefused, the client's error
// matches those that the error of the Store matches. The text is sent as well,
// but not the path of an *fs.PathError.
//
// A Store may also have a method MkdirAll(name string) error, which creates a
// directory and the missing ones above it. The server calls it if a client with
// MakeDirs set uploads a file whose directory is missing.
//
// The methods may be called from several goroutines. The server limits each
// call to its IdleTimeout. After a longer one, it ends the connection, and it
// calls Close of an open file or Part when that call has returned.
type Store interface {
	// Open opens a complete file for reading, so that the server can compare it
	// with an upload of the same name. If the file does not exist, the error
	// matches fs.ErrNotExist.
	Open(name string) (fs.File, error)

	// Receive prepares to receive a file. It changes nothing: the earliest
	// change is that of Part.Begin.
	//
	// If the file exists and replace is false, the error matches fs.ErrExist.
	Receive(name string, replace bool) (Part, error)

	// Free returns the number of bytes that uploads can use. An error that
	// matches errors.ErrUnsupported means that the number is unknown.
	Free() (int64, error)

	// RemoveParts removes the parts of interrupted uploads that were last
	// written before a time, and returns their names. It spares parts that an
	// upload is using, and files of other programs. It stops when ctx ends.
	RemoveParts(ctx context.Context, before time.Time) (names []string, err error)
}

// A dirMaker is a Store that creates directories.
type dirMaker interface{ MkdirAll(name string) error }

// A Part is a file that is being received. The server calls its methods one
// after the other, and calls Close after all of them.
type Part interface {
	// Size returns the number of bytes that an earlier upload left, or 0 if
	// there are none. ModTime returns the time at which they were written.
	Size() int64
	ModTime() time.Time

	// ReadAt reads the bytes that an earlier upload left. It is called before
	// Begin.
	io.ReaderAt

	// Begin prepares for Write. At offset 0 it discards the bytes of an earlier
	// upload; the only other offset is Size. The complete file has the
	// permissions of mode, except those that this machine does not grant to new
	// files.
	Begin(mode fs.FileMode, offset int64) error

	// Write appends to the file. After a failure, a later upload can resume
	// after the bytes that were written.
	io.Writer

	// Commit makes the file complete, so that Open finds it. Its modification
	// time is modTime, or the time of the last Write if modTime is zero. A file
	// must survive a crash of this machine once Commit has returned nil. A
	// Commit that fails neither creates nor replaces the complete file.
	Commit(modTime time.Time) error

	// Close ends the upload and keeps its bytes, so that it can be resumed.
	// After Commit or Discard it does nothing.
	Close() error

	// Discard ends the upload and removes its bytes.
	Discard() error
}
