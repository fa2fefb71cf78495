package filetransfer

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"hash"
	"io"
	"io/fs"
	"path"
	"strings"
	"time"
)

// put stores a file. If the client wants to, put resumes an earlier put.
func (s *session) put(ctx context.Context, name string, request block) error {
	info, err := s.checkPut(name, request)
	if err != nil {
		return err
	}
	s.removeOldParts(ctx)
	part, err := s.receivePart(name, info, request.get(parentsKey) == yes)
	if err == nil {
		defer part.Close()
	} else if !errors.Is(err, fs.ErrExist) {
		return reason(err)
	}
	present, isPresent := s.openPresent(name, info)
	if isPresent {
		defer present.close()
	}
	resumes := request.get(resumeKey) == yes
	switch {
	case isPresent && resumes && info.Size > 0 && (part == nil || part.Size() == 0):
		return s.offerPresent(ctx, present, part, info)
	case isPresent && part == nil:
		return s.comparePresent(present, info)
	case part == nil:
		return s.errTaken(reason(err))
	}
	if err := s.checkRoom(info.Size, part.Size()); err != nil {
		return err
	}
	sum, offset, err := s.agreeOnPart(ctx, part, info, resumes)
	if err != nil {
		return err
	}
	return s.putFrom(part, info, offset, sum)
}

// maxParents limits the directories above an upload whose directory is created: a
// search for old parts has all directories above a file open.
const maxParents = 100

// receivePart prepares to receive a file. If its directory is missing, receivePart
// can create it.
func (s *session) receivePart(name string, info Info, parents bool) (Part, error) {
	replace := s.request.Replace && s.Replace
	part, err := s.uploads.Receive(name, replace)
	if !parents || !errors.Is(err, fs.ErrNotExist) {
		return part, err
	}
	missing := err
	if strings.Count(name, "/") > maxParents {
		return nil, publicErrorf(fs.ErrInvalid, "more than %d directories within each other", maxParents)
	}
	if err := s.checkRoom(info.Size, 0); err != nil {
		return nil, err
	}
	if err := s.uploads.MkdirAll(path.Dir(name)); errors.Is(err, errors.ErrUnsupported) {
		return nil, missing
	} else if err != nil {
		return nil, err
	}
	return s.uploads.Receive(name, replace)
}

// putFrom receives and stores a file from an offset on. The hash contains the
// bytes before it.
func (s *session) putFrom(part Part, info Info, offset int64, sum hash.Hash) error {
	if err := part.Begin(info.permissions(), offset); err != nil {
		return s.refuseContent(reason(err))
	}
	s.logBegin("receiving", info.Name, info.Size, offset)
	m := newMeter(s.Progress, info.Name, offset, info.Size)
	defer s.endTransfer(m)
	if err := s.store(part, info, offset, sum, m); err != nil {
		return err
	}
	replaced := s.isReplaced()
	if err := s.codec.keepAlive("", func() error { return part.Commit(info.ModTime) }); err != nil {
		return reason(err)
	}
	s.received(m, sum.Sum(nil), replaced)
	return s.codec.writeBlock(block{word: okWord}.withSum(sum.Sum(nil)))
}

// checkPut returns an error if the file of a put must not be stored.
func (s *session) checkPut(name string, request block) (Info, error) {
	if s.Uploads == nil {
		return Info{}, publicErrorf(ErrRefused, "this server accepts no uploads")
	}
	if err := checkName(name); err != nil {
		return Info{}, err
	}
	info, err := request.info(name)
	if err != nil {
		return info, err
	}
	if s.MaxUpload > 0 && info.Size > s.MaxUpload {
		return info, s.tooLarge(info.Size)
	}
	if s.hides(name) {
		return info, publicErrorf(ErrRefused, "this server accepts no names that begin with a dot")
	}
	return info, s.allow(Request{Method: putMethod, Name: name, Info: info, Replace: request.get(replaceKey) == yes})
}

func (s *session) tooLarge(size int64) error {
	return publicErrorf(ErrTooLarge, "file is too large: %d bytes, where %d are allowed", size, s.MaxUpload)
}

