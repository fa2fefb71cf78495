package main

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-rfcomm/rfcomm/filetransfer"
)

func TestProgressTextFits(t *testing.T) {
	const photo = "a photo of the harbor at noon.jpg"
	half := filetransfer.Progress{Name: photo, Done: 4_200_000, Total: 8_400_000, Rate: 1.1e6, Remaining: 3800 * time.Millisecond}
	whole := filetransfer.Progress{Name: "notes.txt", Done: 2000, Total: 2000, Rate: 1000, Elapsed: 2 * time.Second}
	for _, tt := range []struct {
		progress filetransfer.Progress
		width    int
		want     string
	}{
		{half, 100, photo + "  50%  4.2 MB of 8.4 MB  1.1 MB/s  3.8s left"},
		{half, 79, photo + "  50%  4.2 MB of 8.4 MB  1.1 MB/s  3.8s left"},
		{half, 70, "a photo of th… at noon.jpg  50%  4.2 MB of 8.4 MB  1.1 MB/s  3.8s left"},
		{half, 39, "a phot…on.jpg  50%  1.1 MB/s  3.8s left"},
		{half, 30, "a photo…on.jpg  50%  3.8s left"},
		{half, 18, "a phot…on.jpg  50%"},
		{half, 10, "a pho….jpg"},
		{whole, 79, "notes.txt  100%  2.0 kB  1.0 kB/s  in 2s"},
		{whole, 30, "notes.txt  100%  2.0 kB"},
		{filetransfer.Progress{Name: "f", Total: 2000, Remaining: -1}, 79, "f   0%  0 B of 2.0 kB"},
		{filetransfer.Progress{Name: "f", Done: 1999, Total: 2000, Rate: 1e3, Remaining: time.Millisecond}, 79, "f  99%  2.0 kB of 2.0 kB  1.0 kB/s  1ms left"},
		{filetransfer.Progress{Name: "f", Done: 1000, Total: -1, Rate: 500, Remaining: -1}, 79, "f  1.0 kB  500 B/s"},
		{filetransfer.Progress{Name: "f"}, 79, "f  100%  0 B  0 B/s  in 1ms"},
		{filetransfer.Progress{Name: "\x1b[2J写真", Done: 1, Total: 2, Remaining: -1}, 79, `\x1b[2J写真  50%  1 B of 2 B`},
	} {
		row := rowOf(tt.progress, tt.width, 0)
		got := row.head + row.tail
		if columns(got) > tt.width {
			t.Errorf("%q has %d columns, more than %d", got, columns(got), tt.width)
		}
		if got != tt.want {
			t.Errorf("in %d columns: %q, want %q", tt.width, got, tt.want)
		}
	}
}

// A screen is a terminal of one line: it interprets \r, \n and \b.
type screen struct {
	mu      sync.Mutex
	printed strings.Builder
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.printed.Write(p)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.printed.String()
}

// lines returns the lines that are on the screen.
func (s *screen) lines() (lines []string) {
	for text := range strings.SplitSeq(s.String(), "\n") {
		var line []rune
		at := 0
		for _, r := range text {
			switch r {
			case '\r':
				at = 0
			case '\b':
				at--
			default:
				line = append(line[:at], append([]rune{r}, line[min(at+1, len(line)):]...)...)
				at++
			}
		}
		lines = append(lines, strings.TrimRight(string(line), " "))
	}
	return lines
}

// see checks the last lines on the screen.
func (s *screen) see(t *testing.T, want ...string) {
	t.Helper()
	lines := s.lines()
	if got := lines[max(len(lines)-len(want), 0):]; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("the screen shows %q, want %q", lines, want)
	}
}

func TestStatusLineIsRedrawn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, s := newFake(t), new(screen)
		f.chatty, f.tool.stderr = true, s
		f.tool.lineWidth = func() int { return 80 }
		line, end := f.startLine()
		line.announce("Connecting to the printer")
		s.see(t, "Connecting to the printer")
		line.announce("Waiting")
		s.see(t, "Waiting")
		time.Sleep(5*time.Second + time.Millisecond)
		synctest.Wait()
		s.see(t, "Waiting  … 5s")
		f.warn("a message")
		s.see(t, "rfcommctl: a message", "Waiting  … 5s")
		line.update(filetransfer.Progress{Name: "a", Done: 1, Total: 2, Remaining: -1})
		s.see(t, "rfcommctl: a message", "a  [==========>-----------]  50%  1 B of 2 B")
		time.Sleep(7 * time.Second)
		synctest.Wait()
		s.see(t, "a  [==========>-----------]  50%  1 B of 2 B  stalled 6s")
		line.update(filetransfer.Progress{Name: "a", Done: 2, Total: 2})
		line.finish()
		line.announce("Waiting for more")
		s.see(t, "a  100%  2 B  0 B/s  in 1ms", "Waiting for more")
		line.clear()
		s.see(t, "a  100%  2 B  0 B/s  in 1ms", "")
		line.announce("Connecting again")
		end()
		s.see(t, "a  100%  2 B  0 B/s  in 1ms", "")
		line.announce("too late")
		f.warn("after it")
		s.see(t, "rfcommctl: after it", "")
	})
}

