package main

import (
	"errors"
	"fmt"
	"math"
)

// The headings of the tables that are drawn, and their columns.
const (
	airHeading  = "Payload rate by write size, kB/s"
	freeHeading = "Throughput of a stream, MB/s"

	thisLibrary = "this library"
	rctest      = "rctest"
	python      = "Python socket"
	rawCalls    = "raw system calls"
)

// ceiling is the rate in kB/s of a stream that fills every 3-DH5 packet: 1021
// bytes in 5 slots of 625 µs, and one slot for the reply (Core Specification,
// Volume 2, Part B, section 6.5).
const ceiling = 1021 / (6 * 0.625)

const throughputDescription = "Two charts. With time on the air, in kB/s by write size from 32 bytes to 32 KiB: " +
	"the rate rises until a write fills a packet and drops behind that size. Above 1016 bytes this library is faster than " +
	"rctest and raw system calls, and from 2.5 KiB on it is close to the ceiling. Without time on the air, in MB/s for five write sizes: " +
	"from 1012 bytes on all of them are several times faster than the air, and rctest is the fastest until it hangs at " +
	"32 KiB. The figures are in the tables of benchmarks.md."

// The place of the two charts.
const (
	throughputWidth  = 920
	throughputHeight = 800
	chartLeft        = 64
	chartRight       = throughputWidth - 40
)

// drawThroughput draws the throughput by write size, from the tables of the
// document.
func drawThroughput(document string) ([]byte, error) {
	p := newPicture(throughputWidth, throughputHeight, "Throughput by write size", throughputDescription)
	p.text("title", 28, 40, "Throughput by write size")
	air, err := findTable(document, airHeading)
	if err != nil {
		return nil, err
	}
	free, err := findTable(document, freeHeading)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(drawCurves(p, air), drawBars(p, free)); err != nil {
		return nil, err
	}
	return p.finish(), nil
}

// The curves: write sizes on a logarithmic axis, rates on a linear one.
const (
	curvesTop    = 132
	curvesBottom = 430
	curvesMost   = 300 // kB/s
	leastSize    = 32
	mostSize     = 32768
)

// onCurve returns the place of a rate in the chart of curves.
func onCurve(size, rate float64) point {
	part := math.Log2(size/leastSize) / math.Log2(mostSize/leastSize)
	return point{
		x: chartLeft + part*(chartRight-chartLeft),
		y: curvesBottom - rate/curvesMost*(curvesBottom-curvesTop),
	}
}

// drawCurves draws the rates with time on the air.
func drawCurves(p *picture, t table) error {
	ours, err := t.rates(thisLibrary)
	if err != nil {
		return err
	}
	raw, err := t.rates(rawCalls)
	if err != nil {
		return err
	}
	other, err := t.rates(rctest)
	if err != nil {
		return err
	}
	p.text("head", 28, 72, "With time on the air")
	p.text("quiet", 28, 92, "This library cuts a Write into chunks that fill 3-DH5 packets; rctest and raw system calls send whole buffers.")
	drawCurveAxes(p)
	p.polygon("gain", append(curve(ours), reversed(curve(raw))...))
	p.polyline("curve raw", curve(raw))
	p.polyline("curve rctest", curve(other))
	p.polyline("curve ours", curve(ours))
	for _, at := range curve(ours) {
		p.dot("ours", at, 2.5)
	}
	return labelCurves(p, ours, raw, other)
}

// drawCurveAxes draws the grid, the numbers and the ceiling.
func drawCurveAxes(p *picture) {
	for rate := 0.0; rate <= curvesMost; rate += 50 {
		from := onCurve(leastSize, rate)
		p.line(map[bool]string{true: "axis", false: "grid"}[rate == 0], from, point{chartRight, from.y})
		p.text("small quiet end", chartLeft-10, from.y+4, fmt.Sprint(rate))
	}
	p.text("small quiet end", chartLeft-10, curvesTop-14, "kB/s")
	for size := leastSize; size <= mostSize; size *= 2 {
		at := onCurve(float64(size), 0)
		p.line("axis", at, point{at.x, at.y + 5})
		p.text("small quiet middle", at.x, at.y+20, bytesLabel(size))
	}
	p.text("small quiet middle", (chartLeft+chartRight)/2, curvesBottom+40, "bytes in a write")
	full := onCurve(leastSize, ceiling)
	p.line("limit", full, point{chartRight, full.y})
	p.text("small", chartLeft+4, full.y-7, fmt.Sprintf("ceiling: %.0f kB/s, every packet full", ceiling))
}

// bytesLabel returns a write size in the largest unit that divides it.
func bytesLabel(size int) string {
	if size%1024 == 0 {
		return fmt.Sprintf("%d KiB", size/1024)
	}
	return fmt.Sprintf("%d B", size)
}

// curve returns the places of all measurements that have a rate.
func curve(all []measurement) []point {
	var points []point
	for _, m := range all {
		if m.measured() {
			points = append(points, onCurve(float64(m.size), m.rate))
		}
	}
	return points
}

