package filetransfer

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"
)

// Words of answers that are not errors.
const (
	okWord    = "ok"    // success; for a get, the content follows
	readyWord = "ready" // the server is ready for the content of a put
	fromWord  = "from"  // the content of a put follows from this offset on
	endWord   = "end"   // the content or the list has ended
)

// A code maps an error to the word of an answer and to a text for people.
type code struct {
	word string
	err  error
	text string
}

// codes are the codes of all errors that have one. The code of an error is the
// first one that it matches. In the plain dialect, the report of an error
// begins with the text of its code.
var codes = []code{
	{"closing", ErrServerClosed, "server is closing; try again later"},
	{busyWord, ErrBusy, "server is busy; try again later"},
	{"too-large", ErrTooLarge, "file is too large"},
	{"changed", ErrChanged, "file has changed"},
	{"refused", ErrRefused, "refused"},
	{"corrupt", ErrCorrupt, "data is corrupt"},
	{"not-exist", fs.ErrNotExist, "file does not exist"},
	{"not-exist", syscall.ENOTDIR, "file does not exist"},
	{"exist", fs.ErrExist, "file exists already"},
	{"permission", fs.ErrPermission, "permission denied"},
	{"invalid", fs.ErrInvalid, "invalid name"},
	{"timeout", os.ErrDeadlineExceeded, "timeout"},
	{"incomplete", io.ErrUnexpectedEOF, "content ended early"},
	{"unsupported", errors.ErrUnsupported, "not supported"},
	{"no-space", syscall.ENOSPC, "no space is left"},
}

// failedWord is the code of all other errors.
const failedWord = "failed"

// messageKey is the key of the field with the text of an error, for people.
const messageKey = "Message"

// A peerError is an error that the peer reported.
type peerError struct {
	peer string // serverPeer or clientPeer
	text string
	err  error // the error of its code, or nil
}

func (e *peerError) Error() string { return "the " + e.peer + " reports: " + e.text }
func (e *peerError) Unwrap() error { return e.err }

// errorBlock returns the answer that reports an error.
func errorBlock(err error) block {
	word, text := describe(err)
	return block{word: word}.with(messageKey, text)
}

// codeOf returns the code of an error.
func codeOf(err error) code {
	for _, c := range codes {
		if errors.Is(err, c.err) {
			return c
		}
	}
	return code{word: failedWord}
}

// describe returns the word and the text that report err to the peer. The text
// reveals no path of this machine, only names that the peer itself has sent.
func describe(err error) (word, text string) {
	c := codeOf(err)
	var public *publicError
	if errors.As(err, &public) {
		return c.word, printable(public.text)
	}
	err = withoutPaths(err)
	var errno syscall.Errno
	if c.text != "" && (err == c.err || errors.As(err, &errno)) {
		return c.word, c.text
	}
	return c.word, printable(err.Error())
}

// withoutPaths unwraps all *fs.PathError and *os.LinkError values, whose texts
// contain paths.
func withoutPaths(err error) error {
	var path *fs.PathError
	var link *os.LinkError
	for {
		if errors.As(err, &path) {
			err = path.Err
		} else if errors.As(err, &link) {
			err = link.Err
		} else {
			return err
		}
	}
}

// A publicError is an error whose text may be sent to the peer.
type publicError struct {
	text string
	err  error // the error that it matches
}

func (e *publicError) Error() string { return e.text }
func (e *publicError) Unwrap() error { return e.err }

// publicErrorf returns an error that matches err and whose text may be sent to
// the peer.
func publicErrorf(err error, format string, values ...any) error {
	return &publicError{fmt.Sprintf(format, values...), err}
}

// errorOf returns nil if the word of an answer is want, and otherwise the error
// that the answer reports.
func (c *codec) errorOf(b block, want string) error {
	if b.word == want {
		return nil
	}
	text := printable(b.get(messageKey))
	for _, known := range codes {
		if b.word == known.word {
			if text == "" {
				text = known.text
			}
			return &peerError{c.conn.peer, text, known.err}
		}
	}
	// A later version may have more words for errors.
	if b.word == failedWord || text != "" {
		return &peerError{peer: c.conn.peer, text: text}
	}
	return malformed("answer %s instead of %s", printable(b.word), want)
}

// plainErrorPrefix begins the line that reports an error in the plain dialect.
const plainErrorPrefix = "Error: "

// plainErrorLine returns the line that reports an error in the plain dialect.
func plainErrorLine(err error) string {
	_, text := describe(err)
	if known := codeOf(err).text; !strings.HasPrefix(text, known) {
		text = known + ": " + text
	}
	return plainErrorPrefix + text + "\n"
}

// plainError returns the error that a line of the plain dialect reports.
func plainError(line string) error {
	text := printable(strings.TrimPrefix(line, plainErrorPrefix))
	for _, c := range codes {
		if strings.HasPrefix(text, c.text) {
			return &peerError{serverPeer, text, c.err}
		}
	}
	return &peerError{peer: serverPeer, text: text}
}
