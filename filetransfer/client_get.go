package filetransfer

import (
	"context"
	"crypto/sha256"
	"errors"
	"hash"
	"io"
	"os"
	"path/filepath"

	"github.com/go-rfcomm/rfcomm/internal/partfile"
)

// Get receives a file into w. What was written to w is whole and right only if
// the error is nil. If w is stuck in a Write when ctx ends, Get returns and
// leaves it there.
func (c *Client) Get(ctx context.Context, name string, w io.Writer) (Info, error) {
	return call(ctx, c, getMethod, name, func(context.Context) (Info, error) {
		return c.receive(name, &writerSink{w}, sha256.New())
	})
}

// Download receives a file to a path on this machine, with its permissions and
// time. What has come is kept beside it in a file whose name ends in ".part",
// which a later Download goes on from if the server's file has not changed. The
// path gets the file only when all of it is there and its checksum is right. If
// the path is taken, Download fails with fs.ErrExist before it asks the server,
// unless Overwrite is set; folders and symbolic links are never replaced.
func (c *Client) Download(ctx context.Context, name, path string) (Info, error) {
	dir, base := filepath.Split(path)
	if base == "" {
		return Info{}, localError(getMethod, path, publicErrorf(os.ErrInvalid, "the path must end in a file name"))
	}
	// To open a FIFO would wait for its writer: a folder has an entry ".".
	root, err := os.OpenRoot(filepath.Clean(dir) + "/.")
	if err != nil {
		return Info{}, err
	}
	defer root.Close()
	if err := partfile.Check(root, base, c.Overwrite); err != nil {
		return Info{}, err
	}
	return call(ctx, c, getMethod, name, func(ctx context.Context) (Info, error) {
		part, err := partfile.Open(root, base, c.Overwrite)
		if err != nil {
			return Info{}, err
		}
		defer part.Close()
		sum := sha256.New()
		if part.Size() > 0 {
			// Before the request, so that the server has to be told.
			err := c.wire.keepAlive(string(rune(framedMark)), func() error { return part.Hash(ctx, sum) })
			if err != nil {
				return Info{}, err
			}
		}
		return c.receive(name, &partSink{part}, sum)
	})
}

// A sink is where a file is received to.
type sink interface {
	io.Writer
	held() int64             // how much of it is there
	begin(Info, int64) error // at an offset: held or 0
	commit(Info) error
	discard()
}

// receive asks for a file, from what the sink holds on, receives it, and tells
// the server how it went. The hash has been fed with what the sink holds.
func (c *Client) receive(name string, to sink, sum hash.Hash) (Info, error) {
	offset := to.held()
	request := block{word: getMethod}.withName(name)
	answer, err := c.ask(request.withPart(offset, sum.Sum(nil)), okWord)
	if offset > 0 && errors.Is(err, ErrChanged) {
		offset = 0
		sum.Reset()
		answer, err = c.ask(request, okWord)
	}
	if err != nil {
		return Info{}, err
	}
	info, err := answer.info(name)
	if err == nil && info.Size >= 0 && info.Size < offset {
		err = malformed("the file has %d bytes, fewer than the %d that are here", info.Size, offset)
	}
	if err == nil {
		err = to.begin(info, offset)
	}
	if err != nil {
		return Info{}, c.wire.fail(err)
	}
	m := newMeter(c.Progress, name, offset, info.Size)
	defer m.end()
	left := int64(-1)
	if info.Size >= 0 {
		left = info.Size - offset
	}
	err = c.wire.receiveContent(to, left, sum, m)
	var full *sinkError
	if errors.As(err, &full) {
		return Info{}, c.wire.fail(full.err)
	}
	var reported *peerError
	if errors.As(err, &reported) || err != nil && c.wire.failure() != nil {
		return Info{}, err
	}
	if err != nil {
		to.discard() // it is not what was sent
	} else {
		info.Size = m.progress.Done
		info.SHA256 = sum.Sum(nil)
		err = c.wire.keepAlive("", func() error { return to.commit(info) })
	}
	return info, c.confirm(err)
}

// confirm tells the server how a file was received.
func (c *Client) confirm(err error) error {
	receipt := block{word: okWord}
	if err != nil {
		receipt = errorBlock(err)
	}
	// The file is there, whether the server gets to know it or not.
	c.wire.writeBlock(receipt)
	return err
}

// A writerSink receives into a Writer.
type writerSink struct{ io.Writer }

func (*writerSink) held() int64             { return 0 }
func (*writerSink) begin(Info, int64) error { return nil }
func (*writerSink) commit(Info) error       { return nil }
func (*writerSink) discard()                {}

// A partSink receives into a part file.
type partSink struct{ *partfile.File }

func (s *partSink) held() int64                         { return s.Size() }
func (s *partSink) begin(info Info, offset int64) error { return s.Begin(orDefault(info.Mode), offset) }
func (s *partSink) commit(info Info) error              { return s.Commit(info.ModTime) }
func (s *partSink) discard()                            { s.Discard() }