func reversed(points []point) []point {
	turned := make([]point, len(points))
	for i, at := range points {
		turned[len(points)-1-i] = at
	}
	return turned
}

// labelCurves names the curves and the places where they drop.
func labelCurves(p *picture, ours, raw, other []measurement) error {
	peaks := []struct {
		size   int
		class  string
		x, y   float64 // of the text, from the point
		format string
	}{
		{75, "small end", 90, -12, "75 bytes fill a 3-DH1 packet: %.0f"},
		{543, "small end", -8, -8, "543 bytes fill a 3-DH3 packet: %.0f"},
		{1012, "small strong", 8, -10, "1012 bytes fill a 3-DH5 packet: %.0f kB/s"},
		{1016, "small", 34, 92, "1016 bytes are 4 too many: %.0f"},
	}
	var failed error
	for _, peak := range peaks {
		rate, err := rateOf(ours, peak.size)
		failed = errors.Join(failed, err)
		at := onCurve(float64(peak.size), rate)
		if peak.y > 0 { // from where the text is below another curve
			p.line("lead", at, point{at.x + peak.x - 4, at.y + peak.y - 8})
		}
		p.text(peak.class, at.x+peak.x, at.y+peak.y, fmt.Sprintf(peak.format, rate))
	}
	return errors.Join(failed, labelEnds(p, ours, raw, other))
}

// labelEnds names the curves at their right ends.
func labelEnds(p *picture, ours, raw, other []measurement) error {
	oursLast, err := rateOf(ours, mostSize)
	if err != nil {
		return err
	}
	rawLast, err := rateOf(raw, mostSize)
	if err != nil {
		return err
	}
	at := onCurve(mostSize, oursLast)
	p.text("ours strong end", at.x, at.y+48, fmt.Sprintf("this library: %.0f kB/s", oursLast))
	at = onCurve(mostSize, rawLast)
	p.text("quiet strong end", at.x, at.y+26, fmt.Sprintf("raw system calls: %.0f kB/s", rawLast))
	for _, m := range other {
		if !m.measured() {
			p.text("rctest strong end", at.x, at.y+46, fmt.Sprintf("rctest: the same, but %s from %s on", m.word, bytesLabel(m.size)))
			break
		}
	}
	return nil
}

// The bars: groups by write size, rates on a linear axis without numbers, since
// each bar has its own.
const (
	barsTop    = 560
	barsBottom = 740
	barsMost   = 4.5 // MB/s
	barWidth   = 30
	barGap     = 3
)

// barColumns are the columns of the table that have bars, with their classes.
var barColumns = []struct{ name, class string }{
	{thisLibrary, "ours"}, {rctest, "rctest"}, {python, "python"}, {rawCalls, "raw"},
}

// onBars returns the height at which a rate in MB/s is.
func onBars(rate float64) float64 { return barsBottom - rate/barsMost*(barsBottom-barsTop) }

// drawBars draws the rates without time on the air.
func drawBars(p *picture, t table) error {
	p.text("head", 28, 512, "Without time on the air")
	p.text("quiet", 28, 532, "In MB/s. The limit is the lab's emulated machine, which runs both ends on two processors.")
	p.line("axis", point{chartLeft, barsBottom}, point{chartRight, barsBottom})
	group := float64(chartRight-chartLeft) / float64(len(t.rows))
	inset := (group - float64(len(barColumns))*(barWidth+barGap) + barGap) / 2
	for i, column := range barColumns {
		all, err := t.rates(column.name)
		if err != nil {
			return err
		}
		for j, m := range all {
			drawBar(p, column.class, chartLeft+float64(j)*group+inset+float64(i)*(barWidth+barGap), m)
			if i == 0 {
				p.text("small quiet middle", chartLeft+(float64(j)+0.5)*group, barsBottom+20, bytesLabel(m.size))
			}
		}
		y := barsTop + 12 + 20*float64(i)
		p.rect(column.class, chartLeft+8, y-10, 12, 12, 2)
		p.text("", chartLeft+28, y, column.name)
	}
	p.text("small quiet middle", (chartLeft+chartRight)/2, barsBottom+40, "bytes in a write")
	air := onBars(ceiling / 1e3)
	p.line("limit", point{chartLeft, air}, point{chartRight, air})
	p.text("small end", chartLeft-6, air+4, fmt.Sprintf("air: %.2f", ceiling/1e3))
	return nil
}

// drawBar draws a bar from x on with its rate, or the word in its place.
func drawBar(p *picture, class string, x float64, m measurement) {
	top, air := onBars(m.rate), onBars(ceiling/1e3)
	if !m.measured() {
		p.uprightText("small "+class, x+barWidth/2+4, air-6, m.word)
		return
	}
	p.rect(class, x, top, barWidth, barsBottom-top, 2)
	p.text("small middle", x+barWidth/2, min(top, air)-5, fmt.Sprintf("%.2f", m.rate))
}
