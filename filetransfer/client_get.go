package filetransfer

import (
	"context"
	"crypto/sha256"
	"errors"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/go-rfcomm/rfcomm/internal/partfile"
)

// Get receives a file and writes it to w. The content written to w is complete
// and correct only if the error is nil.
//
// If Plain is set, the content may have been cut even then: a file that contains
// the words of the end mark is cut there by a pause of 2 s, because the dialect
// cannot distinguish such a pause from the end of the file. If the stream ends
// without the mark, the error matches io.ErrUnexpectedEOF, and the bytes
// received until then have been written to w.
//
// If ctx ends while a Write of w blocks, Get returns without waiting for that
// Write.
func (c *Client) Get(ctx context.Context, name string, w io.Writer) (Info, error) {
	return call(ctx, c, getMethod, name, func(_ context.Context, name string) (Info, error) {
		if c.Plain {
			return c.receivePlain(name, &writerSink{w})
		}
		return c.receive(name, &writerSink{w}, sha256.New())
	})
}

// Download receives a file and stores it at path on this machine, with its
// permissions and modification time.
//
// The content is first written to a part file in the same directory, whose name
// ends in ".part". The file appears at path only when it is complete and its
// checksum is correct. If a Download is interrupted, a later one resumes it,
// provided that the server's file has not changed. If Plain is set, Download
// always starts at the beginning, and sets neither permissions nor modification
// time.
//
// If path exists and is equal to the server's file, Download succeeds without a
// transfer of the content and sets Info.Present; the permissions and the
// modification time remain. If the files differ and Overwrite is false, the error
// matches fs.ErrExist. If Plain is set, the content is received in order to
// compare it, up to the first difference, and it is stored without a comparison
// if Overwrite is true.
//
// Anything but a regular file is never replaced. Then, Download returns an error
// before it sends a request.
func (c *Client) Download(ctx context.Context, name, path string) (Info, error) {
	dir, base := filepath.Split(path)
	if base == "" {
		return Info{}, localError(getMethod, path, publicErrorf(os.ErrInvalid, "the path must end in a file name"))
	}
	// If the path is that of a FIFO, OpenRoot would wait for a writer. "/."
	// makes it fail instead, because only a directory has an entry ".".
	root, err := os.OpenRoot(filepath.Clean(dir) + "/.")
	if err != nil {
		return Info{}, err
	}
	defer root.Close()
	local := &localFile{root, base}
	if err := partfile.Check(root, base, c.Overwrite); err != nil && !local.isTaken(err) {
		return Info{}, err
	}
	return call(ctx, c, getMethod, name, func(ctx context.Context, name string) (Info, error) {
		part, err := openPart(root, base, c.Overwrite)
		switch {
		case err == nil:
			defer part.Close()
			return c.download(ctx, name, local, part)
		case local.isTaken(err):
			return c.compareLocal(ctx, name, local)
		default:
			return Info{}, err
		}
	})
}

// download receives a file and stores it as a local file, unless that has the
// content already.
func (c *Client) download(ctx context.Context, name string, local *localFile, part *partfile.File) (Info, error) {
	if c.Plain {
		return c.receivePlain(name, &partSink{part})
	}
	sum := sha256.New()
	if part.Size() > 0 {
		err := c.hashForRequest(func() error { return part.Hash(ctx, sum) })
		if err != nil {
			return Info{}, err
		}
	} else if c.Overwrite {
		info, err := c.compareLocal(ctx, name, local)
		if !errors.Is(err, fs.ErrExist) {
			return info, err
		}
	}
	return c.receive(name, &partSink{part}, sum)
}

// hashForRequest calls hash before a request. The server waits for the request,
// so the wait blocks begin like requests.
func (c *Client) hashForRequest(hash func() error) error {
	return c.codec.keepAlive(string(rune(framedMark)), hash)
}

// A sink is the destination of a received file.
type sink interface {
	io.Writer
	held() int64             // bytes that it already has
	restart() error          // called if the server's file begins with other bytes
	begin(Info, int64) error // at an offset, either held or 0
	commit(Info) error
	discard()
}

// receive requests a file, writes its content to the sink, and reports the
// result to the server. If the sink holds bytes of an earlier transfer, receive
// resumes there; the hash must already contain them.
func (c *Client) receive(name string, to sink, sum hash.Hash) (Info, error) {
	offset := to.held()
	request := block{word: getMethod}.withName(name)
	answer, err := c.ask(request.withPart(offset, sum.Sum(nil)), okWord)
	if offset > 0 && errors.Is(err, ErrChanged) {
		if err := to.restart(); err != nil {
			return Info{}, err
		}
		offset = 0
		sum.Reset()
		answer, err = c.ask(request, okWord)
	}
	if err != nil {
		return Info{}, err
	}
	info, err := answer.info(name)
	if err == nil && info.Size >= 0 && info.Size < offset {
		err = malformed("the file has %d bytes, fewer than the %d already received", info.Size, offset)
	}
	if err == nil {
		err = to.begin(info, offset)
	}
	if err != nil {
		return Info{}, c.conn.fail(err)
	}
	m := newMeter(c.Progress, name, offset, info.Size)
	defer m.end()
	left := int64(-1)
	if info.Size >= 0 {
		left = info.Size - offset
	}
	err = newTransfer(c.codec, sum, m).receiveContent(to, left)
	var full *contentError
	if errors.As(err, &full) {
		c.codec.lastWord(errorBlock(full.err))
		return Info{}, c.conn.fail(full.err)
	}
	if errors.Is(err, os.ErrDeadlineExceeded) && c.conn.failure() != nil {
		c.codec.lastWord(errorBlock(err))
	}
	var reported *peerError
	if errors.As(err, &reported) || err != nil && c.conn.failure() != nil {
		return Info{}, err
	}
	if err != nil {
		to.discard() // corrupt content cannot be resumed
	} else {
		info.Size = m.progress.Done
		info.SHA256 = sum.Sum(nil)
		err = c.codec.keepAlive("", func() error { return to.commit(info) })
	}
	return info, c.confirm(err)
}

// confirm reports to the server whether a file was received.
func (c *Client) confirm(err error) error {
	receipt := block{word: okWord}
	if err != nil {
		receipt = errorBlock(err)
	}
	// A failure to send the receipt is not an error of Get or Download: the
	// file is complete.
	c.codec.writeBlock(receipt)
	return err
}

// A writerSink writes the content to an io.Writer.
type writerSink struct{ io.Writer }

func (*writerSink) held() int64             { return 0 }
func (*writerSink) restart() error          { return nil }
func (*writerSink) begin(Info, int64) error { return nil }
func (*writerSink) commit(Info) error       { return nil }
func (*writerSink) discard()                {}

// A partSink writes the content to a part file.
type partSink struct{ *partfile.File }

func (s *partSink) held() int64                         { return s.Size() }
func (s *partSink) restart() error                      { return nil }
func (s *partSink) begin(info Info, offset int64) error { return s.Begin(info.permissions(), offset) }
func (s *partSink) commit(info Info) error              { return s.Commit(info.ModTime) }
func (s *partSink) discard()                            { s.Discard() }
