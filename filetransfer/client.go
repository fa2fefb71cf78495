package filetransfer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
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

	wire     *wire
	turn     chan struct{} // holds a token while a call goes on
	prompted bool          // whether the prompt was read
	answered bool          // whether the server has ever answered
}

// NewClient returns a client over a connection to a server, which it owns from
// now on.
func NewClient(c net.Conn) *Client {
	return &Client{wire: newWire(c, serverPeer, 0), turn: make(chan struct{}, 1)}
}

// Stat tells about a file or a folder. "." is the server's whole folder.
func (c *Client) Stat(ctx context.Context, name string) (Info, error) {
	return call(ctx, c, statMethod, name, func(context.Context) (Info, error) {
		answer, err := c.ask(block{word: statMethod}.withName(name), okWord)
		if err != nil {
			return Info{}, err
		}
		return answer.info(name)
	})
}

const (
	maxEntries = 100_000          // of a list
	maxNames   = 256 * maxEntries // bytes of all its names
)

// List returns what is in a folder, sorted by name. "." is the server's whole
// folder. A list of more than 100,000 entries fails with ErrTooLarge.
func (c *Client) List(ctx context.Context, dir string) ([]Info, error) {
	return call(ctx, c, listMethod, dir, func(context.Context) ([]Info, error) {
		if _, err := c.ask(block{word: listMethod}.withName(dir), okWord); err != nil {
			return nil, err
		}
		return c.readList()
	})
}

// readList reads the entries of a list, and its end.
func (c *Client) readList() ([]Info, error) {
	var entries []Info
	for names := 0; ; {
		b, err := c.wire.readAnswer()
		if err != nil {
			return nil, err
		}
		if b.word == endWord {
			if b.get(entriesKey) != strconv.Itoa(len(entries)) {
				return nil, c.wire.fail(malformed("%s entries, where %d came", printable(b.get(entriesKey)), len(entries)))
			}
			sort.Slice(entries, func(i, j int) bool { return entries[i].Name < entries[j].Name })
			return entries, nil
		}
		entry, err := c.parseEntry(b)
		if err != nil {
			return nil, err
		}
		entries = append(entries, entry)
		if names += len(entry.Name); len(entries) > maxEntries || names > maxNames {
			return nil, c.wire.fail(publicErrorf(ErrTooLarge, "more than %d entries, or than %d bytes of names", maxEntries, maxNames))
		}
	}
}

// parseEntry returns the Info of one entry of a list.
func (c *Client) parseEntry(b block) (Info, error) {
	err := c.wire.errorOf(b, entryWord)
	var reported *peerError
	if errors.As(err, &reported) {
		return Info{}, err // which ends the list
	}
	var name string
	if err == nil {
		name, err = b.name()
	}
	if err == nil && (name == "" || name == "." || name == ".." || strings.ContainsAny(name, "/\x00")) {
		err = malformed("entry %s", printable(name))
	}
	var info Info
	if err == nil {
		info, err = b.info(name)
	}
	if err != nil {
		return Info{}, c.wire.fail(err)
	}
	return info, nil
}

// Close closes the connection and ends the call that is under way, which fails
// with net.ErrClosed.
func (c *Client) Close() error {
	c.wire.end(net.ErrClosed)
	return c.wire.conn.Close()
}

// call runs one exchange with the server.
func call[T any](ctx context.Context, c *Client, op, name string, exchange func(context.Context) (T, error)) (T, error) {
	var result, none T
	err := c.exchange(ctx, func() (err error) {
		result, err = exchange(ctx)
		return err
	})
	if err == nil {
		return result, nil
	}
	// The exchange may still go on, left to itself.
	var path *fs.PathError
	if !errors.As(err, &path) {
		err = &fs.PathError{Op: op, Path: name, Err: err}
	}
	return none, err
}

// do is call for an exchange that has no result.
func (c *Client) do(ctx context.Context, op, name string, exchange func(context.Context) error) error {
	_, err := call(ctx, c, op, name, func(ctx context.Context) (struct{}, error) { return struct{}{}, exchange(ctx) })
	return err
}

// exchange runs one exchange when it is its turn.
func (c *Client) exchange(ctx context.Context, exchange func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case c.turn <- struct{}{}:
	case <-c.wire.done:
		return c.unusable(c.wire.failure())
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := c.wire.failure(); err != nil {
		<-c.turn
		return c.unusable(err)
	}
	c.wire.setIdle(c.IdleTimeout)
	err := c.wire.run(ctx, func() error {
		defer func() { <-c.turn }()
		if err := c.readPrompt(); err != nil {
			return err
		}
		return exchange()
	})
	if c.wire.failure() != nil {
		c.wire.conn.Close()
	}
	return err
}

// useless returns the error of a call after the one of a failure.
func (c *Client) unusable(failure error) error {
	return fmt.Errorf("the connection is of no further use: %w", failure)
}

// ask sends a request and returns the answer to it, whose word must be want.
func (c *Client) ask(request block, want string) (block, error) {
	message := request.append([]byte{framedMark})
	if len(message) > maxBlock {
		return block{}, publicErrorf(fs.ErrInvalid, "the name is too long")
	}
	_, err := c.wire.Write(message)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return block{}, err
	}
	// Also after a failure: the server may have said why it takes no more.
	answer, err := c.readFirstAnswer()
	if err != nil {
		return block{}, err
	}
	if err := c.wire.errorOf(answer, want); err != nil {
		return answer, err
	}
	// Nobody can have answered what did not get there.
	return answer, c.wire.failure()
}

// readFirstAnswer reads the answer to a request, and tells a server that does
// not know the dialect by its first.
func (c *Client) readFirstAnswer() (block, error) {
	if !c.answered {
		if err := c.wire.within(c.wire.idle); err != nil {
			return block{}, c.wire.fail(err)
		}
		start, err := c.wire.reader.Peek(len(dialect))
		if string(start) != dialect {
			return block{}, c.wire.fail(c.notFramed(start, err))
		}
		c.answered = true
	}
	return c.wire.readAnswer()
}

// notFramed returns the error of a server whose first answer begins with start,
// up to an error.
func (c *Client) notFramed(start []byte, err error) error {
	switch {
	case strings.HasPrefix(string(start), plainErrorPrefix):
		line, _ := c.wire.reader.ReadSlice('\n')
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
	err := c.wire.readPrompt()
	c.prompted = err == nil
	return err
}

// readPrompt reads the prompt with which a server begins.
func (w *wire) readPrompt() error {
	if err := w.within(w.idle); err != nil {
		return w.fail(err)
	}
	prompt, err := w.reader.Peek(len(Prompt))
	switch {
	case string(prompt) == Prompt:
		w.reader.Discard(len(Prompt))
		return nil
	case err == nil:
		err = fmt.Errorf("the server begins with %s, not with %q: is it the file service?", printable(string(prompt)), Prompt)
	case err == io.EOF && len(prompt) == 0:
		err = fmt.Errorf("the server hung up before its prompt: %w", io.ErrUnexpectedEOF)
	case err == io.EOF:
		err = io.ErrUnexpectedEOF
	}
	return w.fail(err)
}
