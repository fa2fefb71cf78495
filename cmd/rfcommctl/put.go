package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/go-rfcomm/rfcomm/filetransfer"
)

// putOptions are the flags of the command "put".
type putOptions struct {
	fileLink
	output  string
	replace bool
}

const putHelp = `Sends files to a file server that accepts them, such as "rfcommctl serve --uploads". The server stores a file only when it is complete and its checksum is right. If the same put is repeated after an interruption, it resumes where the server's part of the file ends. A file that the server has already with the same content is a success; one with other content is replaced only with --replace, and if the server allows it.

The files have the same names on the server, unless -o is given. The file "-" is standard input, and needs -o.

All files use one connection. Without a service, TARGET means channel 20. If the server is busy with another client, put says so and waits; Ctrl-C ends it.`

// putCommand returns the command "put".
func (t *tool) putCommand() *cobra.Command {
	var o putOptions
	c := &cobra.Command{
		Use:   "put TARGET FILE... [FLAGS]",
		Short: "Send files to a file server",
		Long:  putHelp,
		Example: `	rfcommctl put 01:23:45:67:89:AB notes.txt
	rfcommctl put "Front desk" *.jpg -o photos/
	date | rfcommctl put 01:23:45:67:89:AB - -o date.txt`,
		Args: o.fileWords(1, "the path of a file"),
		RunE: func(c *cobra.Command, words []string) error { return t.runPut(c, &o, words) },
	}
	flags := c.Flags()
	flags.StringVarP(&o.output, "output", "o", "", "store the file under this `NAME`, or the files in this directory, with a slash at its end")
	flags.BoolVar(&o.replace, "replace", false, "replace existing files, if the server allows it")
	t.fileFlags(c, &o.fileLink)
	c.ValidArgsFunction = func(c *cobra.Command, words []string, begun string) ([]string, cobra.ShellCompDirective) {
		if len(words) > 0 || c.Flags().Changed("tcp") {
			return nil, cobra.ShellCompDirectiveDefault // files of this machine
		}
		return t.completeTargets(c, words, begun)
	}
	c.RegisterFlagCompletionFunc("output", func(c *cobra.Command, words []string, begun string) ([]string, cobra.ShellCompDirective) {
		target, _ := o.names(c, words)
		return t.completeRemote(c, &o.fileLink, []string{target}, begun, isDirectoryName)
	})
	return c
}

// check returns an error if the flags and files do not fit together.
func (o *putOptions) check(c *cobra.Command, files []string) error {
	into := o.output == "" || strings.HasSuffix(o.output, "/")
	switch {
	case c.Flags().Changed("output") && o.output == "":
		return errors.New("-o needs a name")
	case len(files) > 1 && !into:
		return fmt.Errorf("-o %s is the name of one file: for several files, use a directory with a slash at its end, %s/", o.output, o.output)
	}
	for _, file := range files {
		if file == "-" && into {
			return errors.New("standard input has no name: choose one with -o NAME")
		}
	}
	return nil
}

// remoteName returns the name of a file on the server.
func (o *putOptions) remoteName(file string) string {
	if o.output != "" && !strings.HasSuffix(o.output, "/") {
		return o.output
	}
	return path.Join(o.output, filepath.ToSlash(filepath.Base(file)))
}

// runPut runs the command "put".
func (t *tool) runPut(c *cobra.Command, o *putOptions, words []string) error {
	target, files := o.names(c, words)
	if err := o.checkFileLink(c, o.check(c, files)); err != nil {
		return err
	}
	for _, file := range files {
		if err := checkReadable(file); err != nil {
			return err
		}
	}
	ctx := c.Context()
	return t.askFiles(ctx, &o.fileLink, target, func(f *fileClient) error {
		f.replace = o.replace
		return f.each(files, func(file string) error { return f.put(ctx, file, o.remoteName(file)) })
	})
}

// checkReadable returns an error unless a file is standard input or a regular
// file.
func checkReadable(file string) error {
	if file == "-" {
		return nil
	}
	info, err := os.Stat(file)
	switch {
	case err != nil:
		return fileError(err)
	case info.IsDir():
		return fmt.Errorf("%s is a directory: put sends files", file)
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s is not a regular file: send what it contains as standard input, with \"put TARGET - -o NAME\"", file)
	}
	return nil
}

// put sends one file. The file "-" is standard input.
func (f *fileClient) put(ctx context.Context, file, name string) error {
	client, err := f.open(ctx)
	if err != nil {
		return err
	}
	var info filetransfer.Info
	if file == "-" {
		info, err = client.Put(ctx, name, f.t.stdin, filetransfer.Info{Size: -1, Mode: 0o666})
	} else {
		info, err = client.Upload(ctx, file, name)
	}
	if err == nil {
		f.report(info, name)
		return nil
	}
	err = advised(err, filetransfer.ErrRefused, "the server has to allow it, as \"rfcommctl serve\" does with --uploads, --replace or --hidden")
	if errors.Is(err, fs.ErrExist) && !f.replace {
		return fmt.Errorf("put %s: %w on the server with other content: replace it with --replace, or choose another name with -o", name, fs.ErrExist)
	}
	if directory := path.Dir(name); errors.Is(err, fs.ErrNotExist) && directory != "." {
		return notFoundError{fmt.Errorf("put %s: the server has no directory %s: %w", name, directory, fs.ErrNotExist)}
	}
	return fileError(err)
}
