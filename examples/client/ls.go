package main

import (
	"context"
	"fmt"
	"strconv"

	"github.com/go-rfcomm/rfcomm/examples/internal/show"
)

// ls prints the entries of a directory of the server: mode, size, time and
// name.
func ls(ctx context.Context, o *options) error {
	dir := "."
	if len(o.words) > 0 {
		dir = o.words[0]
	}
	client, err := newClient(ctx, o, nil)
	if err != nil {
		return err
	}
	defer client.Close()
	files, err := client.List(ctx, dir)
	if err != nil {
		return err
	}

	width := 0 // width of the longest size
	for _, file := range files {
		width = max(width, len(strconv.FormatInt(file.Size, 10)))
	}
	for _, file := range files {
		changed := "-"
		if !file.ModTime.IsZero() {
			changed = file.ModTime.Local().Format("2006-01-02 15:04")
		}
		fmt.Printf("%s  %*d  %-16s  %s\n", file.Mode, width, file.Size, changed, show.Name(file.Name))
	}
	return nil
}
