package filetransfer

import "errors"

// Errors that name why a transfer failed, on either side of the connection.
// Besides these, errors match fs.ErrNotExist, fs.ErrExist, fs.ErrPermission,
// fs.ErrInvalid, io.ErrUnexpectedEOF, os.ErrDeadlineExceeded and
// errors.ErrUnsupported.
var (
	// ErrTooLarge: the file is larger than Server.MaxUpload.
	ErrTooLarge = errors.New("file is too large")

	// ErrChanged: the file changed while it was transferred, or since the part
	// of it was that is to be continued.
	ErrChanged = errors.New("file has changed")

	// ErrRefused: the server does not offer what was asked for, such as uploads.
	ErrRefused = errors.New("refused")

	// ErrCorrupt: what arrived is not what was sent.
	ErrCorrupt = errors.New("data is corrupt")

	// ErrServerClosed: the server is closing, or closed.
	ErrServerClosed = errors.New("server is closed")
)
