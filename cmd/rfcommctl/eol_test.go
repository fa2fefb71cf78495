package main

import (
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func TestEOLReplacesLineFeeds(t *testing.T) {
	for end, want := range map[eol]string{"": "ATZ\n\nATI\n", eolCR: "ATZ\r\rATI\r", eolCRLF: "ATZ\r\n\r\nATI\r\n"} {
		for _, input := range []io.Reader{strings.NewReader("ATZ\n\nATI\n"), iotest.OneByteReader(strings.NewReader("ATZ\n\nATI\n"))} {
			if got, err := io.ReadAll(end.reader(input)); err != nil || string(got) != want {
				t.Errorf("%q: sent %q, %v, want %q", end, got, err, want)
			}
		}
	}
}

// The parts of a line end can arrive in different pieces.
func TestEOLWritesLineFeeds(t *testing.T) {
	const text = "ATZ\r\r\rELM327 v1.5\r\n\r\nOK\n>"
	for end, want := range map[eol]string{"": text, eolCR: "ATZ\n\n\nELM327 v1.5\n\nOK\n>", eolCRLF: "ATZ\n\n\nELM327 v1.5\n\nOK\n>"} {
		for size := 1; size <= len(text); size++ {
			var got strings.Builder
			w := end.writer(&got)
			for rest := text; rest != ""; rest = rest[min(size, len(rest)):] {
				if n, err := io.WriteString(w, rest[:min(size, len(rest))]); err != nil || n != min(size, len(rest)) {
					t.Fatal(n, err)
				}
			}
			if got.String() != want {
				t.Errorf("%q: printed %q, want %q", end, &got, want)
			}
		}
	}
}
