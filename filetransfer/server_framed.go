package filetransfer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// framedMark begins each request of the framed dialect. No file name contains
// it.
const framedMark = 0

// Methods of requests.
const (
	statMethod = "stat"
	listMethod = "list"
	getMethod  = "get"
	putMethod  = "put"
)

// serveFramed answers the requests of a client until it disconnects. The first
// byte of the first request has been received, but not read.
func (s *session) serveFramed(ctx context.Context) error {
	for {
		request, err := s.readRequest()
		if err == nil {
			err = s.answer(ctx, request)
			if broken := s.checkWorker(); broken != nil {
				s.conn.fail(broken)
			}
		} else {
			s.conn.fail(err)
			s.codec.farewell(errorBlock(err).append(nil))
		}
		if failure := s.conn.failure(); failure != nil {
			return cmp.Or(err, failure)
		}
		if err != nil {
			s.log.Warn("request failed", "request", printable(request.word), "error", err)
		}
		_, err = s.codec.awaitRequest()
		switch {
		case err == io.EOF:
			return nil
		case err == errDraining:
			s.codec.farewell(errorBlock(ErrServerClosed).append(nil))
			return nil
		case errors.Is(err, os.ErrDeadlineExceeded) && ctx.Err() == nil:
			s.codec.farewell(errorBlock(err).append(nil))
			return err
		case err != nil:
			return err
		}
	}
}

// readRequest reads a request. Its first byte has been received, but not read.
func (s *session) readRequest() (block, error) {
	if err := s.conn.within(s.conn.idle); err != nil {
		return block{}, err
	}
	if mark, err := s.codec.reader.ReadByte(); err != nil || mark != framedMark {
		return block{}, malformed("request begins with %q instead of NUL", mark)
	}
	request, err := readBlock(s.codec.reader)
	return request, early(err)
}

// answer answers a request. If it returns an error and the connection is still
// usable, the error has been reported to the client.
func (s *session) answer(ctx context.Context, request block) error {
	if request.word == waitWord {
		return nil
	}
	s.reported = false
	name, err := request.name()
	if err == nil {
		err = s.checkStuck()
	}
	if err == nil {
		switch request.word {
		case statMethod:
			err = s.stat(name)
		case listMethod:
			err = s.list(name)
		case getMethod:
			err = s.get(ctx, name, request)
		case putMethod:
			err = s.put(ctx, name, request)
		default:
			err = publicErrorf(errors.ErrUnsupported, "method %s is not supported", printable(request.word))
		}
	}
	if err == nil {
		return nil
	}
	switch {
	case s.reported:
	case s.conn.failure() == nil:
		s.codec.writeBlock(errorBlock(err))
	case errors.Is(err, ErrCorrupt): // the sender of a malformed message can still receive
		s.codec.farewell(errorBlock(err).append(nil))
	}
	return fmt.Errorf("%s %.300q: %w", printable(request.word), name, err)
}

// alreadyReported returns err, of which the client has received a report or
// which the client has caused, so that answer sends none.
func (s *session) alreadyReported(err error) error {
	s.reported = true
	return err
}

// stat answers a stat request.
func (s *session) stat(name string) error {
	info, err := s.statInfo(name)
	if err != nil {
		return err
	}
	return s.codec.writeBlock(block{word: okWord}.withInfo(info))
}

// statInfo returns the Info of a file or directory.
func (s *session) statInfo(name string) (Info, error) {
	if s.FS == nil {
		return Info{}, errNoFiles
	}
	if name != "." {
		if err := checkName(name); err != nil {
			return Info{}, err
		}
	}
	stat, err := onWorker(s.worker, func() (fs.FileInfo, error) { return s.fileInfo(name) }, nil)
	if err != nil {
		return Info{}, reason(err)
	}
	return infoOf(name, stat), nil
}