// A terminal that becomes narrower in the middle of a transfer gets shorter texts.
func TestStatusLineFitsNewWidth(t *testing.T) {
	f, s := newFake(t), new(screen)
	f.chatty, f.tool.stderr = true, s
	width := 80
	f.tool.lineWidth = func() int { return width }
	line, end := f.startLine()
	defer end()
	for _, name := range []string{"a.jpg", "a photo of the harbor at noon.jpg", "港口的照片在中午.jpg", "\xff\xfe"} {
		for _, width = range []int{80, 60, 40, 20, 5, 1, 0, 79} {
			line.next(batch{2, 10, 1e6, 50e6})
			line.update(filetransfer.Progress{Name: name, Done: 4_200_000, Total: 8_400_000, Rate: 1.1e6, Remaining: time.Second})
			lines := s.lines()
			last := lines[len(lines)-1]
			if columns(last) > max(width-3, 1) {
				t.Errorf("%q has more than %d columns", last, width-3)
			}
			if width >= 40 {
				wantParts(t, last, "2/10 ", "50%", "1s left", string([]rune(printable(name))[:3]))
			}
			line.finish()
		}
	}
}

func TestBatchShowsPlaceAndTotal(t *testing.T) {
	p := filetransfer.Progress{Name: "a.jpg", Done: 4_000_000, Total: 8_000_000, Rate: 1e6, Remaining: 4 * time.Second}
	whole := filetransfer.Progress{Name: "a.jpg", Done: 1000, Total: 1000, Rate: 1e6, Elapsed: time.Second}
	for _, tt := range []struct {
		batch    batch
		progress filetransfer.Progress
		width    int
		waited   time.Duration
		want     string
	}{
		{batch{2, 10, 1e6, 50e6}, p, 70, 0, "2/10 10%  a.jpg  50%  4.0 MB of 8.0 MB  1.0 MB/s  4s left"},
		{batch{2, 10, 1e6, 50e6}, p, 57, 0, "2/10  a.jpg  50%  4.0 MB of 8.0 MB  1.0 MB/s  4s left"},
		{batch{2, 10, 0, 0}, p, 70, 5 * time.Second, "2/10  a.jpg  50%  4.0 MB of 8.0 MB  stalled 5s"},
		{batch{2, 10, 0, 0}, p, 37, 5 * time.Second, "2/10  a.jpg  50%  stalled 5s"},
		{batch{1, 1, 0, 8e6}, p, 70, 0, "a.jpg  50%  4.0 MB of 8.0 MB  1.0 MB/s  4s left"},
		{batch{2, 10, 1e6, 50e6}, whole, 70, 0, "a.jpg  100%  1.0 kB  1.0 MB/s  in 1s"},
	} {
		row := tt.batch.row(tt.progress, tt.width, tt.waited)
		if got := row.head + row.tail; got != tt.want || columns(got) > tt.width {
			t.Errorf("in %d columns: %q, want %q", tt.width, got, tt.want)
		}
	}
}

// The line is left out on a pipe, and with --quiet.
func TestStatusLineNeedsTerminal(t *testing.T) {
	for _, quiet := range []bool{false, true} {
		f := newFileFake(t)
		write(t, "content", f.files, "a")
		f.chatty = quiet
		words := []string{"get", fileDevice, "a"}
		if quiet {
			words = append(words, "-q")
		}
		if stdout, stderr := f.runs(t, 0, words...); stdout+stderr != "" {
			t.Errorf("it printed %q and %q", stdout, stderr)
		}
	}
}

func TestGetShowsProgress(t *testing.T) {
	f := newFileFake(t)
	write(t, "content", f.files, "a")
	write(t, "more", f.files, "b")
	s := new(screen)
	f.chatty, f.tool.stderr = true, s
	f.runs(t, statusNotFound, "get", fileDevice, "a", "missing", "b")
	lines := s.lines()
	if len(lines) != 6 {
		t.Fatalf("the screen shows %q", lines)
	}
	wantParts(t, lines[0], "a  100%  7 B  ", "/s  in ")
	wantParts(t, lines[1], "rfcommctl: get missing: ")
	wantParts(t, lines[2], "b  100%  4 B  ")
	wantParts(t, lines[3], "2 of 3 files, 11 B in ")
	wantParts(t, lines[4], "rfcommctl: 1 of 3 files failed")
}

// Before a transfer resumes, both sides read the bytes that they have, which takes
// long for large files.
func TestResumeShowsWhyItWaits(t *testing.T) {
	for line, want := range map[string]string{
		"get a":           "Checking the first 4 B of a",
		"get b":           "Comparing b with the server's file",
		"get b --replace": "Comparing b with the server's file",
		"get c":           "Waiting for " + fileDevice,
		"get b c":         "Waiting for " + fileDevice,
		"put b":           "Asking the server what it has of b",
		"put c.here b":    "Asking the server what it has of b",
	} {
		f := newFileFake(t)
		for _, name := range []string{"a", "b", "c"} {
			write(t, "content", f.files, name)
		}
		write(t, "cont", "a.part")
		write(t, "content", "b")
		write(t, "content", "c.here")
		s := new(screen)
		f.chatty, f.tool.stderr = true, s
		words := strings.Fields(line)
		f.runs(t, 0, append([]string{words[0], fileDevice}, words[1:]...)...)
		shown := s.String()
		if i := strings.Index(shown, "100%"); i >= 0 && strings.Count(line, " ") > 1 && !strings.Contains(line, "--") {
			shown = shown[i:] // the last file
		}
		if !strings.Contains(shown, want) {
			t.Errorf("%s shows %q, want %q", line, shown, want)
		}
		if last := s.lines(); strings.Contains(strings.Join(last, "\n"), want) {
			t.Errorf("%s leaves %q", line, last)
		}
	}
}
