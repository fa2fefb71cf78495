package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/go-rfcomm/rfcomm/filetransfer"
)

// Columns of a row.
const (
	shortestName = 12 // for which details are omitted
	shortestBar  = 10
	longestBar   = 24
	longDetails  = 48 // "99%  99.9 MB of 999.9 MB  99.9 kB/s  59m59s left"
)

// A batch is the place of a transfer among several ones.
type batch struct {
	index, count int   // from 1 on; no batch if the count is at most 1
	done, total  int64 // bytes of the files before it, and of all files; 0 if unknown
}

// text returns a text such as "2/10", or "2/10 35%" if there is room.
func (b batch) text(p filetransfer.Progress, width int) string {
	if b.count <= 1 || p.Done == p.Total {
		return ""
	}
	text := fmt.Sprintf("%d/%d ", b.index, b.count)
	if b.total > 0 && width >= narrow {
		text += percentText(b.done+p.Done, b.total) + " "
	}
	return text + " "
}

// row returns the state of a transfer of the batch in at most a number of columns.
func (b batch) row(p filetransfer.Progress, width int, waited time.Duration) progressRow {
	place := b.text(p, width)
	if columns(place)+shortestName > width {
		place = ""
	}
	row := rowOf(p, width-columns(place), waited)
	row.head = place + row.head
	return row
}

// rowOf returns the state of a transfer in at most a number of columns: fewer
// details if there is little room, and a shortened name.
func rowOf(p filetransfer.Progress, width int, waited time.Duration) progressRow {
	name := printable(p.Name)
	row := progressRow{done: p.Done, total: p.Total}
	// The bar depends on nothing that changes during the transfer.
	if room := width - columns(name) - longDetails - 4; 0 < p.Total && p.Done < p.Total && room >= shortestBar {
		row.bar = min(room, longestBar)
		width -= row.bar + 2
	}
	for _, details := range progressDetails(p, waited) {
		text := strings.Join(details, "  ")
		room := width - columns(text) - 2
		if room >= min(columns(name), shortestName) {
			row.head, row.tail = shorten(name, room)+"  ", text
			return row
		}
	}
	return progressRow{head: shorten(name, width)}
}

// progressDetails returns the details of a transfer in several forms, the longest
// one first.
func progressDetails(p filetransfer.Progress, waited time.Duration) [][]string {
	done, rate := bytesText(p.Done), rateText(p.Rate)
	if p.Done == p.Total {
		took := "in " + durationText(max(p.Elapsed, time.Millisecond))
		return [][]string{{"100%", done, rate, took}, {"100%", done, rate}, {"100%", done}, {"100%"}}
	}
	pause := "stalled " + waited.String()
	if p.Total < 0 && waited > 0 {
		return [][]string{{done, pause}, {done}}
	}
	if p.Total < 0 {
		return [][]string{{done, rate}, {done}}
	}
	percent := percentText(p.Done, p.Total)
	all := []string{percent, done + " of " + bytesText(p.Total), rate}
	switch {
	case waited > 0:
		return [][]string{{all[0], all[1], pause}, {percent, pause}, {percent}}
	case p.Remaining < 0:
		return [][]string{all[:2], {percent}}
	}
	left := durationText(p.Remaining) + " left"
	return [][]string{append(all, left), {percent, rate, left}, {percent, left}, {percent}}
}

// percentText returns a percentage. It is at most 99, so that 100 is not shown
// before the end.
func percentText(done, total int64) string {
	return fmt.Sprintf("%2d%%", min(int64(float64(done)/float64(total)*100), 99))
}
