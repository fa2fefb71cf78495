package show

import (
	"io"
	"time"

	"github.com/go-rfcomm/rfcomm/filetransfer"
)

// A Meter forwards Writes to a Writer and updates a Line. It is for the plain
// dialect, because filetransfer.Fetch reports no progress.
type Meter struct {
	w        io.Writer
	line     *Line
	progress filetransfer.Progress
	start    time.Time // time of the first byte
	drawn    time.Time
}

// NewMeter returns a Meter for a transfer. Total is the number of bytes of the
// file, or -1 if it is unknown.
func NewMeter(w io.Writer, line *Line, name string, total int64) *Meter {
	return &Meter{w: w, line: line, progress: filetransfer.Progress{Name: name, Total: total}}
}

// Write implements [io.Writer].
func (m *Meter) Write(p []byte) (int, error) {
	if m.start.IsZero() { // the transfer begins with its first byte
		m.start = time.Now()
		m.drawn = m.start
	}
	n, err := m.w.Write(p)
	m.progress.Done += int64(n)
	if time.Since(m.drawn) >= time.Second/10 {
		m.draw()
	}
	return n, err
}

// End draws the line for the last time, unless nothing was received.
func (m *Meter) End() {
	if m.progress.Done > 0 || m.progress.Total == 0 {
		m.draw()
	}
	m.line.End()
}

func (m *Meter) draw() {
	p := &m.progress
	m.drawn = time.Now()
	if !m.start.IsZero() {
		p.Elapsed = m.drawn.Sub(m.start)
	}
	p.Rate = float64(p.Done) / max(p.Elapsed, time.Millisecond).Seconds()
	p.Remaining = -1
	if p.Total >= 0 && p.Done > 0 {
		p.Remaining = time.Duration(float64(p.Total-p.Done) / p.Rate * float64(time.Second))
	}
	m.line.Update(*p)
}
