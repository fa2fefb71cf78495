package filetransfer

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io/fs"
	"syscall"
	"time"
)

// endMark follows a file in the plain dialect.
const endMark = "Transfer complete"

// servePlain reads a name and sends that file.
func (s *session) servePlain(ctx context.Context) error {
	if err := s.checkStuck(); err != nil {
		return s.refuse(err)
	}
	n := &plainName{end: time.Now().Add(s.conn.idle)}
	for {
		f, info, err := s.openPlain(n)
		if err != nil {
			return fmt.Errorf("get %q: %w", n.text, s.refuse(err))
		}
		err = s.sendPlain(ctx, n, f, info)
		f.close()
		switch err {
		case nil:
			return nil
		case errNameContinues:
		default:
			return fmt.Errorf("get %q: %w", n.text, err)
		}
	}
}

// sendPlain sends a file and logs it. If the name has continued before the first
// byte, it sends nothing and returns errNameContinues.
func (s *session) sendPlain(ctx context.Context, n *plainName, f original, info Info) error {
	if s.nameContinues(n) {
		return errNameContinues
	}
	s.logBegin("sending", info.Name, info.Size, 0)
	m := newMeter(s.Progress, info.Name, 0, info.Size)
	err := s.sendPlainContent(ctx, n, f, info.Size, m)
	if err == errNameContinues {
		return err
	}
	defer s.endTransfer(m)
	if err != nil && m.progress.Done == 0 {
		return s.refuse(err) // it does not look like content
	}
	if err != nil {
		return err
	}
	what, err := s.confirmPlain(ctx)
	if err != nil {
		return err
	}
	s.logTransfer(what, info.Name, m, "dialect", "plain")
	return nil
}

// sendPlainContent sends the content of a file and the end mark.
func (s *session) sendPlainContent(ctx context.Context, n *plainName, f original, size int64, m *meter) error {
	sum := new(maphash.Hash) // the content is read again only by this process
	err := newTransfer(s.codec, nil, m).readSource(watchedReader{s, f.file}, size, ErrChanged, func(data []byte) error {
		if err := s.checkNameEnded(n, m); err != nil {
			return err
		}
		sum.Write(data)
		if _, err := s.conn.Write(data); err != nil {
			return err
		}
		m.add(len(data))
		return nil
	})
	if err == nil {
		err = f.check(ctx, s.codec, 0, m.progress.Done, sum)
	}
	if err == nil {
		err = s.checkNameEnded(n, m)
	}
	if err != nil {
		return err
	}
	_, err = s.conn.Write([]byte(endMark))
	return err
}

// checkNameEnded returns an error if the name has continued while its file was being
// sent.
func (s *session) checkNameEnded(n *plainName, m *meter) error {
	switch {
	case !s.nameContinues(n):
		return nil
	case m.progress.Done == 0:
		return errNameContinues
	default:
		return publicErrorf(fs.ErrInvalid, "the name continued during the content of %.300q", n.text)
	}
}

// confirmPlain closes the connection and returns the word for the log: the
// content was sent, if the connection confirms that, or otherwise written.
func (s *session) confirmPlain(ctx context.Context) (what string, err error) {
	confirming, ok := s.conn.conn.(interface{ Shutdown(context.Context) error })
	if !ok {
		return "written", nil
	}
	ctx, cancel := context.WithTimeout(ctx, s.conn.idle)
	defer cancel()
	err = confirming.Shutdown(ctx)
	switch {
	case err == nil:
		return "sent", nil
	case errors.Is(err, syscall.ECONNRESET):
		return "written", nil // a client may close the connection after the mark
	default:
		return "", fmt.Errorf("written, but not confirmed: %w", err)
	}
}
