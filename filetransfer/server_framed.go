package filetransfer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
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
		request, err := s.nextRequest()
		if err == nil {
			err = s.answer(ctx, request)
			if over := s.isOver(); over != nil {
				s.conn.fail(over)
			}
		}
		if failure := s.conn.failure(); failure != nil {
			return cmp.Or(err, failure)
		}
		if err != nil {
			s.logFailure(request, err)
		}
		if err := s.overdue(); err != nil {
			return s.refuse(err)
		}
		if request.word != waitWord {
			s.rested = time.Now()
		}
		if _, err = s.awaitRequest(); err != nil {
			return s.endBetweenRequests(err)
		}
	}
}

// maxLogged is the maximum number of failed requests of a session that are
// logged one by one.
const maxLogged = 10

// logFailure logs a failed request, or only counts it.
func (s *session) logFailure(request block, err error) {
	if s.failures.Add(1) <= maxLogged {
		s.log.Warn("request failed", "request", printable(request.word), "error", err)
	}
}

// logEnd logs the end of a session and the number of failed requests that were
// not logged.
func (s *session) logEnd(err error) {
	if more := s.failures.Load() - maxLogged; more > 0 {
		s.log.Warn("further requests failed", "count", more)
	}
	if err != nil {
		s.log.Warn("client dropped", "error", err)
	} else {
		s.log.Info("client left")
	}
}

// nextRequest returns the request that was read before the client's turn, or
// reads one.
func (s *session) nextRequest() (block, error) {
	if s.first == nil {
		return s.readRequest()
	}
	first := *s.first
	s.first = nil
	return first, nil
}

// readRequest reads a request. Its first byte has been received, but not read.
// After an error, the connection is unusable, and the error was reported to the
// client.
func (s *session) readRequest() (request block, err error) {
	s.conn.within(s.conn.idle)
	if mark, markErr := s.codec.reader.ReadByte(); markErr != nil || mark != framedMark {
		err = malformed("request begins with %q instead of NUL", mark)
	} else {
		request, err = readBlock(s.codec.reader)
	}
	if err != nil {
		err = s.conn.fail(early(err))
		s.codec.farewell(errorBlock(err).append(nil))
	}
	return request, err
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
	case s.conn.failure() != nil && errors.Is(err, errCrowded):
		s.codec.farewell(errorBlock(err).append(nil))
	case s.reported:
	case s.conn.failure() == nil:
		s.codec.writeBlock(errorBlock(err))
	case errors.Is(err, ErrCorrupt) || errors.Is(err, os.ErrDeadlineExceeded):
		// The sender of a malformed message, or of nothing, can still receive.
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
	if err := s.admit(statMethod, name); err != nil {
		return err
	}
	info, err := s.statInfo(name)
	if err != nil {
		return err
	}
	return s.codec.writeBlock(block{word: okWord}.withInfo(info))
}

// statInfo returns the Info of a file or directory.
func (s *session) statInfo(name string) (Info, error) {
	stat, err := onWorker(s.worker, func() (fs.FileInfo, error) { return s.fileInfo(name) }, nil)
	if err != nil {
		return Info{}, reason(err)
	}
	return infoOf(name, stat), nil
}
