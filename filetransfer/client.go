package filetransfer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path"
	"slices"
	"sort"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A Client transfers files from and to a Server over one connection. The
// connection must support deadlines.
//
// The methods may be called from several goroutines; each call waits until the
// call before it has returned.
//
// Names are paths with slashes. In the framed dialect, "./x", "/x" and "x/" are
// the same as "x", and "/" is the same as ".".
//
// Each method returns as soon as its context ends. After that, and after an
// error of the connection itself, the connection is unusable, and later calls
// fail with the same error. After an error that the server reported, the
// connection remains usable.
//
// Errors are of type *fs.PathError. Errors that the server reported match the
// values of package fs and of this package, such as fs.ErrNotExist and
// ErrRefused.
type Client struct {
	// Plain selects the plain dialect, for servers that do not support the
	// framed one. It transfers one file per connection: only Get and Download
	// are supported, and only the first call can succeed. All other methods
	// return an error that matches errors.ErrUnsupported. Plain must be set
	// before the first call.
	Plain bool

	// Overwrite allows Download, Put and Upload to replace an existing file.
	Overwrite bool

	// MakeDirs asks the server to create the missing directories of the files
	// that Put and Upload send. The directories remain if the transfer fails. A
	// server that creates none returns an error that matches fs.ErrNotExist.
	MakeDirs bool

	// IdleTimeout is the maximum time during which the server may send nothing,
	// or read nothing of the data sent to it. Within this time, the server must
	// accept the 32 KiB of one Write, and send 1 KiB of content. The time that a
	// Reader or Writer of the caller takes does not count: the Client then sends
	// keepalives to the server. IdleTimeout also limits the wait for the
	// server's prompt, which is sent only after earlier clients have left. The
	// default is 30 s.
	IdleTimeout time.Duration

	// Progress, if not nil, is called during a transfer, at most ten times per
	// second, and once at the end of it, whether it succeeds or fails. A slow
	// Progress delays the transfer.
	Progress func(Progress)

	// Busy, if not nil, is called each time that the server announces that it is
	// busy with other clients. The call goes on waiting until the server is free
	// or the context ends. If Busy is nil, the call returns an error that matches
	// ErrBusy and the connection is closed.
	Busy func()

	conn    *connection
	codec   *codec
	turn    chan struct{} // holds a token during a call
	started bool          // whether the start of the stream was read
}

// NewClient returns a Client for the server at the other end of c. The Client
// owns c and closes it.
func NewClient(c net.Conn) *Client {
	conn := newConnection(c, serverPeer, 0)
	return &Client{conn: conn, codec: newCodec(conn), turn: make(chan struct{}, 1)}
}

// Stat describes a file or directory of the server. The name "." means the
// directory that the server offers.
func (c *Client) Stat(ctx context.Context, name string) (Info, error) {
	return call(ctx, c, statMethod, name, func(_ context.Context, name string) (Info, error) { return c.describe(name) })
}

// describe requests the Info of a file or directory.
func (c *Client) describe(name string) (Info, error) {
	answer, err := c.ask(block{word: statMethod}.withName(name), okWord)
	if err != nil {
		return Info{}, err
	}
	return answer.info(name)
}

const (
	maxEntries = 100_000          // entries of a list
	maxNames   = 256 * maxEntries // total bytes of their names
)

// List returns the entries of a directory, sorted by name. The name "." means
// the directory that the server offers. A list of more than 100,000 entries is
// an error that matches ErrTooLarge.
func (c *Client) List(ctx context.Context, dir string) ([]Info, error) {
	return call(ctx, c, listMethod, dir, func(_ context.Context, dir string) ([]Info, error) {
		if _, err := c.ask(block{word: listMethod}.withName(dir), okWord); err != nil {
			return nil, err
		}
		return c.readList()
	})
}

