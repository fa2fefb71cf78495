package main

import (
	"bytes"
	_ "embed"
	"fmt"
	"html"
	"math"
	"strconv"
	"strings"
)

// The classes of all elements are in style.css. A viewer that ignores its dark
// half shows the light one, on a card with a background of its own. The colours
// of the four peers differ by at least 25 (CIE 1976) in each half, for readers
// without red, green or blue cones, too (Machado, Oliveira and Fernandes,
// 2009).
//
//go:embed style.css
var style string

// A picture is an SVG picture that is being drawn. Later elements cover earlier
// ones.
type picture struct{ bytes.Buffer }

// A point is a place in a picture, in pixels from the top left corner.
type point struct{ x, y float64 }

// newPicture begins a picture. Screen readers read the title and the
// description.
func newPicture(width, height float64, title, description string) *picture {
	p := new(picture)
	fmt.Fprintf(p, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %[1]s %[2]s" width="%[1]s" height="%[2]s" role="img" aria-labelledby="title desc">`+"\n",
		pixels(width), pixels(height))
	fmt.Fprintf(p, "<!-- Drawn by go run ./docs/figures. Do not edit. -->\n")
	fmt.Fprintf(p, "<title id=\"title\">%s</title>\n<desc id=\"desc\">%s</desc>\n", html.EscapeString(title), html.EscapeString(description))
	fmt.Fprintf(p, "<style>\n%s</style>\n", style)
	p.rect("card", 0.5, 0.5, width-1, height-1, 8)
	return p
}

// finish returns the picture.
func (p *picture) finish() []byte {
	p.WriteString("</svg>\n")
	return p.Bytes()
}

// text draws a line of text whose baseline begins, ends or is centred at a
// place, by the anchor of its classes.
func (p *picture) text(class string, x, y float64, text string) {
	fmt.Fprintf(p, "<text class=\"%s\" x=\"%s\" y=\"%s\">%s</text>\n", class, pixels(x), pixels(y), html.EscapeString(text))
}

// uprightText draws text that runs from the bottom to the top.
func (p *picture) uprightText(class string, x, y float64, text string) {
	fmt.Fprintf(p, "<text class=\"%s\" transform=\"translate(%s %s) rotate(-90)\">%s</text>\n", class, pixels(x), pixels(y), html.EscapeString(text))
}

func (p *picture) rect(class string, x, y, width, height, radius float64) {
	fmt.Fprintf(p, "<rect class=\"%s\" x=\"%s\" y=\"%s\" width=\"%s\" height=\"%s\" rx=\"%s\"/>\n",
		class, pixels(x), pixels(y), pixels(width), pixels(height), pixels(radius))
}

func (p *picture) line(class string, from, to point) {
	fmt.Fprintf(p, "<line class=\"%s\" x1=\"%s\" y1=\"%s\" x2=\"%s\" y2=\"%s\"/>\n",
		class, pixels(from.x), pixels(from.y), pixels(to.x), pixels(to.y))
}

func (p *picture) dot(class string, at point, radius float64) {
	fmt.Fprintf(p, "<circle class=\"%s\" cx=\"%s\" cy=\"%s\" r=\"%s\"/>\n", class, pixels(at.x), pixels(at.y), pixels(radius))
}

// polyline draws a line through all points; polygon closes and fills it.
func (p *picture) polyline(class string, points []point) { p.poly("polyline", class, points) }
func (p *picture) polygon(class string, points []point)  { p.poly("polygon", class, points) }

func (p *picture) poly(element, class string, points []point) {
	var places []string
	for _, at := range points {
		places = append(places, pixels(at.x)+","+pixels(at.y))
	}
	fmt.Fprintf(p, "<%s class=\"%s\" points=\"%s\"/>\n", element, class, strings.Join(places, " "))
}

// pixels formats a coordinate, with one decimal at most.
func pixels(v float64) string {
	return strconv.FormatFloat(math.Round(v*10)/10, 'f', -1, 64)
}
