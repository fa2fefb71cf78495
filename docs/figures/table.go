package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A table is a Markdown table.
type table struct {
	head []string
	rows [][]string
}

// findTable returns the first table below the heading.
func findTable(document, heading string) (table, error) {
	_, below, found := strings.Cut(document, "\n### "+heading+"\n")
	if !found {
		return table{}, fmt.Errorf("no heading %q", heading)
	}
	below, _, _ = strings.Cut(below, "\n#")
	var t table
	for line := range strings.Lines(below) {
		cells, ok := tableRow(line)
		switch {
		case !ok && t.head == nil:
		case !ok:
			return t, nil
		case t.head == nil:
			t.head = cells
		case strings.Trim(strings.Join(cells, ""), ":-") != "":
			t.rows = append(t.rows, cells)
		}
	}
	if t.rows == nil {
		return table{}, fmt.Errorf("no table below the heading %q", heading)
	}
	return t, nil
}

// tableRow returns the cells of a line if it belongs to a table.
func tableRow(line string) (cells []string, ok bool) {
	line, ok = strings.CutPrefix(strings.TrimSpace(line), "|")
	if !ok {
		return nil, false
	}
	for cell := range strings.SplitSeq(strings.TrimSuffix(line, "|"), "|") {
		cells = append(cells, strings.TrimSpace(cell))
	}
	return cells, true
}

// A measurement is the rate of a write size.
type measurement struct {
	size int
	rate float64
	word string // in place of a rate, such as "hangs"
}

// measured reports whether there is a rate.
func (m measurement) measured() bool { return m.word == "" }

// sizeColumn heads the column with the write sizes.
const sizeColumn = "bytes in a write"

// rates returns the measurements in the named column, in the order of the
// table.
func (t table) rates(column string) ([]measurement, error) {
	sizes, values := slices.Index(t.head, sizeColumn), slices.Index(t.head, column)
	if sizes < 0 || values < 0 {
		return nil, fmt.Errorf("no columns %q and %q in %q", sizeColumn, column, t.head)
	}
	var all []measurement
	for _, row := range t.rows {
		if len(row) != len(t.head) {
			return nil, fmt.Errorf("%d cells in a row of %d columns: %q", len(row), len(t.head), row)
		}
		size, err := strconv.Atoi(row[sizes])
		if err != nil {
			return nil, err
		}
		m := measurement{size: size}
		// The spread of the rounds may follow in brackets.
		median, _, _ := strings.Cut(row[values], " (")
		if m.rate, err = strconv.ParseFloat(median, 64); err != nil {
			m.word = row[values]
		}
		all = append(all, m)
	}
	return all, nil
}

// rateOf returns the rate of a write size.
func rateOf(all []measurement, size int) (float64, error) {
	for _, m := range all {
		if m.size == size && m.measured() {
			return m.rate, nil
		}
	}
	return 0, fmt.Errorf("no rate for writes of %d bytes", size)
}