// agreeOnPart offers the part file to the client. It returns the offset at which
// the client chooses to begin, and a hash that contains the bytes before it.
func (s *session) agreeOnPart(ctx context.Context, part Part, info Info, resumes bool) (sum hash.Hash, from int64, err error) {
	sum = sha256.New()
	held := int64(0)
	if resumes && (info.Size < 0 || part.Size() <= info.Size) {
		held = part.Size()
		if sum, err = s.hashPart(ctx, part, info.Name); err != nil {
			return nil, 0, err
		}
	}
	if err := s.codec.writeBlock(block{word: readyWord}.withPart(held, sum.Sum(nil))); err != nil {
		return nil, 0, err
	}
	from, kept, err := s.readFrom()
	if err == nil && from != 0 && (from != held || !bytes.Equal(kept, sum.Sum(nil))) {
		err = s.conn.fail(malformed("content begins at %d instead of 0 or %d", from, held))
	}
	if err != nil {
		return nil, 0, err
	}
	if from == 0 {
		sum.Reset()
	}
	return sum, from, nil
}

// readFrom reads the offset from which on the client will send content, and the
// checksum of the bytes before it. The client may report an error instead.
func (s *session) readFrom() (from int64, sum []byte, err error) {
	answer, err := s.codec.readAnswer()
	if err != nil {
		return 0, nil, err
	}
	err = s.codec.errorOf(answer, fromWord)
	var reported *peerError
	if errors.As(err, &reported) {
		return 0, nil, s.alreadyReported(err)
	}
	if err == nil {
		from, sum, err = answer.part()
	}
	if err != nil {
		return 0, nil, s.conn.fail(err)
	}
	return from, sum, nil
}

// hashPart returns a hash that contains the bytes that an earlier upload left.
func (s *session) hashPart(ctx context.Context, part Part, name string) (hash.Hash, error) {
	key := contentKey{kind: uploadPart, name: name, size: part.Size(), modTime: part.ModTime().UTC()}
	sum := newSharedSum(&s.sums, key, part.Size(), key.isSettled(time.Now()))
	err := s.hashBeginning(ctx, sum, part.Size(), func(offset int64) (io.Reader, error) {
		return io.NewSectionReader(part, offset, part.Size()-offset), nil
	})
	return sum.Hash, err
}

// store receives the content from an offset on and writes it to the part file.
func (s *session) store(part Part, info Info, offset int64, sum hash.Hash, m *meter) error {
	left := int64(-1)
	if info.Size >= 0 {
		left = info.Size - offset
	}
	incoming := newTransfer(s.codec, sum, m)
	err := incoming.receiveContent(&limitedWriter{session: s, part: part, size: offset}, left)
	var sink *contentError
	if errors.As(err, &sink) {
		err = s.refuseContent(sink.err)
	}
	// Corrupt or oversized content cannot be resumed; discard it.
	if s.conn.failure() == nil && (errors.Is(err, ErrCorrupt) || errors.Is(err, ErrTooLarge)) {
		part.Discard()
	}
	return err
}

// refuseContent reports an error to the client before the content has ended,
// and then discards the content.
func (s *session) refuseContent(err error) error {
	if err := s.codec.writeBlock(errorBlock(err)); err != nil {
		return err
	}
	if s.isOver() == nil {
		s.codec.discardContent()
	}
	return s.alreadyReported(err)
}

// A limitedWriter writes to the part file, and returns an error if the file
// would exceed MaxUpload or the free space, or if the session is overdue.
type limitedWriter struct {
	*session
	part  Part
	size  int64 // bytes of the file so far
	space spaceGuard
}

func (w *limitedWriter) Write(p []byte) (int, error) {
	if size := w.size + int64(len(p)); w.MaxUpload > 0 && size > w.MaxUpload {
		return 0, w.tooLarge(size)
	}
	if err := w.overdue(); err != nil {
		return 0, err
	}
	if err := w.space.use(w.session, len(p)); err != nil {
		return 0, err
	}
	n, err := w.part.Write(p)
	w.size += int64(n)
	return n, err
}
