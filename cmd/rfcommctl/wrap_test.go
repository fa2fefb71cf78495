package main

import (
	"strings"
	"testing"
)

func TestWrapTextBreaksLines(t *testing.T) {
	const text = "Connects to a service.\n\n\trfcommctl get 'a b c d' -o 'x y' | tail\n你好 你好 你好\n\t01:23:45:67:89:AB/00001101\n"
	for width, want := range map[int]string{
		80: "Connects to a service.\n\n  rfcommctl get 'a b c d' -o 'x y' | tail\n你好 你好 你好\n  01:23:45:67:89:AB/00001101\n",
		24: "Connects to a service.\n\n  rfcommctl get \\\n    'a b c d' -o 'x y' \\\n    | tail\n你好 你好 你好\n  01:23:45:67:89:AB/00001101\n",
		12: "Connects to\na service.\n\n  rfcommctl \\\n    get \\\n    'a b c d' \\\n    -o \\\n    'x y' \\\n    | tail\n你好 你好\n你好\n  01:23:45:67:89:AB/00001101\n",
	} {
		if got := wrapText(text, width); got != want {
			t.Errorf("%d columns:\n%s\nwant\n%s", width, got, want)
		}
	}
}

// Messages are wrapped on a terminal alone: a log has one line for each.
func TestMessagesFitTheTerminal(t *testing.T) {
	for _, width := range []int{40, 60, 80} {
		f := newFake(t)
		f.chatty = true
		f.lineWidth = func() int { return width }
		_, stderr := f.runs(t, statusUsage, "connect", "127.0.0.1:2020")
		if strings.Count(stderr, "\n") < 2 || !strings.HasPrefix(stderr, `rfcommctl: "127.0.0.1:2020" looks`) {
			t.Errorf("in %d columns: %q", width, stderr)
		}
		for i, line := range strings.Split(strings.TrimRight(stderr, "\n"), "\n") {
			if columns(line) > width || i > 0 != strings.HasPrefix(line, "  ") {
				t.Errorf("in %d columns: %q", width, line)
			}
		}
		f.chatty = false
		_, stderr = f.runs(t, statusUsage, "connect", "127.0.0.1:2020")
		wantError(t, stderr)
	}
}
