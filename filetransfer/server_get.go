package filetransfer

import (
	"bytes"
	"context"
	"fmt"
	"io"
)

// get sends a file. If the client has the bytes before an offset, get sends the
// rest. If the request has a length, get sends a range.
func (s *session) get(ctx context.Context, name string, request block) error {
	if err := s.admit(getMethod, name); err != nil {
		return err
	}
	if request.get(lengthKey) != "" {
		return s.getRange(ctx, name, request)
	}
	offset, part, err := request.part()
	if err != nil {
		return err
	}
	f, info, err := s.open(name)
	if err != nil {
		return err
	}
	defer f.close()
	if info.Size >= 0 && offset > info.Size {
		return publicErrorf(ErrChanged, "file has changed: it has %d bytes, fewer than the %d to go on from", info.Size, offset)
	}
	sum := s.newSum(f, offeredFile, name, offset)
	if offset > 0 {
		err := s.hashBeginning(ctx, sum, offset, f.from)
		if err != nil && err != io.ErrUnexpectedEOF {
			return err
		}
		if err != nil || !bytes.Equal(sum.Sum(nil), part) {
			return publicErrorf(ErrChanged, "file has changed: its first %d bytes are not those to go on from", offset)
		}
	}
	if err := s.codec.writeBlock(block{word: okWord}.withInfo(info)); err != nil {
		return err
	}
	present := offset > 0 && offset == info.Size
	if !present {
		s.logBegin("sending", name, info.Size, offset)
	}
	m := newMeter(s.Progress, name, offset, info.Size)
	defer s.endTransfer(m)
	_, err = newTransfer(s.codec, sum, m).sendConfirmed(source{
		reader: watchedReader{s, f.file}, size: info.Size - offset, short: ErrChanged,
		check: func(done int64) error { return f.check(ctx, s.codec, 0, done, sum) },
		whole: sum.remember,
	}, false)
	if err != nil {
		return s.alreadyReported(err)
	}
	if present && m.progress.Done == offset {
		s.logPresent("client already has", name, sum.Sum(nil))
	} else {
		s.logTransfer("sent", name, m, "sha256", fmt.Sprintf("%x", sum.Sum(nil)))
	}
	return nil
}
