package main

import (
	"context"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-rfcomm/rfcomm/examples/internal/show"
)

// A handler writes the log of the server as lines for people: the time, the
// message and its attributes.
//
//	15:04:05 sent  client=[01:23:45:67:89:AB]:20  name=photo.jpg  size=8.4 MB  rate=1.1 MB/s
type handler struct {
	mu         *sync.Mutex // shared by all handlers that write to w
	w          io.Writer
	group      string // prefix of the keys of attributes
	attributes string // attributes of all lines
}

func newHandler(w io.Writer) *handler { return &handler{mu: new(sync.Mutex), w: w} }

// Enabled implements [slog.Handler].
func (h *handler) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelInfo }

// Handle implements [slog.Handler].
func (h *handler) Handle(_ context.Context, r slog.Record) error {
	var line strings.Builder
	line.WriteString(r.Time.Format(time.TimeOnly) + " " + show.Text(r.Message) + h.attributes)
	r.Attrs(func(a slog.Attr) bool {
		line.WriteString(h.attribute(a))
		return true
	})
	line.WriteByte('\n')
	h.mu.Lock()
	defer h.mu.Unlock()
	_, err := io.WriteString(h.w, line.String())
	return err
}

// WithAttrs implements [slog.Handler].
func (h *handler) WithAttrs(attributes []slog.Attr) slog.Handler {
	with := *h
	for _, a := range attributes {
		with.attributes += h.attribute(a)
	}
	return &with
}

// WithGroup implements [slog.Handler].
func (h *handler) WithGroup(name string) slog.Handler {
	with := *h
	with.group += name + "."
	return &with
}

// attribute returns the text of an attribute. Numbers get their units. Names
// and errors may contain control characters that a client has sent, so those
// are quoted or replaced.
func (h *handler) attribute(a slog.Attr) string {
	key, value := h.group+a.Key, a.Value.Resolve()
	text := show.Text(value.String())
	switch {
	case key == "bytes":
		key, text = "size", show.Bytes(value.Int64())
	case key == "bytes/s":
		key, text = "rate", show.Rate(float64(value.Int64()))
	case key == "seconds":
		key, text = "time", show.Duration(time.Duration(value.Float64()*float64(time.Second)))
	case value.Kind() == slog.KindString && strings.Contains(text, " "):
		text = strconv.Quote(value.String())
	case value.Kind() == slog.KindString:
		text = show.Name(value.String())
	}
	return "  " + key + "=" + text
}
