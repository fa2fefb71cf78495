package main

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/go-rfcomm/rfcomm"
)

// A logHandler writes the log of a file server in lines for people: the time, the
// client, the message, and its attributes.
//
//	15:04:05  01:23:45:67:89:AB  sent photo.jpg  8.4 MB  in 7.6s  1.1 MB/s
type logHandler struct {
	t          *tool
	line       *statusLine // shows a transfer; or nil
	attributes []slog.Attr // of all lines
}

func newLogHandler(t *tool, line *statusLine) *logHandler { return &logHandler{t: t, line: line} }

// Enabled implements [slog.Handler].
func (h *logHandler) Enabled(_ context.Context, level slog.Level) bool {
	switch {
	case h.t.quiet:
		return level >= slog.LevelWarn
	case h.t.verbose:
		return true
	}
	return level >= slog.LevelInfo
}

// Handle implements [slog.Handler].
func (h *logHandler) Handle(_ context.Context, r slog.Record) error {
	line := logLine{verbose: h.t.verbose, message: r.Message}
	for _, a := range h.attributes {
		line.add(a)
	}
	r.Attrs(func(a slog.Attr) bool {
		line.add(a)
		return true
	})
	h.line.clear() // the transfer may have ended
	_, err := fmt.Fprintln(h.t.stderr, line.text(r.Time))
	return err
}

// WithAttrs implements [slog.Handler].
func (h *logHandler) WithAttrs(attributes []slog.Attr) slog.Handler {
	with := *h
	with.attributes = append(slices.Clone(h.attributes), attributes...)
	return &with
}

// WithGroup implements [slog.Handler]. The server has no groups.
func (h *logHandler) WithGroup(string) slog.Handler { return h }

// A logLine is a line of the log.
type logLine struct {
	verbose         bool
	client, message string
	name, failure   string
	details         []string
}

// add adds an attribute.
func (l *logLine) add(a slog.Attr) {
	value := a.Value.Resolve()
	switch a.Key {
	case "client":
		l.client = clientText(value.String())
	case "name":
		l.name = value.String()
	case "error":
		l.failure = value.String()
	case "sha256", "request": // an error has the request as well
		if l.verbose {
			l.details = append(l.details, a.Key+"="+value.String())
		}
	default:
		if text := detailText(a.Key, value); text != "" {
			l.details = append(l.details, text)
		}
	}
}

// detailText returns the text of an attribute, or "". Numbers get their units.
func detailText(key string, value slog.Value) string {
	number := value.Kind() == slog.KindInt64
	switch {
	case number && (key == "bytes" || key == "size"):
		return bytesText(value.Int64())
	case number && key == "bytes/s":
		return rateText(float64(value.Int64()))
	case number && key == "offset":
		return "from " + bytesText(value.Int64()) + " on"
	case key == "size":
		return "" // unknown, as is that of each empty file
	case key == "seconds" && value.Kind() == slog.KindFloat64:
		return "in " + durationText(max(time.Duration(value.Float64()*float64(time.Second)), time.Millisecond))
	case key == "replaced":
		return "replaced an existing file"
	}
	return key + "=" + value.String()
}

// text returns the line. Names and errors can contain control characters that a
// client has sent, which are escaped.
func (l *logLine) text(when time.Time) string {
	parts := []string{when.Format(time.TimeOnly)}
	if l.client != "" {
		parts = append(parts, l.client)
	}
	message := l.message
	if l.name != "" {
		message += " " + printable(l.name)
	}
	if l.failure != "" {
		message += ": " + l.failure
	}
	return oneLine(strings.Join(append(append(parts, message), l.details...), "  "))
}

// clientText returns the address of a device without the channel, or another
// address.
func clientText(address string) string {
	device, _, ok := strings.Cut(strings.TrimPrefix(address, "["), "]")
	if _, err := rfcomm.ParseBDAddr(device); ok && err == nil {
		return device
	}
	return address
}
