package filetransfer

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync/atomic"
	"time"
)

// Put stores what r has under a name on the server, always from the beginning.
// Of info it uses Size, which must be right, or -1 for all that r has; Mode, its
// permission bits, 0 for the usual ones; and ModTime, unless it is zero. It
// returns nil only if the server has stored the file and confirmed its checksum.
// If r is stuck in a Read when ctx ends, Put returns and leaves it there.
func (c *Client) Put(ctx context.Context, name string, r io.Reader, info Info) error {
	return c.do(ctx, putMethod, name, func(context.Context) error {
		if _, err := c.offer(name, info, false); err != nil {
			return err
		}
		return c.send(name, info, 0, source{reader: r, size: info.Size, short: io.ErrUnexpectedEOF, exact: true, sum: sha256.New()})
	})
}

// Upload stores a file of this machine under a name on the server, with its
// permissions and time, and goes on from what an earlier Upload or Put of that
// name left there, if the file begins with it. It returns nil only if the server
// has stored the file and confirmed its checksum.
func (c *Client) Upload(ctx context.Context, path, name string) error {
	if err := checkFile(path); err != nil {
		return err
	}
	return c.do(ctx, putMethod, name, func(ctx context.Context) error {
		f, info, err := openFile(path)
		if err != nil {
			return err
		}
		defer f.Close()
		ready, err := c.offer(name, info, true)
		if err != nil {
			return err
		}
		offset, part, err := ready.part()
		if err != nil {
			return c.wire.fail(err)
		}
		sum := sha256.New()
		if offset > 0 && offset <= info.Size {
			err := c.wire.keepAlive("", func() error { return hashPart(ctx, sum, f, offset, c.wire.chunk) })
			if err != nil {
				return c.wire.fail(err)
			}
		}
		if offset > info.Size || offset > 0 && !bytes.Equal(sum.Sum(nil), part) {
			// What is there is another file's.
			offset = 0
			sum.Reset()
			if _, err := f.Seek(0, io.SeekStart); err != nil {
				return c.wire.fail(err)
			}
		}
		return c.send(name, info, offset, source{reader: f, size: info.Size - offset, short: ErrChanged, sum: sum})
	})
}

// checkFile refuses what is not a file with content. Opening a FIFO would wait
// for its writer.
func checkFile(path string) error {
	stat, err := os.Stat(path)
	if err == nil {
		err = checkRegular(path, stat)
	}
	return localError("open", path, err)
}

// openFile opens a file of this machine, for whose name checkFile was called.
func openFile(path string) (*os.File, Info, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, Info{}, err
	}
	stat, err := f.Stat()
	if err == nil {
		err = checkRegular(path, stat)
	}
	if err != nil {
		f.Close()
		return nil, Info{}, localError("open", path, err)
	}
	return f, contentInfo(path, stat), nil
}

// localError returns an error of a file of this machine.
func localError(op, path string, err error) error {
	var named *fs.PathError
	if err == nil || errors.As(err, &named) {
		return err
	}
	return &fs.PathError{Op: op, Path: path, Err: err}
}

// offer asks the server to take a file.
func (c *Client) offer(name string, info Info, resume bool) (ready block, err error) {
	request := block{word: putMethod}.withName(name).withInfo(Info{Size: info.Size, Mode: info.Mode.Perm(), ModTime: info.ModTime})
	if c.Overwrite {
		request = request.with(replaceKey, yes)
	}
	if resume {
		request = request.with(resumeKey, yes)
	}
	return c.ask(request, readyWord)
}

// send sends content from an offset on, and returns how it was received.
func (c *Client) send(name string, info Info, offset int64, content source) error {
	if err := c.wire.writeBlock(block{word: fromWord}.withPart(offset, content.sum.Sum(nil))); err != nil {
		return err
	}
	m := newMeter(c.Progress, name, offset, info.Size)
	defer m.end()
	content.meter = m
	// The server answers before the end if it cannot store the content.
	if err := c.wire.forever(); err != nil {
		return c.wire.fail(err)
	}
	var answered atomic.Bool
	content.stopped = answered.Load
	watched := make(chan error, 1)
	go func() {
		_, err := c.wire.reader.Peek(1)
		answered.Store(true)
		watched <- err
	}()
	sent := c.wire.sendContent(content)
	patience := c.wire.idle
	if c.wire.failure() != nil {
		patience = min(patience, time.Second) // for the reason, if there is one
	}
	err := c.wire.within(patience)
	if peeked := <-watched; err == nil {
		err = early(peeked)
	}
	var receipt block
	if err == nil {
		receipt, err = c.wire.readAnswer()
	}
	stopped := errors.Is(sent, errStopped)
	var own *sourceError
	switch {
	case err != nil && stopped:
		return c.wire.fail(err)
	case err != nil && sent != nil:
		return c.wire.fail(sent)
	case err != nil:
		return c.wire.fail(fmt.Errorf("sent, but not confirmed: %w", err))
	case errors.As(sent, &own) && !stopped:
		return own.err
	}
	if err := c.wire.errorOf(receipt, okWord); err != nil {
		return err
	}
	if stopped {
		return c.wire.fail(malformed("the server confirms what was not sent yet"))
	}
	got, err := receipt.sum()
	if err == nil && !bytes.Equal(got, content.sum.Sum(nil)) {
		err = malformed("the server stored %x, where %x was sent", got, content.sum.Sum(nil))
	}
	if err != nil {
		return c.wire.fail(err)
	}
	return nil
}
