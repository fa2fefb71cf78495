package main

import (
	"io"
	"strings"
	"sync"
	"time"

	"github.com/go-rfcomm/rfcomm/filetransfer"
)

// A statusLine is the last line of a terminal. It shows the state of a transfer
// and is redrawn in place. Other output goes through its Write, and appears above
// it.
type statusLine struct {
	w     io.Writer
	width func() int

	mu      sync.Mutex
	bar     *progressBar
	drawn   string        // the text on the terminal
	state   progressState // the state to draw, or nil
	batch   batch
	lasting bool      // finish keeps the text
	changed time.Time // when the state was set
	ended   bool
	stop    chan struct{}
}

// A progressState returns a row in at most a number of columns. If nothing has
// changed for a time, that time is the second argument; otherwise it is 0.
type progressState func(width int, waited time.Duration) progressRow

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
	line = &statusLine{w: t.stderr, width: t.lineWidth, bar: newProgressBar(), stop: make(chan struct{})}
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
		line.bar.close()
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
	if l == nil {
		return
	}
	l.mu.Lock()
	b := l.batch
	l.mu.Unlock()
	l.set(true, func(width int, waited time.Duration) progressRow {
		return b.row(p, width, waited)
	})
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
	l.set(false, func(width int, waited time.Duration) progressRow {
		waiting := ""
		if waited > 0 {
			waiting = "  … " + waited.String()
		}
		return progressRow{head: shorten(printable(text), max(width-columns(waiting), 1)) + waiting}
	})
}

// next sets the place of the next transfer among several ones.
func (l *statusLine) next(b batch) {
	if l != nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.batch = b
	}
}

// set draws a new state. A nil statusLine draws nothing.
func (l *statusLine) set(lasting bool, state progressState) {
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
	waited := time.Since(l.changed).Truncate(time.Second)
	if waited < stalled {
		waited = 0
	}
	text := l.bar.text(l.state(max(width, 1), waited), max(width, 1))
	if text != l.drawn {
		// The terminal may have become narrower than the previous text.
		blanks := min(max(columns(l.drawn)-columns(text), 0), max(width-columns(text), 0)) + len(echoed)
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
		io.WriteString(l.w, "\r"+strings.Repeat(" ", min(columns(l.drawn)+len(echoed), max(l.width()-1, 0)))+"\r")
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
