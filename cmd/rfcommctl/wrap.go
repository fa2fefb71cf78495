package main

import (
	"strings"
)

// wrapText breaks the lines of a text at the width. A line that begins with a tab
// is code: it is indented, and a command that is too long is continued with a
// backslash.
func wrapText(text string, width int) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if code, ok := strings.CutPrefix(line, "\t"); ok {
			b.WriteString(wrapCode(strings.TrimRight(code, "\n"), width))
		} else {
			b.WriteString(wrapWords("", line, width, 0))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// wrapWords returns the words of a text after a label, in lines of at most width columns
// if the words allow it. Further lines are indented.
func wrapWords(label, text string, width, indent int) string {
	var b strings.Builder
	b.WriteString(label)
	column := columns(label)
	for i, word := range strings.Fields(text) {
		length := columns(word)
		switch {
		case i == 0 && label == "":
		case i > 0 && column+1+length > width:
			b.WriteString("\n" + strings.Repeat(" ", indent))
			column = indent
		default:
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column += length
	}
	return b.String()
}

// wrapCode returns a line of code with an indentation. If it is too long, it is
// continued in further lines, as a shell does, at blanks that are not in quotes.
func wrapCode(code string, width int) string {
	const indent = "  "
	var b strings.Builder
	b.WriteString(indent)
	column := len(indent)
	words := shellWords(code)
	for i, word := range words {
		room := width
		if i < len(words)-1 {
			room -= len(` \`)
		}
		switch {
		case i == 0:
		case column+1+columns(word) > room:
			b.WriteString(" \\\n" + indent + indent)
			column = 2 * len(indent)
		default:
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column += columns(word)
	}
	return b.String()
}

// shellWords returns the words of a shell's line, with their quotes.
func shellWords(line string) []string {
	var quote rune
	return strings.FieldsFunc(line, func(r rune) bool {
		switch {
		case quote == 0 && (r == '\'' || r == '"'):
			quote = r
		case r == quote:
			quote = 0
		}
		return quote == 0 && r == ' '
	})
}
