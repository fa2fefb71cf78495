package filetransfer

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"hash"
	"io"
	"io/fs"
	"os"
)

// Put stores the content of r under a name on the server. It always starts at
// the beginning of the file.
//
// Put uses the Size, Mode, ModeKnown and ModTime of info. A positive Size is the
// exact number of bytes that r yields; otherwise Put reads r until io.EOF. The
// permission bits of Mode are those of the file; if they are unknown, the server
// uses its default ones. ModTime is the modification time, unless it is zero.
//
// The error is nil only if the server has the file and confirmed its checksum.
// Put then returns info with the name, the size and the checksum. If ctx ends
// while a Read of r blocks, Put returns without waiting for that Read.
func (c *Client) Put(ctx context.Context, name string, r io.Reader, info Info) (Info, error) {
	if info.Size <= 0 {
		info.Size = -1
	}
	return call(ctx, c, putMethod, name, func(_ context.Context, name string) (Info, error) {
		if _, err := c.offer(name, info, false); err != nil {
			return Info{}, err
		}
		return c.send(name, info, 0, sha256.New(), source{reader: r, size: info.Size, short: io.ErrUnexpectedEOF, exact: true})
	})
}

// Upload stores the file at path on this machine under a name on the server,
// with its permissions and modification time.
//
// If an earlier Upload or Put of that name was interrupted and the file begins
// with the bytes that the server has, Upload resumes there. The error is nil
// only if the server has the file and confirmed its checksum.
func (c *Client) Upload(ctx context.Context, path, name string) (Info, error) {
	if err := checkFile(path); err != nil {
		return Info{}, err
	}
	return call(ctx, c, putMethod, name, func(ctx context.Context, name string) (Info, error) {
		f, info, err := openFile(path)
		if err != nil {
			return Info{}, err
		}
		defer f.close()
		ready, err := c.offer(name, info, true)
		if err != nil {
			return Info{}, err
		}
		return c.upload(ctx, name, f, info, ready)
	})
}

// upload sends a file from the offset on that the server's answer allows.
func (c *Client) upload(ctx context.Context, name string, f original, info Info, ready block) (Info, error) {
	present := ready.get(presentKey) == yes
	offset, part, err := ready.part()
	if err == nil && present && offset != info.Size {
		err = malformed("%d bytes instead of %d are offered as the complete file", offset, info.Size)
	}
	sum := sha256.New()
	if err == nil && offset > 0 && offset <= info.Size {
		err = c.codec.keepAlive("", func() error { return c.codec.hashPart(ctx, sum, f.file, offset) })
	}
	if err != nil {
		return Info{}, c.conn.fail(err)
	}
	equal := offset <= info.Size && (offset == 0 || bytes.Equal(sum.Sum(nil), part))
	switch {
	case present && equal:
		return c.sendNothing(name, info, sum.Sum(nil))
	case present && ready.get(replaceKey) != yes:
		return Info{}, c.giveUp(c.errDiffers())
	case !equal:
		// The server's file or part is not the beginning of this file.
		offset = 0
		sum.Reset()
		if _, err := f.from(0); err != nil {
			return Info{}, c.conn.fail(err)
		}
	}
	return c.send(name, info, offset, sum, source{
		reader: f.file, size: info.Size - offset, short: ErrChanged,
		check: func(done int64) error { return f.check(ctx, c.codec, 0, done, sum) },
	})
}

// sendNothing tells the server that its complete file is equal to the local one.
func (c *Client) sendNothing(name string, info Info, sum []byte) (Info, error) {
	if err := c.codec.writeBlock(block{word: fromWord}.withPart(info.Size, sum)); err != nil {
		return Info{}, err
	}
	m := newMeter(c.Progress, name, info.Size, info.Size)
	defer m.end()
	receipt, err := c.codec.readAnswer()
	if err == nil {
		err = c.codec.errorOf(receipt, okWord)
	}
	if err != nil {
		return Info{}, err
	}
	return c.confirmed(name, info, receipt, sum)
}

// errDiffers returns the error for a file of the server that has other content
// and is not replaced, because Overwrite or Server.Replace is false.
func (c *Client) errDiffers() error {
	if c.Overwrite {
		return errReplacesNone
	}
	return errDiffers
}

// giveUp reports an error to the server instead of sending content, and returns
// it.
func (c *Client) giveUp(reason error) error {
	if err := c.codec.writeBlock(errorBlock(reason)); err != nil {
		return err
	}
	return reason
}

// confirmed returns the Info of a file that the server has. Its receipt must
// have the checksum.
func (c *Client) confirmed(name string, info Info, receipt block, sum []byte) (Info, error) {
	got, err := receipt.sum()
	if err == nil && !bytes.Equal(got, sum) {
		err = malformed("the server stored content with the SHA-256 %x instead of %x", got, sum)
	}
	if err != nil {
		return Info{}, c.conn.fail(err)
	}
	info.Name, info.SHA256, info.Present = name, got, receipt.get(presentKey) == yes
	return info, nil
}

// checkFile returns an error unless path is a regular file. It runs before the
// file is opened, because opening a FIFO would wait for a writer.
func checkFile(path string) error {
	stat, err := os.Stat(path)
	if err == nil {
		err = checkRegular(path, stat)
	}
	return localError("open", path, err)
}

// openFile opens a file of this machine after checkFile.
func openFile(path string) (original, Info, error) {
	f, err := os.Open(path)
	if err != nil {
		return original{}, Info{}, err
	}
	stat, err := f.Stat()
	if err == nil {
		err = checkRegular(path, stat)
	}
	if err != nil {
		f.Close()
		return original{}, Info{}, localError("open", path, err)
	}
	return newOriginal(f, stat), contentInfo(path, stat), nil
}

// localError adds the operation and the path of a file of this machine to err,
// unless err has them.
func localError(op, path string, err error) error {
	var named *fs.PathError
	if err == nil || errors.As(err, &named) {
		return err
	}
	return &fs.PathError{Op: op, Path: path, Err: err}
}

// offer sends a put request and returns the server's answer.
func (c *Client) offer(name string, info Info, resume bool) (ready block, err error) {
	request := block{word: putMethod}.withName(name).withInfo(Info{Size: info.Size, Mode: info.Mode.Perm(), ModeKnown: info.ModeKnown, ModTime: info.ModTime})
	if c.Overwrite {
		request = request.with(replaceKey, yes)
	}
	if c.MakeDirs {
		request = request.with(parentsKey, yes)
	}
	if resume {
		request = request.with(resumeKey, yes)
	}
	return c.ask(request, readyWord)
}

// send sends content from an offset on, and returns its Info if the server has
// stored it.
func (c *Client) send(name string, info Info, offset int64, sum hash.Hash, content source) (Info, error) {
	if err := c.codec.writeBlock(block{word: fromWord}.withPart(offset, sum.Sum(nil))); err != nil {
		return Info{}, err
	}
	m := newMeter(c.Progress, name, offset, info.Size)
	defer m.end()
	receipt, err := newTransfer(c.codec, sum, m).sendConfirmed(content, true)
	if err != nil {
		return Info{}, err
	}
	info.Size = m.progress.Done
	return c.confirmed(name, info, receipt, sum.Sum(nil))
}
