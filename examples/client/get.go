package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"github.com/go-rfcomm/rfcomm/examples/internal/show"
	"github.com/go-rfcomm/rfcomm/internal/partfile"
)

// get gets one file.
func get(ctx context.Context, o *options) error {
	name := o.words[0]
	if o.output == "" {
		var err error
		if o.output, err = localName(name); err != nil {
			return err
		}
	}
	if err := checkFree(o); err != nil {
		return err
	}
	if o.plain {
		conn, err := connect(ctx, o)
		if err != nil {
			return err
		}
		defer conn.Close()
		return fetch(ctx, o, conn, name)
	}

	line := newLine(o)
	client, err := newClient(ctx, o, line)
	if err != nil {
		return err
	}
	defer client.Close()
	defer line.End()
	if o.output == "-" {
		_, err := client.Get(ctx, name, os.Stdout)
		return err
	}
	before := partSize(o.output)
	if before > 0 {
		fmt.Fprintf(os.Stderr, "client: %s has %s already; going on from there, unless the file has changed\n",
			show.Name(o.output+".part"), show.Bytes(before))
	}
	_, err = client.Download(ctx, name, o.output)
	return kept(err, o, before)
}

// localName returns where a file of the server goes if nothing else is said: into
// the current folder, with the last part of its name.
func localName(name string) (string, error) {
	switch local := path.Base(name); local {
	case ".", "..", "/":
		return "", fmt.Errorf("%s is no name that a file can have; \"get -o FILE\" gives it another one", show.Name(name))
	case "-":
		return "./-", nil // which is not the standard output
	default:
		return local, nil
	}
}

// checkFree refuses, before anything is transferred, what could not be put into
// its place.
func checkFree(o *options) error {
	if o.output == "-" {
		return nil
	}
	root, err := os.OpenRoot(filepath.Dir(o.output))
	if err != nil {
		return err
	}
	defer root.Close()
	err = partfile.Check(root, filepath.Base(o.output), o.overwrite)
	if errors.Is(err, fs.ErrExist) {
		advice := "\"get -o FILE\" puts what comes elsewhere"
		if info, err := os.Stat(o.output); err == nil && info.Mode().IsRegular() {
			advice += ", -f would replace what is there"
		}
		return &advisedError{err, advice}
	}
	return err
}

// newLine returns the line that shows how far a get is.
func newLine(o *options) *show.Line {
	if o.output == "-" && show.Terminal(os.Stdout) {
		return nil // it would be drawn into the content
	}
	return show.NewLine(os.Stderr)
}

// partSize returns how much there is of a file that an earlier get has begun.
func partSize(path string) int64 {
	info, err := os.Stat(path + ".part")
	if err != nil || !info.Mode().IsRegular() {
		return 0
	}
	return info.Size()
}

// kept adds to the error of a get where that has put what came, and what to do
// with it, if there was not as much of it before.
func kept(err error, o *options, before int64) error {
	after := partSize(o.output)
	if err == nil || after == before {
		return err
	}
	next := "the same get goes on from there"
	if o.plain || o.command != "get" {
		next = "get without -plain goes on from there"
	}
	return &advisedError{err, fmt.Sprintf("%s has the %s that came; %s", show.Name(o.output+".part"), show.Bytes(after), next)}
}
