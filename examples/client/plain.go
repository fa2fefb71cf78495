package main

import (
	"context"
	"io"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/go-rfcomm/rfcomm/examples/internal/show"
	"github.com/go-rfcomm/rfcomm/filetransfer"
	"github.com/go-rfcomm/rfcomm/internal/partfile"
)

// fetch gets a file in the plain dialect.
func fetch(ctx context.Context, o *options, conn net.Conn, name string) error {
	if o.output == "-" {
		meter := show.NewMeter(os.Stdout, newLine(o), name, -1)
		defer meter.End()
		return receive(ctx, o, conn, name, meter)
	}
	before := partSize(o.output)
	return kept(fetchFile(ctx, o, conn, name), o, before)
}

// fetchFile gets a file. The file gets its name only when it is complete.
func fetchFile(ctx context.Context, o *options, conn net.Conn, name string) error {
	root, err := os.OpenRoot(filepath.Dir(o.output))
	if err != nil {
		return err
	}
	defer root.Close()
	part, err := partfile.Open(root, filepath.Base(o.output), o.overwrite)
	if err != nil {
		return err
	}
	defer part.Close()
	file := &partWriter{part: part}
	meter := show.NewMeter(file, show.NewLine(os.Stderr), name, -1)
	err = receive(ctx, o, conn, name, meter)
	meter.End()
	if err == nil {
		err = file.begin() // for an empty file, which needs no Write
	}
	if err != nil {
		return err
	}
	return part.Commit(time.Time{}) // the plain dialect does not transfer the time
}

// receive receives a file and writes it to w. It returns an error if the server
// is silent for too long.
func receive(ctx context.Context, o *options, conn net.Conn, name string, w io.Writer) error {
	ctx, watched := watchSilence(ctx, conn, o.timeout)
	defer watched.timer.Stop()
	_, err := filetransfer.Fetch(ctx, watched, name, w)
	if cause := context.Cause(ctx); err != nil && cause != nil {
		return cause
	}
	return err
}

// A partWriter writes to a part file. It calls Begin only at the first byte, so
// that the part of an earlier get is kept if nothing arrives.
type partWriter struct {
	part  *partfile.File
	begun bool
}

func (w *partWriter) begin() error {
	if w.begun {
		return nil
	}
	w.begun = true
	return w.part.Begin(0o666, 0)
}

func (w *partWriter) Write(p []byte) (int, error) {
	if err := w.begin(); err != nil {
		return 0, err
	}
	return w.part.Write(p)
}
