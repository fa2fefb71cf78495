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
	output    string
	replace   bool
	recursive bool
}

const putHelp = `Sends files to a file server that accepts them, such as "rfcommctl serve --uploads". The server stores a file only when it is complete and its checksum is right. If the same put is repeated after an interruption, it resumes where the server's part of the file ends. A file that the server has already with the same content is a success; one with other content is replaced only with --replace, and if the server allows it.

The files have the same names on the server, unless -o is given. If -o is a directory of the server, they are stored in it. The file "-" is standard input, and needs -o. With -r, directories are sent with all that they contain, except empty directories and links to directories. The directories are created, if the server is "rfcommctl serve".

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
	rfcommctl put "Front desk" photos -r
	date | rfcommctl put 01:23:45:67:89:AB - -o date.txt`,
		Args: o.fileWords(1, "the path of a file"),
		RunE: func(c *cobra.Command, words []string) error { return t.runPut(c, &o, words) },
	}
	flags := c.Flags()
	flags.StringVarP(&o.output, "output", "o", "", "store the file under this `NAME`, or the files in this directory, with a slash at its end")
	flags.BoolVarP(&o.recursive, "recursive", "r", false, "send directories, with all that they contain")
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

// remoteName returns the name of a file or directory on the server. The name "." is
// that of the content of a directory.
func (o *putOptions) remoteName(file string) string {
	if o.output != "" && !strings.HasSuffix(o.output, "/") {
		return o.output
	}
	base := filepath.Base(file)
	if base == ".." || base == string(filepath.Separator) {
		base = "."
	}
	return path.Join(o.output, filepath.ToSlash(base))
}

// runPut runs the command "put".
func (t *tool) runPut(c *cobra.Command, o *putOptions, words []string) error {
	target, files := o.names(c, words)
	if err := o.checkFileLink(c, o.check(c, files)); err != nil {
		return err
	}
	for _, file := range files {
		if err := o.checkReadable(file); err != nil {
			return err
		}
	}
	ctx := c.Context()
	return t.askFiles(ctx, &o.fileLink, target, func(f *fileClient) error {
		f.replace = o.replace
		f.parents = o.recursive
		return f.transferAll(f.toPut(o, files), func(x transfer) error { return f.putAt(ctx, o, x) })
	})
}

// putAt sends a file as the flags demand. If -o is the name of a directory of the
// server, the file is stored in it.
func (f *fileClient) putAt(ctx context.Context, o *putOptions, x transfer) error {
	err := f.put(ctx, x.local, x.name)
	if o.output == "" || x.name != o.output || x.local == "-" || !isOneOf(err, fs.ErrExist, fs.ErrPermission, fs.ErrInvalid) {
		return err
	}
	info, failed := f.client.Stat(ctx, x.name)
	if failed != nil || !info.Mode.IsDir() {
		return err
	}
	return f.put(ctx, x.local, path.Join(x.name, filepath.ToSlash(filepath.Base(x.local))))
}

// noDirectory returns an error about a name whose directory the server does not have.
func noDirectory(name string) error {
	return notFoundError{fmt.Errorf("put %s: the server has no directory %s: choose another one, or create it with -r: %w", name, path.Dir(name), fs.ErrNotExist)}
}

// checkReadable returns an error unless a file is standard input, a regular file or,
// with -r, a directory.
func (o *putOptions) checkReadable(file string) error {
	if file == "-" {
		return nil
	}
	info, err := os.Stat(file)
	switch {
	case err != nil:
		return fileError(err)
	case info.IsDir() && o.recursive:
		return nil
	case info.IsDir():
		return fmt.Errorf("%s is a directory: add -r to send it with all that it contains", file)
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
	// If it has a part, both sides compute the checksum of that before the put begins.
	f.line.announce("Asking the server what it has of " + name)
	if file == "-" {
		info, err = client.Put(ctx, name, f.t.stdin, filetransfer.Info{Size: -1, Mode: 0o666})
	} else {
		info, err = client.Upload(ctx, file, name)
	}
	f.complete(info, err)
	if err != nil {
		return f.errorOfPut(ctx, name, err)
	}
	f.report(info, name)
	return nil
}

// errorOfPut returns the error of a put with advice for the person at this machine.
func (f *fileClient) errorOfPut(ctx context.Context, name string, err error) error {
	switch {
	case errors.Is(err, filetransfer.ErrRefused):
		return advised(err, filetransfer.ErrRefused, f.afterRefusal(ctx, name))
	case errors.Is(err, fs.ErrExist) && !f.replace:
		return fmt.Errorf("put %s: %w on the server with other content: replace it with --replace, or choose another name with -o", name, fs.ErrExist)
	case errors.Is(err, fs.ErrNotExist) && f.parents:
		return notFoundError{fmt.Errorf("put %s: the server creates no directories: %w", name, fs.ErrNotExist)}
	case errors.Is(err, fs.ErrNotExist) && path.Dir(name) != ".":
		return noDirectory(name)
	}
	return fileError(err)
}

// afterRefusal returns advice after the server has refused a file.
func (f *fileClient) afterRefusal(ctx context.Context, name string) string {
	hidden := strings.HasPrefix(name, ".") || strings.Contains(name, "/.")
	if hidden {
		return `choose a name without a dot at its beginning with -o, or have the server started with "rfcommctl serve --uploads --hidden"`
	}
	if f.replace {
		if _, err := f.client.Stat(ctx, name); err == nil {
			return `choose another name with -o, or have the server started with "rfcommctl serve --uploads --replace"`
		}
	}
	return `have the server started with "rfcommctl serve --uploads"`
}
