package filetransfer

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// A localFile is the destination of a Download.
type localFile struct {
	root *os.Root
	base string
}

// isTaken reports whether err means that a regular file exists, which may be
// equal to the server's file.
func (f *localFile) isTaken(err error) bool {
	if !errors.Is(err, fs.ErrExist) {
		return false
	}
	stat, err := f.root.Lstat(f.base)
	return err == nil && stat.Mode().IsRegular()
}

// open opens the file and returns its size.
func (f *localFile) open() (*os.File, int64, error) {
	file, err := f.root.OpenFile(f.base, os.O_RDONLY|nonBlocking, 0)
	if err != nil {
		return nil, 0, err
	}
	stat, err := file.Stat()
	if err == nil {
		err = checkRegular(f.base, stat)
	}
	if err != nil {
		file.Close()
		return nil, 0, err
	}
	return file, stat.Size(), nil
}

// compareLocal compares a local file with a file of the server. If they differ,
// or if the local file cannot be read, the error matches fs.ErrExist.
func (c *Client) compareLocal(ctx context.Context, name string, local *localFile) (info Info, err error) {
	file, size, err := local.open()
	if err != nil {
		return Info{}, notCompared(err)
	}
	defer file.Close()
	to := &presentSink{comparer: comparer{file: file}, size: size}
	if c.Plain {
		info, err = c.receivePlain(name, to)
	} else {
		info, err = c.compareFramed(ctx, name, file, to)
	}
	info.Present = err == nil
	return info, err
}

// notCompared returns the error for a local file that cannot be read.
func notCompared(err error) error {
	return fmt.Errorf("%w, and cannot be compared: %w", fs.ErrExist, err)
}

// compareFramed is compareLocal for the framed dialect.
func (c *Client) compareFramed(ctx context.Context, name string, file *os.File, to *presentSink) (Info, error) {
	info, err := c.describe(name)
	if err != nil {
		return Info{}, err
	}
	if info.Mode.IsRegular() && info.Size != to.size || to.size == 0 && c.Overwrite {
		return Info{}, errDiffers
	}
	sum := sha256.New()
	err = c.hashForRequest(func() error { return c.codec.hashPart(ctx, sum, file, to.size) })
	if failure := c.conn.failure(); failure != nil {
		return Info{}, failure
	}
	if err != nil {
		return Info{}, notCompared(err)
	}
	return c.receive(name, to, sum)
}

// A presentSink is the destination of a file that may already be there. It
// compares the content after the bytes that it has, and stores nothing.
type presentSink struct {
	comparer
	size int64 // of the destination
}

func (s *presentSink) held() int64       { return s.size }
func (s *presentSink) restart() error    { return errDiffers }
func (s *presentSink) commit(Info) error { return s.end() }
func (s *presentSink) discard()          {}

func (s *presentSink) begin(info Info, _ int64) error {
	if info.Size >= 0 && info.Size != s.size {
		return ErrChanged
	}
	return nil
}
