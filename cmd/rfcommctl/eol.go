package main

import (
	"bytes"
	"errors"
	"io"
)

// An eol is the value of the flag --eol: the end of a line that the device sends and
// expects, or "" for bytes that are not changed.
type eol string

// Ends of lines: those of OBD adapters, and those of most modems and instruments.
const (
	eolCR   eol = "cr"
	eolCRLF eol = "crlf"
)

var eolNames = []string{string(eolCR), string(eolCRLF)}

func (e *eol) String() string { return string(*e) }

func (e *eol) Type() string { return "EOL" }

func (e *eol) Set(text string) error {
	if text != string(eolCR) && text != string(eolCRLF) {
		return errors.New("use cr or crlf")
	}
	*e = eol(text)
	return nil
}

// reader returns a reader of the text of r with the ends of lines that the device
// expects.
func (e eol) reader(r io.Reader) io.Reader {
	switch e {
	case eolCR:
		return &eolReader{r: r, end: "\r"}
	case eolCRLF:
		return &eolReader{r: r, end: "\r\n"}
	}
	return r
}

// writer returns a writer to w of the device's text, whose lines then end in a line
// feed.
func (e eol) writer(w io.Writer) io.Writer {
	if e == "" {
		return w
	}
	return &eolWriter{w: w}
}

// An eolReader replaces line feeds.
type eolReader struct {
	r   io.Reader
	end string
}

// Read implements [io.Reader].
func (e *eolReader) Read(p []byte) (int, error) {
	part := make([]byte, max(len(p)/len(e.end), 1))
	n, err := e.r.Read(part)
	return copy(p, bytes.ReplaceAll(part[:n], []byte("\n"), []byte(e.end))), err
}

// An eolWriter writes a line feed for a carriage return, and for one with a line
// feed after it.
type eolWriter struct {
	w    io.Writer
	atCR bool // the last byte was a carriage return
}

// Write implements [io.Writer].
func (e *eolWriter) Write(p []byte) (int, error) {
	text := make([]byte, 0, len(p))
	for _, b := range p {
		switch after := e.atCR; {
		case b == '\r':
			text = append(text, '\n')
		case b != '\n' || !after:
			text = append(text, b)
		}
		e.atCR = b == '\r'
	}
	if _, err := e.w.Write(text); err != nil {
		return 0, err
	}
	return len(p), nil
}
