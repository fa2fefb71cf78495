package filetransfer

import (
	"errors"
	"io"
	"io/fs"
)

// onWorker calls f on a worker and returns its results. If the call is
// abandoned and succeeds later, undo releases its result.
func onWorker[T any](w *worker, f func() (T, error), undo func(T)) (T, error) {
	type result struct {
		value T
		err   error
	}
	held := new(result)
	err := w.do(func() error {
		held.value, held.err = f()
		return held.err
	})
	if !w.abandoned {
		return held.value, err
	}
	if undo != nil {
		w.later(func() {
			if held.err == nil {
				undo(held.value)
			}
		})
	}
	var none T
	return none, err
}

// A workerFile is an open file whose methods run on a worker.
type workerFile struct {
	file   fs.File
	worker *worker
	read   func() error // reads into buffer; kept because each closure is an allocation
	buffer []byte
	n      int // bytes read
}

func newWorkerFile(w *worker, file fs.File) *workerFile {
	f := &workerFile{file: file, worker: w}
	f.read = func() (err error) {
		f.n, err = f.file.Read(f.buffer)
		return err
	}
	return f
}

// Read reads into p. After an error that ends the session, it may still be
// reading.
func (f *workerFile) Read(p []byte) (int, error) {
	if f.worker.abandoned {
		return 0, f.worker.broken
	}
	f.buffer, f.n = p, 0
	err := f.worker.do(f.read)
	if f.worker.abandoned {
		return 0, err
	}
	return f.n, err
}

// Stat describes the open file.
func (f *workerFile) Stat() (fs.FileInfo, error) {
	return onWorker(f.worker, func() (fs.FileInfo, error) { return frozen(f.file.Stat()) }, nil)
}

// Close closes the file, at the latest after an abandoned call has returned.
func (f *workerFile) Close() error { return f.worker.release(f.file.Close) }

// Seek sets the position of the next Read, if the file supports it.
func (f *workerFile) Seek(offset int64, whence int) (int64, error) {
	seeker, ok := f.file.(io.Seeker)
	if !ok {
		return 0, errors.ErrUnsupported
	}
	return onWorker(f.worker, func() (int64, error) { return seeker.Seek(offset, whence) }, nil)
}
