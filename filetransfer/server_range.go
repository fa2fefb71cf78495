package filetransfer

import (
	"context"
	"crypto/sha256"
	"io"
)

// getRange sends the bytes of a file between two offsets, or those of them that
// the file has.
func (s *session) getRange(ctx context.Context, name string, request block) error {
	offset, length, err := request.span()
	if err != nil {
		return err
	}
	f, info, err := s.open(name)
	if err != nil {
		return err
	}
	defer f.close()
	size := info.spanSize(offset, length)
	reader := io.LimitReader(f.file, 0)
	if size != 0 {
		reader, err = s.readerAt(ctx, f, name, offset)
		reader = io.LimitReader(reader, length)
	}
	if err != nil {
		return err
	}
	if err := s.codec.writeBlock(block{word: okWord}.withInfo(info)); err != nil {
		return err
	}
	sum := sha256.New()
	m := newMeter(nil, name, offset, -1)
	defer s.endTransfer(m)
	content := source{reader: watchedReader{s, reader}, size: size, short: ErrChanged}
	content.check = func(done int64) error {
		if done == offset {
			return nil
		}
		return f.check(ctx, s.codec, offset, done, sum)
	}
	if _, err := newTransfer(s.codec, sum, m).sendConfirmed(content, false); err != nil {
		return s.alreadyReported(err)
	}
	s.log.Debug("sent bytes", "name", name, "offset", offset, "bytes", m.progress.Done-offset)
	return nil
}

// readerAt returns a reader of a file that begins at an offset. If the file does
// not support seeking, its beginning is read.
func (s *session) readerAt(ctx context.Context, f original, name string, offset int64) (io.Reader, error) {
	reader, err := f.from(offset)
	if err == nil {
		return reader, nil
	}
	err = s.hashBeginning(ctx, s.newSum(f, offeredFile, name, offset), offset, f.from)
	if err == io.ErrUnexpectedEOF {
		err = nil // the file ends before the offset
	}
	return f.file, err
}

// spanSize returns the number of bytes of a file between offset and
// offset+length, or -1 if it is unknown.
func (info Info) spanSize(offset, length int64) int64 {
	if info.Size < 0 {
		return -1
	}
	return max(0, min(length, info.Size-offset))
}
