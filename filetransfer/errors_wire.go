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
	okWord    = "ok"    // done, or: here it comes
	readyWord = "ready" // for the content of a put, from this offset on
	fromWord  = "from"  // which offset the content begins
	endWord   = "end"   // of the content
)

// A code is the word of an answer that stands for errors, and a text for people.
type code struct {
	word string
	err  error
	text string
}

// codes are those of all errors that have one. What the plain dialect says
// begins with the text. An error has the first code that it matches.
var codes = []code{
	{"closing", ErrServerClosed, "server is closing; try again later"},
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

// messageKey names the field with the text of an error, for people.
const messageKey = "Message"

// A peerError is an error that the peer reported.
type peerError struct {
	peer string // serverPeer or clientPeer
	text string
	err  error // what its code stands for, or nil
}

func (e *peerError) Error() string { return "the " + e.peer + " says: " + e.text }
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

// describe returns an error's code, and what it says to the peer: no more of
// this machine than the peer named itself.
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

// withoutPaths returns the innermost error that package fs or os has named.
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

// A toldError is an error whose text is meant for the peer, too.
type publicError struct {
	text string
	err  error // what it matches
}

func (e *publicError) Error() string { return e.text }
func (e *publicError) Unwrap() error { return e.err }

func publicErrorf(err error, format string, values ...any) error {
	return &publicError{fmt.Sprintf(format, values...), err}
}

// errorOf returns the error that an answer of the peer reports, or nil if its
// word is the wanted one.
func (w *wire) errorOf(b block, want string) error {
	if b.word == want {
		return nil
	}
	text := printable(b.get(messageKey))
	for _, c := range codes {
		if b.word == c.word {
			if text == "" {
				text = c.text
			}
			return &peerError{w.peer, text, c.err}
		}
	}
	// A later version may know more words of errors.
	if b.word == failedWord || text != "" {
		return &peerError{peer: w.peer, text: text}
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
