package main

import (
	"context"
	"fmt"
	"os"
	"path"

	"github.com/go-rfcomm/rfcomm/examples/internal/show"
	"github.com/go-rfcomm/rfcomm/filetransfer"
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
	line := newLine(o)
	client, err := newClient(ctx, o, line)
	if err != nil {
		return err
	}
	defer line.End()
	return receive(ctx, o, client, name)
}

// receive gets a file and closes the client.
func receive(ctx context.Context, o *options, client *filetransfer.Client, name string) error {
	defer client.Close()
	if o.output == "-" {
		_, err := client.Get(ctx, name, os.Stdout)
		return err
	}
	before := partSize(o.output)
	if before > 0 && !o.plain {
		fmt.Fprintf(os.Stderr, "client: %s already has %s; going on from there, unless the file has changed\n",
			show.Name(o.output+".part"), show.Bytes(before))
	}
	_, err := client.Download(ctx, name, o.output)
	return kept(err, o, before)
}

// localName returns the default local name of a file of the server: the last
// element of its name, in the current directory.
func localName(name string) (string, error) {
	switch local := path.Base(name); local {
	case ".", "..", "/":
		return "", fmt.Errorf("%s is not a valid name for a local file: choose one with \"get -o FILE\"", show.Name(name))
	case "-":
		return "./-", nil // "-" would be the standard output
	default:
		return local, nil
	}
}

// newLine returns the line that shows the progress of a get.
func newLine(o *options) *show.Line {
	if o.output == "-" && show.Terminal(os.Stdout) {
		return nil // the line would be drawn into the content
	}
	return show.NewLine(os.Stderr)
}

// partSize returns the size of the part file for path, or 0 if there is none.
func partSize(path string) int64 {
	info, err := os.Stat(path + ".part")
	if err != nil || !info.Mode().IsRegular() {
		return 0
	}
	return info.Size()
}

// kept adds advice to the error of a get: the name of the part file and the
// command that resumes the get. If the part file still has its size from before
// the get, kept returns err itself.
func kept(err error, o *options, before int64) error {
	after := partSize(o.output)
	if err == nil || after == before {
		return err
	}
	next := "the same get resumes there"
	if o.plain || o.command != "get" {
		next = "get without -plain resumes there"
	}
	return &advisedError{err, fmt.Sprintf("%s has the first %s; %s", show.Name(o.output+".part"), show.Bytes(after), next)}
}
