package filetransfer

import "errors"

// These errors are the reasons for which a transfer fails, on both sides of the
// connection. Other reasons match fs.ErrNotExist, fs.ErrExist,
// fs.ErrPermission, fs.ErrInvalid, io.ErrUnexpectedEOF, os.ErrDeadlineExceeded
// or errors.ErrUnsupported.
var (
	// ErrTooLarge means that the file is larger than Server.MaxUpload, or that
	// a list has too many entries.
	ErrTooLarge = errors.New("file is too large")

	// ErrChanged means that the file changed during the transfer, or that it
	// changed since the interrupted transfer that was to be resumed.
	ErrChanged = errors.New("file has changed")

	// ErrRefused means that the server does not offer the requested operation,
	// such as uploads.
	ErrRefused = errors.New("refused")

	// ErrCorrupt means that the received data differs from the data that was
	// sent, or that a message is malformed.
	ErrCorrupt = errors.New("data is corrupt")

	// ErrBusy means that the server is busy with other clients, or with earlier
	// work for this one, or that another transfer is storing the same file. A
	// later attempt may succeed.
	ErrBusy = errors.New("server is busy")

	// ErrServerClosed means that the server is closing or closed.
	ErrServerClosed = errors.New("server is closed")
)
