package main

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	_ "github.com/vbauerster/mpb/v8"

	"github.com/go-rfcomm/rfcomm/filetransfer"
)

// A statusLine is the last line of a terminal. It shows the state of a transfer
// and is redrawn in place. Other output goes through its Write, and appears above
// it.
type statusLine struct {
	w     io.Writer
	width func() int

	mu      sync.Mutex
	drawn   string                 // the text on the terminal
	state   func(width int) string // the text to draw, or nil
	lasting bool                   // finish keeps the text
	changed time.Time              // when the state was set
	ended   bool
	stop    chan struct{}
}

// echoed is the text that a terminal shows when a person interrupts the program.
// There is room for it behind the line, and it is removed with the line.
const echoed = "^C"

// stalled is the time without news after which the line shows that it waits.
const stalled = 2 * time.Second

// startLine makes standard error a statusLine, which shows nothing after the call
// of end. The line is nil if standard error is not a terminal, or is to print errors
// only.
func (t *tool) startLine() (line *statusLine, end func()) {
	if !t.chatty || t.quiet {
		return nil, func() {}
	}
	line = &statusLine{w: t.stderr, width: t.lineWidth, stop: make(chan struct{})}
	t.stderr = line
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		line.refresh()
	}()
	return line, func() {
		close(line.stop)
		<-ended
		line.finish()
		line.mu.Lock()
		defer line.mu.Unlock()
		line.ended = true // a transfer that was interrupted can still report
	}
}

// refresh redraws the line each second, so that it shows how long it waits.
func (l *statusLine) refresh() {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			l.mu.Lock()
			l.draw()
			l.mu.Unlock()
		case <-l.stop:
			return
		}
	}
}

// update shows the progress of a transfer. It can be used as the Progress function
// of a filetransfer.Client or filetransfer.Server.
func (l *statusLine) update(p filetransfer.Progress) {
	l.set(true, func(width int) string { return progressText(p, width) })
}

// updateUntilEnd shows the progress of a transfer until it ends. Then, the log of a
// filetransfer.Server has the details.
func (l *statusLine) updateUntilEnd(p filetransfer.Progress) {
	if p.Done == p.Total {
		l.clear()
	} else {
		l.update(p)
	}
}

// announce shows a text until something else is shown.
func (l *statusLine) announce(text string) {
	l.set(false, func(width int) string { return shorten(printable(text), width) })
}

// set draws a new state. A nil statusLine draws nothing.
func (l *statusLine) set(lasting bool, state func(width int) string) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.ended {
		l.state, l.lasting, l.changed = state, lasting, time.Now()
		l.draw()
	}
}

// draw draws the state over the previous one. The caller holds l.mu.
func (l *statusLine) draw() {
	if l.state == nil {
		return
	}
	width := l.width() - 1 - len(echoed) // a character in the last column can begin a new line
	waiting := ""
	if waited := time.Since(l.changed); waited >= stalled {
		waiting = "  … " + waited.Truncate(time.Second).String()
	}
	text := l.state(max(width-columns(waiting), 1)) + waiting
	if text != l.drawn {
		blanks := max(columns(l.drawn)-columns(text), 0) + len(echoed)
		io.WriteString(l.w, "\r"+text+strings.Repeat(" ", blanks)+strings.Repeat("\b", blanks))
		l.drawn = text
	}
}

// Write implements [io.Writer]. It writes complete lines above the line.
func (l *statusLine) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.erase()
	n, err := l.w.Write(p)
	l.draw()
	return n, err
}

// erase removes the line from the terminal. The caller holds l.mu.
func (l *statusLine) erase() {
	if l.drawn != "" {
		io.WriteString(l.w, "\r"+strings.Repeat(" ", columns(l.drawn)+len(echoed))+"\r")
		l.drawn = ""
	}
}

// clear removes the line. A nil statusLine has nothing to remove.
func (l *statusLine) clear() {
	if l != nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.erase()
		l.state = nil
	}
}

// finish keeps the state of a transfer on the screen. Further output appears below
// it.
func (l *statusLine) finish() {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.lasting {
		l.erase()
	} else if l.drawn != "" {
		io.WriteString(l.w, "\n")
	}
	l.drawn, l.state = "", nil
}

// progressText returns the state of a transfer in at most a number of columns:
// fewer details if there is little room, and a shortened name.
func progressText(p filetransfer.Progress, width int) string {
	const shortest = 12 // columns of the name for which details are omitted
	name := printable(p.Name)
	for _, details := range progressDetails(p) {
		text := strings.Join(details, "  ")
		room := width - columns(text) - 2
		if room >= min(columns(name), shortest) {
			return shorten(name, room) + "  " + text
		}
	}
	return shorten(name, width)
}

// progressDetails returns the details of a transfer in several forms, the longest
// one first.
func progressDetails(p filetransfer.Progress) [][]string {
	done, rate := bytesText(p.Done), rateText(p.Rate)
	if p.Done == p.Total {
		took := "in " + durationText(max(p.Elapsed, time.Millisecond))
		return [][]string{{"100%", done, rate, took}, {"100%", done, rate}, {"100%", done}, {"100%"}}
	}
	if p.Total < 0 {
		return [][]string{{done, rate}, {done}}
	}
	percent := percentText(p)
	all := []string{percent, done + " of " + bytesText(p.Total), rate}
	if p.Remaining < 0 {
		return [][]string{all[:2], {percent}}
	}
	left := durationText(p.Remaining) + " left"
	return [][]string{append(all, left), {percent, rate, left}, {percent, left}, {percent}}
}

// percentText returns the completed percentage. It is at most 99, so that 100 is
// not shown before the end.
func percentText(p filetransfer.Progress) string {
	percent := min(int64(float64(p.Done)/float64(p.Total)*100), 99)
	return fmt.Sprintf("%2d%%", percent)
}
