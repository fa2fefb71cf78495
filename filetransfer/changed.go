package filetransfer

import (
	"bytes"
	"context"
	"errors"
	"hash"
	"io"
	"io/fs"
	"time"
)

// An original is an open file of which the content is being sent.
type original struct {
	file   fs.File
	before fs.FileInfo // of the file when it was opened
	opened time.Time
}

func newOriginal(file fs.File, before fs.FileInfo) original {
	return original{file: file, before: before, opened: time.Now()}
}

func (o original) close() { o.file.Close() }

// from sets the position of the file and returns it as a reader. Files that do
// not support seeking are read from the beginning, and only once.
func (o original) from(offset int64) (io.Reader, error) {
	seeker, ok := o.file.(io.Seeker)
	if !ok {
		return o.file, o.unseekable(offset)
	}
	_, err := seeker.Seek(offset, io.SeekStart)
	if errors.Is(err, errors.ErrUnsupported) {
		err = o.unseekable(offset)
	}
	return o.file, err
}

func (original) unseekable(offset int64) error {
	if offset > 0 {
		return errors.ErrUnsupported
	}
	return nil
}

// timeGranularity is the longest time for which files that are written have the
// same modification time: 2 s on FAT, and 10 ms or less on other file systems.
const timeGranularity = 2 * time.Second

// errRewritten means that the content that was sent may be a mixture.
var errRewritten = publicErrorf(ErrChanged, "file has changed while it was sent")

// check returns an error that matches ErrChanged if the file has been rewritten
// since it was opened. The bytes between the offsets from and to have been
// sent, and sum contains them. If its times cannot show whether they have
// changed, check reads them once more: if the file has grown, was written just
// before it was opened, or got another name.
func (o original) check(ctx context.Context, c *codec, from, to int64, sum hash.Hash) error {
	after, err := o.file.Stat()
	if err != nil {
		return err
	}
	before, written := o.before.Size(), o.before.ModTime()
	switch {
	case after.Size() < before || after.Size() < to && before > 0:
		return errRewritten
	case after.Size() < to:
		return nil // files in /proc have content although their size is 0
	case after.Size() == before && !after.ModTime().Equal(written):
		return errRewritten
	case after.Size() == before && o.opened.Sub(written) > timeGranularity && changeTime(after).Equal(changeTime(o.before)):
		return nil
	default:
		return o.compare(ctx, c, from, to, sum)
	}
}

// compare returns an error unless the file still has the bytes that were sent.
// It cannot find out if the file does not support seeking.
func (o original) compare(ctx context.Context, c *codec, from, to int64, sum hash.Hash) error {
	if seeker, ok := o.file.(io.Seeker); !ok {
		return nil
	} else if _, err := seeker.Seek(from, io.SeekStart); err != nil {
		return nil
	}
	sent := sum.Sum(nil)
	sum.Reset()
	err := c.hashPart(ctx, sum, o.file, to-from)
	if err == io.ErrUnexpectedEOF || err == nil && !bytes.Equal(sum.Sum(nil), sent) {
		return errRewritten
	}
	return err
}
