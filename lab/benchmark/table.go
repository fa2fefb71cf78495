//go:build linux

package main

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// A table is a table in Markdown.
type table struct {
	title string
	notes []string
	rows  [][]string // the first is the header
}

func newTable(title string, head ...string) *table {
	return &table{title: title, rows: [][]string{head}}
}

func (t *table) row(cells ...string) { t.rows = append(t.rows, cells) }

// note adds a sentence between the title and the table.
func (t *table) note(format string, arguments ...any) {
	t.notes = append(t.notes, fmt.Sprintf(format, arguments...))
}

// print prints the table with aligned columns, so that the source is readable.
func (t *table) print() {
	widths := make([]int, len(t.rows[0]))
	for _, row := range t.rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	line := func(cells []string, fill string) {
		for i, cell := range cells {
			fmt.Print("| ", cell, strings.Repeat(fill, widths[i]-utf8.RuneCountInString(cell)), " ")
		}
		fmt.Println("|")
	}
	fmt.Printf("\n### %s\n\n", t.title)
	if len(t.notes) > 0 {
		fmt.Printf("%s\n\n", strings.Join(t.notes, "\n"))
	}
	line(t.rows[0], " ")
	line(make([]string, len(widths)), "-")
	for _, row := range t.rows[1:] {
		line(row, " ")
	}
}
