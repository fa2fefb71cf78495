package main

import (
	"fmt"
	"math"
	"strings"
)

// glyphs are the characters of a graph.
type glyphs struct {
	bars []string // from nothing to a full character
	axis string
	zero string // a rate of 0
	gap  string // no connection
}

var (
	blockGlyphs = &glyphs{strings.Split(" ▁▂▃▄▅▆▇█", ""), "│", "_", "x"}
	asciiGlyphs = &glyphs{strings.Split(" .:#", ""), "|", "_", "x"}
)

// glyphsFor returns the characters for the locale of the environment.
func glyphsFor(getenv func(string) string) *glyphs {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if value := strings.ToUpper(getenv(name)); value != "" {
			if strings.Contains(value, "UTF-8") || strings.Contains(value, "UTF8") {
				return blockGlyphs
			}
			break
		}
	}
	return asciiGlyphs
}

// Values of a graph that are not rates.
var (
	noValue = math.NaN()   // not measured
	noLink  = math.Inf(-1) // no connection
)

// A graph shows rates, in bits per second, as bars.
type graph struct {
	title  string
	values []float64
	top    float64 // the rate at the top
	bar    int     // columns of a value
	*glyphs
}

// axisColumns is the width of the axis and its figures.
const axisColumns = 6

// lines returns the graph in a number of columns, and of rows beside the title. It
// shows the last values.
func (g *graph) lines(columns, rows int) []string {
	lines := []string{shorten(g.title, columns)}
	count := max((columns-axisColumns)/g.bar, 0)
	values := g.values[max(len(g.values)-count, 0):]
	for row := rows - 1; row >= 0; row-- {
		label := ""
		switch row {
		case rows - 1:
			label = axisText(g.top)
		case 0:
			label = "0"
		}
		var b strings.Builder
		fmt.Fprintf(&b, "%*s%s", axisColumns-1, label, g.axis)
		for _, value := range values {
			b.WriteString(strings.Repeat(g.glyph(value, row, rows), g.bar))
		}
		lines = append(lines, strings.TrimRight(b.String(), " "))
	}
	return lines
}

// glyph returns the character of a value in a row.
func (g *graph) glyph(value float64, row, rows int) string {
	full := len(g.bars) - 1
	switch {
	case math.IsNaN(value):
		return g.bars[0]
	case row == 0 && value == noLink:
		return g.gap
	case row == 0 && value == 0:
		return g.zero
	case value <= 0:
		return g.bars[0]
	}
	steps := max(int(math.Round(value/g.top*float64(rows*full))), 1)
	return g.bars[min(max(steps-row*full, 0), full)]
}

// axisText returns a rate for the axis, in the unit of bitsText.
func axisText(bits float64) string {
	number, _, _ := strings.Cut(bitsText(bits), " ")
	return number
}

// topOf returns the rate at the top of a graph without a ceiling.
func topOf(values ...[]float64) float64 {
	top := 1e3
	for _, all := range values {
		for _, value := range all {
			if value > top { // not so for NaN
				top = value
			}
		}
	}
	unit := math.Pow(10, math.Floor(math.Log10(top)))
	return math.Ceil(top/unit) * unit
}
