package main

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/go-rfcomm/rfcomm/cmd/rfcommctl/internal/speed"
)

// A speedScreen shows a graph in the last lines of a terminal. It is redrawn in
// place. Other output goes through its Write, and appears above it. A nil
// speedScreen shows nothing.
type speedScreen struct {
	w    io.Writer
	size func() (columns, rows int)
	*glyphs

	mu    sync.Mutex
	lines []string // on the terminal
	ended bool
}

// startGraph makes standard error a speedScreen, until the call of end, if it is a
// terminal and there is no --quiet.
func (t *tool) startGraph(m *measurement) (end func()) {
	if !t.chatty || t.quiet || os.Getenv("TERM") == "dumb" || runtime.GOOS == "windows" {
		return func() {}
	}
	before := t.stderr
	m.shown = &speedScreen{w: before, size: t.lineSize, glyphs: glyphsFor(os.Getenv)}
	t.stderr = m.shown
	return func() {
		m.shown.finish()
		t.stderr = before
	}
}

// announce shows lines, or none, until there is a graph.
func (s *speedScreen) announce(lines ...string) {
	if s != nil {
		s.draw(lines)
	}
}

// show shows a measurement.
func (s *speedScreen) show(m *measurement) {
	if s != nil {
		s.draw(m.picture(s.glyphs, s.size))
	}
}

// draw replaces the lines on the terminal.
func (s *speedScreen) draw(lines []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.ended {
		s.redraw(lines, "")
	}
}

// redraw writes a text above the lines. The caller holds s.mu.
func (s *speedScreen) redraw(lines []string, above string) error {
	var b strings.Builder
	b.WriteString("\r")
	columns, _ := s.size()
	if up := rowsOf(s.lines, columns); up > 0 {
		fmt.Fprintf(&b, "\x1b[%dA", up)
	}
	b.WriteString("\x1b[J" + above)
	for _, line := range lines {
		b.WriteString(line + "\n")
	}
	s.lines = lines
	_, err := io.WriteString(s.w, b.String())
	return err
}

// rowsOf returns the number of rows of lines on a terminal. One that became
// narrower has broken them.
func rowsOf(lines []string, width int) (rows int) {
	for _, line := range lines {
		rows += max((columns(line)+width-1)/width, 1)
	}
	return rows
}

// Write implements [io.Writer]. It writes complete lines above the graph.
func (s *speedScreen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return s.w.Write(p)
	}
	return len(p), s.redraw(s.lines, string(p))
}

// finish leaves the graph on the terminal. Further output appears below it.
func (s *speedScreen) finish() {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.ended {
		s.ended = true
		io.WriteString(s.w, "\r\x1b[J") // what a person typed, such as ^C
	}
}

// graphRows is the number of rows of the graphs, without their titles.
const graphRows = 8

// picture returns the lines of the graph of a measurement.
func (m *measurement) picture(g *glyphs, size func() (columns, rows int)) []string {
	width, height := size()
	width-- // a character in the last column can begin a new line
	send, receive := m.values()
	top := topOf(send, receive)
	if c := m.results.ceiling; c != nil {
		top = c.OneWay
	}
	graphs := []*graph{{title: m.title("send"), values: send}, {title: m.title("receive"), values: receive}}
	switch {
	case m.o.echo:
		graphs = []*graph{{title: m.title("echo"), values: receive}}
	case m.o.direction == "send":
		graphs = graphs[:1]
	case m.o.direction == "receive":
		graphs = graphs[1:]
	}
	var lines []string
	rows := min(graphRows, height-len(graphs)-3) / len(graphs)
	for _, one := range graphs {
		one.top, one.bar, one.glyphs = top, m.bar(width), g
		lines = append(lines, one.lines(width, max(rows, 1))...)
	}
	return append(lines, m.footer(width))
}

// values returns the rates of both directions.
func (m *measurement) values() (send, receive []float64) {
	value := func(s speedSample, c *speed.Count) float64 {
		switch {
		case s.gap:
			return noLink
		case c == nil:
			return noValue
		}
		return c.Rate()
	}
	for _, s := range m.samples {
		send, receive = append(send, value(s, s.send)), append(receive, value(s, s.receive))
	}
	return send, receive
}

// bar returns the number of columns of an interval: as many as fit if all
// intervals of the test are visible.
func (m *measurement) bar(width int) int {
	intervals := int(m.o.duration/m.o.interval.duration) + 1
	if m.o.duration == 0 {
		return 1
	}
	return max((width-axisColumns)/intervals, 1)
}

// title returns the title of a graph, with the last rate that was measured.
func (m *measurement) title(name string) string {
	for i := len(m.samples) - 1; i >= 0; i-- {
		s := m.samples[i]
		count := s.receive
		if name == "send" {
			count = s.send
		}
		switch {
		case s.gap && i == len(m.samples)-1:
			return name + "  no connection"
		case count != nil:
			share := ""
			if s.send == nil || s.receive == nil {
				share = shareText(m.results.share(count.Rate(), false))
			}
			return name + "  " + bitsText(count.Rate()) + share
		}
	}
	return name
}

// footer returns the last line: as many details as fit.
func (m *measurement) footer(width int) string {
	s := m.samples[len(m.samples)-1]
	text := s.at.Truncate(time.Second).String()
	if m.o.duration > 0 {
		text += " of " + m.o.duration.String()
	}
	var details []string
	if len(m.results.trips) > 0 {
		details = append(details, "round trip "+tripText(median(m.results.sortedTrips())))
	}
	details = append(signalTexts(s.signal), details...)
	if m.results.losses > 0 {
		details = append([]string{fmt.Sprintf("losses %d", m.results.losses)}, details...)
	}
	for _, detail := range details {
		if columns(text)+2+columns(detail) <= width {
			text += "  " + detail
		}
	}
	return shorten(text, width)
}
