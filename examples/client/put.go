package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/go-rfcomm/rfcomm/examples/internal/show"
	"github.com/go-rfcomm/rfcomm/filetransfer"
)

// put sends one file.
func put(ctx context.Context, o *options) error {
	file := o.words[0]
	name := filepath.Base(file)
	if len(o.words) > 1 {
		name = o.words[1]
	}
	if file != "-" {
		// Check the file before connecting.
		info, err := os.Stat(file)
		if err != nil {
			return err
		}
		if !info.Mode().IsRegular() {
			return fmt.Errorf("%s is not a regular file: send the standard input with \"put - NAME\" instead", show.Name(file))
		}
	}

	line := show.NewLine(os.Stderr)
	client, err := newClient(ctx, o, line)
	if err != nil {
		return err
	}
	defer client.Close()
	defer line.End()
	if file != "-" {
		_, err = client.Upload(ctx, file, name)
		return err
	}
	_, err = client.Put(ctx, name, os.Stdin, filetransfer.Info{Size: -1, Mode: 0o666})
	return err
}
