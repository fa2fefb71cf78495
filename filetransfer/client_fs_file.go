package filetransfer

import (
	"io"
	"io/fs"
	"sync"
)

// readAhead is the number of bytes that Read requests at least.
const readAhead = 64 << 10

// A remoteFile is an open file of a server. It holds no resources.
type remoteFile struct {
	fs   *remoteFS
	name string
	info Info // at the time of Open

	mu     sync.Mutex
	offset int64  // of the next Read
	ahead  []byte // bytes that were requested already, at that offset
	buffer []byte // memory of ahead
	closed bool
}

var (
	_ io.ReadSeeker = (*remoteFile)(nil)
	_ io.ReaderAt   = (*remoteFile)(nil)
)

func (f *remoteFile) Stat() (fs.FileInfo, error) {
	return fileInfo{f.info}, f.check("stat")
}

func (f *remoteFile) Close() error {
	err := f.check("close")
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed, f.ahead, f.buffer = true, nil, nil
	return err
}

// Read reads the next bytes.
func (f *remoteFile) Read(p []byte) (int, error) {
	if err := f.check("read"); err != nil || len(p) == 0 {
		return 0, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.ahead) == 0 {
		if f.buffer == nil {
			f.buffer = make([]byte, readAhead)
		}
		n, err := f.request("read", f.buffer, f.offset)
		if err != nil && err != io.EOF || n == 0 {
			return 0, err
		}
		f.ahead = f.buffer[:n]
	}
	n := copy(p, f.ahead)
	f.ahead = f.ahead[n:]
	f.offset += int64(n)
	return n, nil
}

// ReadAt reads the bytes at an offset.
func (f *remoteFile) ReadAt(p []byte, offset int64) (int, error) {
	err := f.check("read")
	if err == nil && offset < 0 {
		err = f.invalid("read", "negative offset")
	}
	if err != nil || len(p) == 0 {
		return 0, err
	}
	return f.request("read", p, offset)
}

// Seek sets the offset of the next Read.
func (f *remoteFile) Seek(offset int64, whence int) (int64, error) {
	if err := f.check("seek"); err != nil {
		return 0, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	switch whence {
	case io.SeekStart:
	case io.SeekCurrent:
		offset += f.offset
	case io.SeekEnd:
		offset += f.info.Size
	default:
		return 0, f.invalid("seek", "invalid whence")
	}
	if offset < 0 {
		return 0, f.invalid("seek", "negative offset")
	}
	if skip := offset - f.offset; skip >= 0 && skip <= int64(len(f.ahead)) {
		f.ahead = f.ahead[skip:]
	} else {
		f.ahead = nil
	}
	f.offset = offset
	return offset, nil
}

// request fills p with the bytes at an offset. It returns io.EOF if the file
// ends before.
func (f *remoteFile) request(op string, p []byte, offset int64) (int, error) {
	// Some files have content although their size is 0, such as those in /proc.
	if f.info.Size > 0 && offset >= f.info.Size {
		return 0, io.EOF
	}
	n, info, err := f.fs.client.getRange(f.fs.ctx, f.name, p, offset)
	if err == nil && f.isChanged(info) {
		err = ErrChanged
	}
	switch {
	case err != nil:
		return 0, remoteError(op, f.name, err)
	case n < len(p):
		return n, io.EOF
	default:
		return n, nil
	}
}

// isChanged reports whether an Info of a later time shows that the file has
// changed. Its size is unknown if it is 0.
func (f *remoteFile) isChanged(now Info) bool {
	return !now.ModTime.Equal(f.info.ModTime) || max(now.Size, 0) != f.info.Size
}

// check returns an error if the file is closed.
func (f *remoteFile) check(op string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return &fs.PathError{Op: op, Path: f.name, Err: fs.ErrClosed}
	}
	return nil
}

// invalid returns the error for an invalid argument.
func (f *remoteFile) invalid(op, text string) error {
	return &fs.PathError{Op: op, Path: f.name, Err: publicErrorf(fs.ErrInvalid, "%s", text)}
}
