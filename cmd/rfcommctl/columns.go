package main

import (
	"slices"
	"unicode"
)

// columns returns the number of columns that a printable text has on a terminal.
// Marks that combine with the character before them have none; ideographs,
// Hangul, kana and emoji have two.
func columns(text string) (n int) {
	for _, r := range text {
		n += runeColumns(r)
	}
	return n
}

// wideRunes are the ranges of characters with two columns (Unicode, East Asian
// Width W and F), except a few symbols.
var wideRunes = [][2]rune{
	{0x1100, 0x115f}, {0x2e80, 0x303e}, {0x3041, 0xa4cf}, {0xa960, 0xa97c}, {0xac00, 0xd7a3},
	{0xf900, 0xfaff}, {0xfe30, 0xfe6f}, {0xff01, 0xff60}, {0xffe0, 0xffe6},
	{0x1f300, 0x1f64f}, {0x1f680, 0x1f6ff}, {0x1f900, 0x1faff}, {0x20000, 0x3fffd},
}

func runeColumns(r rune) int {
	switch {
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		return 0
	case slices.ContainsFunc(wideRunes, func(wide [2]rune) bool { return wide[0] <= r && r <= wide[1] }):
		return 2
	}
	return 1
}

// shorten replaces the middle of a text that has more than a number of columns
// with an ellipsis: the end of a file name is often what distinguishes it.
func shorten(text string, width int) string {
	if columns(text) <= width {
		return text
	}
	runes := []rune(text)
	head, tail, left := 0, len(runes), width-columns("…")
	for first := true; head < tail; first = !first {
		next := runes[tail-1]
		if first {
			next = runes[head]
		}
		if left -= runeColumns(next); left < 0 {
			break
		}
		if first {
			head++
		} else {
			tail--
		}
	}
	return string(runes[:head]) + "…" + string(runes[tail:])
}
