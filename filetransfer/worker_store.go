package filetransfer

import (
	"errors"
	"io/fs"
	"time"
)

// A workerStore is a Store whose methods run on a worker, except RemoveParts.
type workerStore struct {
	Store
	worker *worker
}

// Open opens a complete file.
func (s *workerStore) Open(name string) (fs.File, error) {
	f, err := onWorker(s.worker, func() (fs.File, error) { return s.Store.Open(name) }, func(f fs.File) { f.Close() })
	if err != nil {
		return nil, err
	}
	return newWorkerFile(s.worker, f), nil
}

// Receive prepares to receive a file.
func (s *workerStore) Receive(name string, replace bool) (Part, error) {
	return onWorker(s.worker, func() (Part, error) {
		part, err := s.Store.Receive(name, replace)
		if err != nil {
			return nil, err
		}
		return newWorkerPart(s.worker, part), nil
	}, func(part Part) { part.(*workerPart).part.Close() })
}

// MkdirAll creates a directory, if the Store can.
func (s *workerStore) MkdirAll(name string) error {
	maker, ok := s.Store.(dirMaker)
	if !ok {
		return errors.ErrUnsupported
	}
	return s.worker.do(func() error { return maker.MkdirAll(name) })
}

// Free returns the number of bytes that uploads can use.
func (s *workerStore) Free() (int64, error) { return onWorker(s.worker, s.Store.Free, nil) }

// A workerPart is a Part whose methods run on a worker.
type workerPart struct {
	part    Part
	worker  *worker
	size    int64
	modTime time.Time

	write, readAt func() error // access the buffer; kept because each closure is an allocation
	buffer        []byte
	offset        int64
	n             int // bytes read or written
}

// newWorkerPart runs on the worker.
func newWorkerPart(w *worker, part Part) *workerPart {
	p := &workerPart{part: part, worker: w, size: part.Size(), modTime: part.ModTime()}
	p.write = func() (err error) {
		p.n, err = p.part.Write(p.buffer)
		return err
	}
	p.readAt = func() (err error) {
		p.n, err = p.part.ReadAt(p.buffer, p.offset)
		return err
	}
	return p
}

// Size and ModTime return those of the bytes that an earlier upload left.
func (p *workerPart) Size() int64        { return p.size }
func (p *workerPart) ModTime() time.Time { return p.modTime }

// ReadAt reads the bytes that an earlier upload left.
func (p *workerPart) ReadAt(b []byte, offset int64) (int, error) {
	return p.transfer(p.readAt, b, offset)
}

// Write appends to the file.
func (p *workerPart) Write(b []byte) (int, error) { return p.transfer(p.write, b, 0) }

// transfer calls f, which reads into b or writes b. After an error that ends the
// session, f may still use b.
func (p *workerPart) transfer(f func() error, b []byte, offset int64) (int, error) {
	if p.worker.abandoned {
		return 0, p.worker.broken
	}
	p.buffer, p.offset, p.n = b, offset, 0
	err := p.worker.do(f)
	if p.worker.abandoned {
		return 0, err
	}
	return p.n, err
}

// Begin prepares for Write.
func (p *workerPart) Begin(mode fs.FileMode, offset int64) error {
	return p.worker.do(func() error { return p.part.Begin(mode, offset) })
}

// Commit makes the file complete.
func (p *workerPart) Commit(modTime time.Time) error {
	return p.worker.do(func() error { return p.part.Commit(modTime) })
}

// Close ends the upload and keeps its bytes.
func (p *workerPart) Close() error { return p.worker.release(p.part.Close) }

// Discard ends the upload and removes its bytes.
func (p *workerPart) Discard() error { return p.worker.release(p.part.Discard) }
