package filetransfer

import (
	"math"
	"time"
)

// A Progress is the state of a file transfer.
type Progress struct {
	Name      string
	Done      int64         // bytes transferred, including those of an earlier transfer
	Total     int64         // bytes of the whole file, or -1 if unknown
	Elapsed   time.Duration // time since this transfer began
	Rate      float64       // bytes per second of this transfer
	Remaining time.Duration // time until the end at this rate, or -1 if unknown
}

// progressInterval is the minimum time between two reports, except the last.
const progressInterval = 100 * time.Millisecond

// A meter measures one transfer and reports it.
type meter struct {
	report   func(Progress) // may be nil
	progress Progress
	before   int64 // bytes of an earlier transfer
	began    time.Time
	reported time.Time
}

// newMeter returns the meter for a transfer that begins now.
func newMeter(report func(Progress), name string, done, total int64) *meter {
	now := time.Now()
	return &meter{
		report:   report,
		progress: Progress{Name: name, Done: done, Total: total},
		before:   done,
		began:    now,
		reported: now,
	}
}

// add counts n bytes, and reports if the interval has passed.
func (m *meter) add(n int) {
	m.progress.Done += int64(n)
	if m.report != nil && time.Since(m.reported) >= progressInterval {
		m.reported = time.Now()
		m.report(m.now())
	}
}

// whole records that the whole file has been transferred.
func (m *meter) whole() { m.progress.Total = m.progress.Done }

// end reports the last state.
func (m *meter) end() {
	if m.report != nil {
		m.report(m.now())
	}
}

// now returns the current state.
func (m *meter) now() Progress {
	p := m.progress
	p.Elapsed = time.Since(m.began)
	p.Remaining = -1
	if seconds := p.Elapsed.Seconds(); seconds > 0 {
		p.Rate = float64(p.Done-m.before) / seconds
	}
	if p.Total >= 0 && p.Rate > 0 {
		if left := float64(p.Total-p.Done) / p.Rate * float64(time.Second); left < math.MaxInt64 {
			p.Remaining = time.Duration(left)
		}
	}
	if p.Done == p.Total {
		p.Remaining = 0
	}
	return p
}
