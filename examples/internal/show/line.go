package show

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/go-rfcomm/rfcomm/filetransfer"
)

// A Line shows the progress of a transfer on a line of a terminal. The line is
// redrawn in place. A nil Line shows nothing.
type Line struct {
	w      io.Writer
	live   bool // whether the line can be redrawn
	indent string

	mu   sync.Mutex
	text string // the text shown
}

// NewLine returns a line on f if that is a terminal, and nil otherwise.
func NewLine(f *os.File) *Line {
	if !Terminal(f) {
		return nil
	}
	return &Line{w: f, live: true}
}

// NewLastLine returns a line on f, with an indent. If f is not a terminal, only
// the last state is written, at the end.
func NewLastLine(f *os.File, indent string) *Line {
	return &Line{w: f, live: Terminal(f), indent: indent}
}

// Update draws the line. It can be used as the Progress function of a
// filetransfer.Client or filetransfer.Server.
func (l *Line) Update(p filetransfer.Progress) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	before := l.text
	l.text = l.indent + describe(p)
	if l.live {
		// Blanks overwrite the end of a longer text.
		blanks := utf8.RuneCountInString(before) - utf8.RuneCountInString(l.text)
		fmt.Fprint(l.w, "\r", l.text, strings.Repeat(" ", max(blanks, 0)))
	}
}

// End finishes the line. Further output appears below it.
func (l *Line) End() {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.text == "":
	case l.live:
		fmt.Fprintln(l.w)
	default:
		fmt.Fprintln(l.w, l.text)
	}
	l.text = ""
}

// describe returns the text of the line. It has at most about 70 characters,
// because a terminal cannot redraw a wrapped line.
func describe(p filetransfer.Progress) string {
	name, rate := shorten(Name(p.Name), 24), Rate(p.Rate)
	switch {
	case p.Total < 0:
		return fmt.Sprintf("%s  %s  %s", name, Bytes(p.Done), rate)
	case p.Done >= p.Total:
		return fmt.Sprintf("%s  100%%  %s  %s  in %s", name, Bytes(p.Total), rate, Duration(max(p.Elapsed, time.Millisecond)))
	case p.Remaining < 0:
		return fmt.Sprintf("%s  %3d%%  %s of %s", name, percent(p), Bytes(p.Done), Bytes(p.Total))
	default:
		return fmt.Sprintf("%s  %3d%%  %s of %s  %s  %s left", name, percent(p), Bytes(p.Done), Bytes(p.Total), rate, Duration(p.Remaining))
	}
}

// percent returns the completed percentage, at most 99, so that 100 is never
// shown before the end.
func percent(p filetransfer.Progress) int64 {
	return min(int64(float64(p.Done)/float64(p.Total)*100), 99)
}

// shorten replaces the middle of a long name with an ellipsis.
func shorten(name string, length int) string {
	runes := []rune(name)
	if len(runes) <= length {
		return name
	}
	half := (length - 1) / 2
	return string(runes[:length-1-half]) + "…" + string(runes[len(runes)-half:])
}