// readList reads the entries of a list and the block that ends it.
func (c *Client) readList() ([]Info, error) {
	var entries []Info
	for names := 0; ; {
		b, err := c.codec.readAnswer()
		if err != nil {
			return nil, err
		}
		if b.word == endWord {
			if b.get(entriesKey) != strconv.Itoa(len(entries)) {
				return nil, c.conn.fail(malformed("the list has %d entries instead of %s", len(entries), printable(b.get(entriesKey))))
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
			return nil, c.conn.fail(publicErrorf(ErrTooLarge, "the list has more than %d entries, or more than %d bytes of names", maxEntries, maxNames))
		}
	}
}

// parseEntry returns the Info of one entry of a list.
func (c *Client) parseEntry(b block) (Info, error) {
	err := c.codec.errorOf(b, entryWord)
	var reported *peerError
	if errors.As(err, &reported) {
		return Info{}, err // the server reported an error, which ends the list
	}
	var name string
	if err == nil {
		name, err = b.name()
	}
	if err == nil && (name == "" || name == "." || name == ".." || strings.ContainsAny(name, "/\x00")) {
		err = malformed("invalid name %s of an entry", printable(name))
	}
	var info Info
	if err == nil {
		info, err = b.info(name)
	}
	if err != nil {
		return Info{}, c.conn.fail(err)
	}
	return info, nil
}

// Close closes the connection. A call in progress returns an error that matches
// net.ErrClosed. Close returns nil if the connection is closed already.
func (c *Client) Close() error {
	c.conn.end(net.ErrClosed)
	if err := c.conn.abandon(); !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

// call runs one exchange with the server and returns its result. The exchange
// uses the cleaned name. Errors get the operation and the name.
func call[T any](ctx context.Context, c *Client, op, name string, exchange func(ctx context.Context, name string) (T, error)) (T, error) {
	var result, none T
	err := c.checkCall(op, name)
	if err == nil {
		err = c.exchange(ctx, func() (err error) {
			result, err = exchange(ctx, c.clean(name))
			return err
		})
	}
	if err == nil {
		return result, nil
	}
	// The exchange may still be running, so its result must not be read.
	var named *fs.PathError
	if !errors.As(err, &named) {
		err = &fs.PathError{Op: op, Path: name, Err: err}
	}
	return none, err
}

// checkCall returns an error if the dialect does not support a call.
func (c *Client) checkCall(op, name string) error {
	switch {
	case !c.Plain:
		return nil
	case op != getMethod:
		return fmt.Errorf("the plain dialect supports only get: %w", errors.ErrUnsupported)
	default:
		return checkPlainName(name)
	}
}

// clean returns the name that is sent to the server: "." for "/", and "a/b" for
// "./a/b", "/a/b" and "a//b/". A name with an element ".." is not changed, so
// that the server refuses it. A server of the plain dialect may understand names
// in another way, so that they are not changed either.
func (c *Client) clean(name string) string {
	if c.Plain || name == "" || slices.Contains(strings.Split(name, "/"), "..") {
		return name
	}
	return cmp.Or(strings.TrimPrefix(path.Clean("/"+name), "/"), ".")
}

// exchange waits until earlier calls have returned and then runs one exchange.
func (c *Client) exchange(ctx context.Context, exchange func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case c.turn <- struct{}{}:
	case <-c.conn.done:
		return c.unusable(c.conn.failure())
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := c.conn.failure(); err != nil {
		<-c.turn
		return c.unusable(err)
	}
	c.conn.setIdle(c.IdleTimeout)
	err := c.conn.run(ctx, func() error {
		defer func() { <-c.turn }()
		if err := c.start(); err != nil {
			return err
		}
		return exchange()
	})
	if c.conn.failure() != nil {
		c.conn.abandon()
	}
	return err
}

// unusable returns the error of calls that follow a failure of the connection.
func (c *Client) unusable(failure error) error {
	if failure == errOneFile {
		return failure
	}
	return fmt.Errorf("the connection is unusable after an earlier failure: %w", failure)
}

// ask sends a request and returns the answer. An answer whose word is not want
// is an error.
func (c *Client) ask(request block, want string) (block, error) {
	message := request.append([]byte{framedMark})
	if len(message) > maxBlock {
		return block{}, publicErrorf(fs.ErrInvalid, "the name is too long")
	}
	_, err := c.conn.Write(message)
	if errors.Is(err, os.ErrDeadlineExceeded) && !c.heard() {
		return block{}, err
	}
	// Read an answer even after a failure to write: the server may have
	// reported the reason before it closed the connection.
	answer, err := c.readFirstAnswer()
	if err != nil {
		return block{}, err
	}
	if err := c.codec.errorOf(answer, want); err != nil {
		return answer, err
	}
	// An answer is not valid if the request could not be sent.
	return answer, c.conn.failure()
}

// readFirstAnswer reads the answer to a request. While the server announces that
// it is busy with other clients, readFirstAnswer calls Busy and waits.
func (c *Client) readFirstAnswer() (block, error) {
	if err := c.readStart(); err != nil {
		return block{}, err
	}
	for {
		answer, err := c.codec.readAnswer()
		if err != nil || answer.word != busyWord || answer.get(aheadKey) == "" {
			return answer, err
		}
		if c.Busy == nil {
			return answer, c.conn.fail(c.codec.errorOf(answer, okWord))
		}
		c.Busy()
	}
}

// notFramed returns the error for a server whose first answer is not a block.
// The answer begins with start, and err is the error of the read, if any.
func (c *Client) notFramed(start []byte, err error) error {
	switch {
	case strings.HasPrefix(string(start), plainErrorPrefix):
		line, _ := c.codec.reader.ReadSlice('\n')
		return plainError(string(line))
	case len(start) > 0 && (err == nil || err == io.EOF):
		return fmt.Errorf("the server does not support the framed dialect, try the plain one: it answered %q: %w", start, errors.ErrUnsupported)
	case err == io.EOF || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE):
		return fmt.Errorf("the server closed the connection at the first request; if it does not support the framed dialect, try the plain one: %w", io.ErrUnexpectedEOF)
	default:
		return err
	}
}

// start reads the prompt in the plain dialect. In the framed dialect, it starts to
// receive, and the first request is sent without waiting for the prompt. A server on a
// connection without buffers, such as a net.Pipe, reads nothing until its prompt
// is received.
func (c *Client) start() error {
	if c.started {
		return nil
	}
	if c.Plain {
		err := c.codec.readPrompt()
		c.started = err == nil
		return err
	}
	c.codec.lookAhead()
	return nil
}

// heard reports whether the start of the stream has arrived and was not read.
func (c *Client) heard() bool { return c.codec.ahead != nil && isClosed(c.codec.ahead.done) }

// readStart reads the start of the stream: the prompt, unless the server answers
// without it because the client has waited for its turn. It then detects from
// the first answer whether the server supports the framed dialect.
func (c *Client) readStart() error {
	if c.started {
		return nil
	}
	c.conn.within(c.conn.idle)
	c.codec.settle()
	start, err := c.codec.reader.Peek(len(Prompt))
	switch {
	case string(start) == Prompt:
		c.codec.reader.Discard(len(Prompt))
		if start, err = c.codec.reader.Peek(len(dialect)); string(start) != dialect {
			return c.conn.fail(c.notFramed(start, err))
		}
	case strings.HasPrefix(string(start), plainErrorPrefix):
		return c.conn.fail(c.notFramed(start, err))
	case !strings.HasPrefix(string(start), dialect):
		return c.conn.fail(notPrompt(start, err))
	}
	c.started = true
	return nil
}

// notPrompt returns the error for a server whose stream begins with start
// instead of the prompt. The error of the read is err, if any.
func notPrompt(start []byte, err error) error {
	switch {
	case err == nil:
		return fmt.Errorf("the server sent %s instead of the prompt %q: is it a file server?", printable(string(start)), Prompt)
	case err == io.EOF && len(start) == 0:
		return fmt.Errorf("the server closed the connection before its prompt: %w", io.ErrUnexpectedEOF)
	default:
		return early(err)
	}
}

// readPrompt reads the prompt, which a server sends first to a client of the
// plain dialect.
func (c *codec) readPrompt() error {
	c.conn.within(c.conn.idle)
	prompt, err := c.reader.Peek(len(Prompt))
	switch {
	case string(prompt) == Prompt:
		c.reader.Discard(len(Prompt))
		return nil
	case strings.HasPrefix(string(prompt), plainErrorPrefix):
		line, _ := c.reader.ReadSlice('\n')
		return c.conn.fail(plainError(string(line)))
	default:
		return c.conn.fail(notPrompt(prompt, err))
	}
}
