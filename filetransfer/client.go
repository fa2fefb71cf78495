package filetransfer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path"
	"sort"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A Client asks a Server for files, and gives it some, in the framed dialect,
// over one connection. Its methods may be called from several goroutines; one
// waits for the other. The connection must support deadlines.
//
// Each method returns as soon as its context ends. The connection is of no
// further use then, nor after an error of the connection itself: later calls
// fail with that error. Errors that the server reports leave it usable.
//
// Errors are *fs.PathError. Those of the server match what package fs and this
// package call them, such as fs.ErrNotExist and ErrRefused.
type Client struct {
	// Overwrite lets Download, Put and Upload replace a file that is there.
	Overwrite bool

	// IdleTimeout is how long the server may be silent, or take nothing. It
	// bounds the wait for the server's prompt, too, which comes only after
	// clients that came before have left. 0: 30 s.
	IdleTimeout time.Duration

	// Progress, if not nil, is called in the course of a transfer, at most ten
	// times a second, and once at its end, whether it succeeds or not.
	Progress func(Progress)

	link     *link
	turn     chan struct{} // holds a token while a call goes on
	prompted bool          // whether the prompt was read
	answered bool          // whether the server has ever answered
}

// NewClient returns a client over a connection to a server, which it owns from
// now on.
func NewClient(c net.Conn) *Client {
	return &Client{link: newLink(c, serverPeer, 0), turn: make(chan struct{}, 1)}
}

// Stat tells about a file or a folder. "." is the server's whole folder.
func (c *Client) Stat(ctx context.Context, name string) (info Info, err error) {
	err = c.call(ctx, statMethod, name, func(context.Context) error {
		answer, err := c.ask(block{word: statMethod}.withName(name), okWord)
		if err != nil {
			return err
		}
		info, err = answer.info(name)
		return err
	})
	return info, err
}

// maxEntries is how many entries a list may have.
const maxEntries = 100_000

// List returns what is in a folder, sorted by name. "." is the server's whole
// folder. A list of more than 100,000 entries fails with ErrTooLarge.
func (c *Client) List(ctx context.Context, dir string) (infos []Info, err error) {
	err = c.call(ctx, listMethod, dir, func(context.Context) error {
		var entries []Info // not what a call that was left to itself returned
		_, err := c.ask(block{word: listMethod}.withName(dir), okWord)
		for err == nil {
			var b block
			if b, err = c.link.readAnswer(); err != nil {
				break
			}
			if b.word == endWord {
				if b.get(entriesKey) != strconv.Itoa(len(entries)) {
					return c.link.fail(malformed("%s entries, where %d came", printable(b.get(entriesKey)), len(entries)))
				}
				sort.Slice(entries, func(i, j int) bool { return entries[i].Name < entries[j].Name })
				infos = entries
				return nil
			}
			var entry Info
			if entry, err = c.parseEntry(b); err == nil {
				entries = append(entries, entry)
			}
			if len(entries) > maxEntries {
				err = c.link.fail(tell(ErrTooLarge, "more than %d entries", maxEntries))
			}
		}
		return err
	})
	return infos, err
}

// parseEntry returns the Info of one entry of a list.
func (c *Client) parseEntry(b block) (Info, error) {
	if err := c.link.errorOf(b, entryWord); err != nil {
		return Info{}, err
	}
	name, err := b.name()
	if err != nil {
		return Info{}, err
	}
	if name == "" || path.Base(name) != name {
		return Info{}, malformed("entry %s", printable(name))
	}
	return b.info(name)
}

// Close closes the connection and ends the call that is under way.
func (c *Client) Close() error {
	return c.link.conn.Close()
}

// call runs one exchange with the server.
func (c *Client) call(ctx context.Context, op, name string, exchange func(context.Context) error) error {
	err := c.exchange(ctx, name, exchange)
	var path *fs.PathError
	if err == nil || errors.As(err, &path) {
		return err
	}
	return &fs.PathError{Op: op, Path: name, Err: err}
}

func (c *Client) exchange(ctx context.Context, name string, exchange func(context.Context) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case c.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := c.usable(); err != nil {
		<-c.turn
		return fmt.Errorf("the connection is of no further use: %w", err)
	}
	c.link.setIdle(c.IdleTimeout)
	err := c.link.run(ctx, func() error {
		defer func() { <-c.turn }()
		if err := c.readPrompt(); err != nil {
			return err
		}
		return exchange(ctx)
	})
	if c.usable() != nil {
		c.link.conn.Close()
	}
	return err
}

// usable returns why no more calls are possible, or nil.
func (c *Client) usable() error {
	if c.link.isEnded() {
		c.link.fail(context.Canceled)
	}
	return c.link.failure()
}

// ask sends a request and returns the answer to it, whose word must be want.
func (c *Client) ask(request block, want string) (block, error) {
	_, err := c.link.Write(request.append([]byte{framedMark}))
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return block{}, err
	}
	// Also after a failure: the server may have said why it takes no more.
	answer, readErr := c.readFirstAnswer()
	switch {
	case readErr == nil:
		return answer, c.link.errorOf(answer, want)
	case err != nil:
		return block{}, err
	default:
		return block{}, readErr
	}
}

// readFirstAnswer reads the answer to a request, and tells a server that does
// not know the dialect by its first.
func (c *Client) readFirstAnswer() (block, error) {
	if !c.answered {
		if err := c.link.within(c.link.idle); err != nil {
			return block{}, c.link.fail(err)
		}
		start, err := c.link.reader.Peek(len(dialect))
		if string(start) != dialect {
			return block{}, c.link.fail(c.notFramed(start, err))
		}
		c.answered = true
	}
	return c.link.readAnswer()
}

// notFramed returns the error of a server whose first answer begins with start,
// up to an error.
func (c *Client) notFramed(start []byte, err error) error {
	switch {
	case strings.HasPrefix(string(start), plainErrorPrefix):
		line, _ := c.link.reader.ReadSlice('\n')
		return plainError(string(line))
	case len(start) > 0 && (err == nil || err == io.EOF):
		return fmt.Errorf("the server does not know the framed dialect, try the plain one: it answered %q: %w", start, errors.ErrUnsupported)
	case err == io.EOF || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE):
		return fmt.Errorf("the server hung up at the first request; if it does not know the framed dialect, try the plain one: %w", io.ErrUnexpectedEOF)
	default:
		return err
	}
}

// readPrompt reads the prompt, once.
func (c *Client) readPrompt() error {
	if c.prompted {
		return nil
	}
	err := c.link.readPrompt()
	c.prompted = err == nil
	return err
}

// readPrompt reads the prompt with which a server begins.
func (l *link) readPrompt() error {
	if err := l.within(l.idle); err != nil {
		return l.fail(err)
	}
	prompt, err := l.reader.Peek(len(Prompt))
	switch {
	case string(prompt) == Prompt:
		l.reader.Discard(len(Prompt))
		return nil
	case err == nil:
		err = fmt.Errorf("the server begins with %s, not with %q: is it the file service?", printable(string(prompt)), Prompt)
	case err == io.EOF && len(prompt) == 0:
		err = fmt.Errorf("the server hung up before its prompt: %w", io.ErrUnexpectedEOF)
	case err == io.EOF:
		err = io.ErrUnexpectedEOF
	}
	return l.fail(err)
}
