package main

import (
	"context"
	"fmt"
	"path"
	"strings"

	"github.com/spf13/cobra"

	"github.com/go-rfcomm/rfcomm/filetransfer"
)

// statCommand returns the command "stat".
func (t *tool) statCommand() *cobra.Command {
	var o listOptions
	c := &cobra.Command{
		Use:   "stat TARGET NAME... [FLAGS]",
		Short: "Describe files of a file server",
		Long: `Prints the type, size, time of the last change and permissions of files or directories of a file server, such as "rfcommctl serve". The name "." is the directory that the server offers. Without a service, TARGET means channel 20.

` + fileJSONHelp,
		Example: "\trfcommctl stat 01:23:45:67:89:AB notes.txt",
		Args:    o.fileWords(1, "the name of a file of the server"),
		RunE: func(c *cobra.Command, words []string) error {
			return t.runList(c, &o, words, (*fileClient).stat)
		},
	}
	c.Flags().BoolVar(&o.json, "json", false, "print a JSON object for each file")
	t.fileFlags(c, &o.fileLink)
	return c
}

// stat prints the properties of a file or directory.
func (f *fileClient) stat(ctx context.Context, name string, form listForm) error {
	client, err := f.open(ctx)
	if err != nil {
		return err
	}
	info, err := client.Stat(ctx, name)
	f.line.clear()
	if err != nil {
		return fileError(err)
	}
	if form.json {
		return writeJSON(f.t.stdout, jsonOf(path.Clean(name), info))
	}
	text := statText(name, info)
	if form.further {
		text = "\n" + text
	}
	_, err = fmt.Fprint(f.t.stdout, text)
	return err
}

// statText returns the properties of a file, a line for each.
func statText(name string, info filetransfer.Info) string {
	var b strings.Builder
	fmt.Fprintln(&b, printable(name))
	line := func(label, text string) { fmt.Fprintf(&b, "  %-8s  %s\n", label, text) }
	line("type", typeOf(info))
	if info.Mode.IsRegular() && info.Size >= 0 {
		size := fmt.Sprintf("%d bytes", info.Size)
		if info.Size >= 1000 {
			size += " (" + bytesText(info.Size) + ")"
		}
		line("size", size)
	}
	if !info.ModTime.IsZero() {
		line("modified", info.ModTime.Local().Format("2006-01-02 15:04:05 -0700"))
	}
	line("mode", fmt.Sprintf("%04o (%s)", info.Mode.Perm(), info.Mode))
	return b.String()
}
