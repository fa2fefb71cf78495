package filetransfer

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"os"
	"time"
)

const (
	// endMark follows a file in the plain dialect.
	endMark = "Transfer complete"

	// maxPlainName is the maximum number of bytes of a name in the plain
	// dialect.
	maxPlainName = 2048

	// nameSilence is the time without another byte after which a name is
	// complete. Long names may arrive in several frames.
	nameSilence = 200 * time.Millisecond
)

// servePlain reads a name and sends that file.
func (s *session) servePlain(ctx context.Context) error {
	name, err := s.readPlainName()
	if err == nil {
		err = s.checkStuck()
	}
	if err != nil {
		return s.refuse(err)
	}
	f, info, err := s.open(name)
	if err != nil {
		return fmt.Errorf("get %q: %w", name, s.refuse(err))
	}
	defer f.close()
	m := newMeter(s.Progress, name, 0, info.Size)
	defer s.endTransfer(m)
	if err := s.sendPlain(ctx, f, info.Size, m); err != nil {
		return fmt.Errorf("get %q: %w", name, err)
	}
	s.logTransfer("sent", name, m, "dialect", "plain")
	return nil
}

// readPlainName reads a name, up to a line end, 2,048 bytes or a silence.
func (s *session) readPlainName() (string, error) {
	end := time.Now().Add(s.conn.idle)
	silence := min(nameSilence, s.conn.idle/2)
	var name []byte
	for len(name) < maxPlainName {
		left := time.Until(end)
		if err := s.conn.within(min(silence, left)); err != nil {
			return "", err
		}
		b, err := s.codec.reader.ReadByte()
		silent := errors.Is(err, os.ErrDeadlineExceeded)
		if silent && left < silence {
			return "", publicErrorf(os.ErrDeadlineExceeded, "the name was not whole within %v", s.conn.idle)
		}
		if err == io.EOF || silent || err == nil && (b == '\r' || b == '\n') {
			break
		}
		if err != nil {
			return "", s.conn.fail(err)
		}
		name = append(name, b)
	}
	return string(name), nil
}

// sendPlain sends the content of a file and the end mark.
func (s *session) sendPlain(ctx context.Context, f original, size int64, m *meter) error {
	sum := new(maphash.Hash) // the content is read again only by this process
	err := newTransfer(s.codec, nil, m).readSource(watchedReader{s, f.file}, size, ErrChanged, func(data []byte) error {
		sum.Write(data)
		if _, err := s.conn.Write(data); err != nil {
			return err
		}
		m.add(len(data))
		return nil
	})
	if err == nil {
		err = f.check(ctx, 0, m.progress.Done, sum, s.codec.chunk)
	}
	if err != nil {
		return err
	}
	_, err = s.conn.Write([]byte(endMark))
	return err
}
