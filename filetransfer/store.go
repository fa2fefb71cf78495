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
// The errors should match the values of package fs, such as fs.ErrNotExist, and
// ErrRefused or ErrTooLarge of this package. Clients are told which of them
// they match. A client sees the text of an error as well, except that of an
// *fs.PathError, whose path remains on this machine.
//
// A server calls the methods of a Store from several goroutines.
type Store interface {
	// Open opens a complete file for reading, so that the server can compare it
	// with an upload. If there is no such file, the error matches
	// fs.ErrNotExist.
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

	// Commit makes the file complete: from then on, Open opens it. If modTime
	// is not zero, it is the modification time of the file. The file must
	// survive a crash of this machine once Commit has returned. If Commit
	// fails, there is no such file, or still the one from before.
	Commit(modTime time.Time) error

	// Close ends the upload and keeps what was written, so that it can be
	// resumed. After Commit or Discard it does nothing.
	Close() error

	// Discard ends the upload and removes what was written.
	Discard() error
}
