package main

import (
	"bytes"
	"io"
	"strings"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

// A progressRow is the content of a statusLine: texts, and a bar between them if
// there is room for one.
type progressRow struct {
	head, tail  string
	bar         int   // columns of the bar, or 0
	done, total int64 // of the bar
}

// A progressBar lays out rows by package mpb. It is a console of that package,
// whose only row is taken from it instead of drawn.
type progressBar struct {
	bytes.Buffer
	container *mpb.Progress
	refresh   chan any
	flushed   chan string

	// These change while no row is being laid out.
	row   progressRow
	width int
}

// newProgressBar returns a progressBar. It has to be closed.
func newProgressBar() *progressBar {
	b := &progressBar{refresh: make(chan any), flushed: make(chan string)}
	b.container = mpb.New(mpb.WithConsoleWriter(b), mpb.WithManualRefresh(b.refresh))
	style := mpb.BarStyle().Build()
	filler := mpb.BarFillerFunc(func(w io.Writer, stat decor.Statistics) error {
		if b.row.bar == 0 {
			return nil
		}
		stat.AvailableWidth = b.row.bar
		stat.Current, stat.Total = b.row.done, b.row.total
		err := style.Fill(w, stat)
		io.WriteString(w, "  ")
		return err
	})
	head := decor.Any(func(decor.Statistics) string { return b.row.head })
	tail := decor.Any(func(decor.Statistics) string { return b.row.tail })
	// The error would mean that the container is closed.
	b.container.Add(0, filler, mpb.BarFillerTrim(), mpb.PrependDecorators(head), mpb.AppendDecorators(tail))
	return b
}

// text returns a row in at most a number of columns.
func (b *progressBar) text(row progressRow, width int) string {
	b.row, b.width = row, width
	b.refresh <- time.Now()
	return <-b.flushed
}

// close ends the goroutines of package mpb.
func (b *progressBar) close() { b.container.Shutdown() }

// IsTerminal implements [mpb.ConsoleWriter].
func (b *progressBar) IsTerminal() bool { return true }

// GetTermSize implements [mpb.ConsoleWriter].
func (b *progressBar) GetTermSize() (width, height int, err error) { return b.width, 1, nil }

// Flush implements [mpb.ConsoleWriter].
func (b *progressBar) Flush(int) error {
	b.flushed <- strings.TrimRight(b.String(), "\n")
	b.Reset()
	return nil
}
