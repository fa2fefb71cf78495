package main

import (
	"strings"

	"github.com/clipperhouse/uax29/v2/graphemes"
	"github.com/mattn/go-runewidth"
)

// terminal counts columns as terminals do. It does not depend on the locale.
var terminal = &runewidth.Condition{StrictEmojiNeutral: true}

// columns returns the number of columns that a printable text has on a terminal.
// Marks that combine with the character before them have none; ideographs,
// Hangul, kana and emoji have two.
func columns(text string) int { return terminal.StringWidth(text) }

// characters returns the characters of a text, as people see them: with the marks
// that combine with them.
func characters(text string) (all []string) {
	for c := graphemes.FromString(text); c.Next(); {
		all = append(all, c.Value())
	}
	return all
}

// shorten replaces the middle of a text that has more than a number of columns
// with an ellipsis: the end of a file name is often what distinguishes it.
func shorten(text string, width int) string {
	if columns(text) <= width {
		return text
	}
	all := characters(text)
	head, tail, left := 0, len(all), width-columns("…")
	for first := true; head < tail; first = !first {
		next := all[tail-1]
		if first {
			next = all[head]
		}
		if left -= columns(next); left < 0 {
			break
		}
		if first {
			head++
		} else {
			tail--
		}
	}
	return strings.Join(all[:head], "") + "…" + strings.Join(all[tail:], "")
}
