package show

import (
	"io"
	"time"

	"github.com/go-rfcomm/rfcomm/filetransfer"
)

// A Meter passes on what is written to it and keeps a Line up to date, for the
// plain dialect, which does not do that itself.
type Meter struct {
	w        io.Writer
	line     *Line
	progress filetransfer.Progress
	start    time.Time // when the first byte came
	drawn    time.Time
}

// NewMeter returns the meter of a transfer. Total is the number of bytes that
// will come, or -1 if that is unknown.
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

// End draws the line for the last time, unless nothing came.
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
