package filetransfer

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
)

// openPresent opens the complete file that has the name of a put, if it can be
// equal to the announced file.
func (s *session) openPresent(name string, info Info) (present original, ok bool) {
	f, err := s.uploads.Open(name)
	if err != nil {
		return original{}, false // for example because there is no such file
	}
	stat, err := f.Stat()
	if err != nil || !stat.Mode().IsRegular() || info.Size >= 0 && stat.Size() != info.Size {
		f.Close()
		return original{}, false
	}
	return newOriginal(f, stat), true
}

// offerPresent offers the complete file to a client that may have the same one.
// If the client has another one, it either gives up, or it sends its file to
// replace the complete one. That is possible unless part is nil.
func (s *session) offerPresent(ctx context.Context, file original, part Part, info Info) error {
	sum := s.newSum(file, uploadedFile, info.Name, info.Size)
	if err := s.hashBeginning(ctx, sum, info.Size, file.from); err != nil {
		return fmt.Errorf("reading the existing file: %w", reason(err))
	}
	ready := block{word: readyWord}.withPart(info.Size, sum.Sum(nil)).with(presentKey, yes)
	if part != nil {
		ready = ready.with(replaceKey, yes)
	}
	if err := s.codec.writeBlock(ready); err != nil {
		return err
	}
	from, kept, err := s.readFrom()
	switch {
	case err != nil:
		return err
	case from == info.Size && bytes.Equal(kept, sum.Sum(nil)):
		m := newMeter(s.Progress, info.Name, info.Size, info.Size)
		m.end()
		return s.confirmPresent(info.Name, sum.Sum(nil))
	case from != 0:
		return s.conn.fail(malformed("content begins at %d instead of 0 or %d", from, info.Size))
	case part == nil:
		return s.refuseContent(s.errTaken(errDiffers))
	}
	if err := s.checkRoom(info.Size, 0); err != nil {
		return s.refuseContent(err)
	}
	return s.putFrom(part, info, 0, sha256.New())
}

// comparePresent receives content and compares it with the complete file.
func (s *session) comparePresent(file original, info Info) error {
	if err := s.codec.writeBlock(block{word: readyWord}); err != nil {
		return err
	}
	from, _, err := s.readFrom()
	if err == nil && from != 0 {
		err = s.conn.fail(malformed("content begins at %d instead of 0", from))
	}
	if err != nil {
		return err
	}
	sum := sha256.New()
	m := newMeter(s.Progress, info.Name, 0, info.Size)
	defer s.endTransfer(m)
	compared := &comparer{file: file.file}
	err = newTransfer(s.codec, sum, m).receiveContent(compared, info.Size)
	var differs *contentError
	if errors.As(err, &differs) {
		return s.refuseContent(s.errTaken(reason(differs.err)))
	}
	if err == nil {
		err = compared.end()
	}
	if err != nil {
		return s.errTaken(reason(err))
	}
	return s.confirmPresent(info.Name, sum.Sum(nil))
}

// confirmPresent confirms a file that the server already has.
func (s *session) confirmPresent(name string, sum []byte) error {
	s.logPresent("server already has", name, sum)
	return s.codec.writeBlock(block{word: okWord}.withSum(sum).with(presentKey, yes))
}

// logPresent logs a file that one side has, so that no content was sent or stored.
func (s *session) logPresent(what, name string, sum []byte) {
	s.log.Info(what, "name", name, "sha256", fmt.Sprintf("%x", sum))
}
