package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/go-rfcomm/rfcomm/filetransfer"
)

// getOptions are the flags of the command "get".
type getOptions struct {
	fileLink
	output    string
	replace   bool
	recursive bool
}

const getHelp = `Gets files from a file server, such as "rfcommctl serve", into the current directory or to -o. A file appears under its name only when it is complete and its checksum is right. Until then, it is NAME.part. If the same get is repeated after an interruption, it resumes there. A file that is there already with the same content is a success; one with other content is replaced only with --replace.

All files use one connection. Without a service, TARGET means channel 20. If the server is busy with another client, get says so and waits; Ctrl-C ends it.

With -r, directories are copied with all that they contain. With --plain, get uses the dialect of the well-known tutorial, for servers that know nothing else: without checksums, and without resuming.`

// getCommand returns the command "get".
func (t *tool) getCommand() *cobra.Command {
	var o getOptions
	c := &cobra.Command{
		Use:   "get TARGET NAME... [FLAGS]",
		Short: "Get files from a file server",
		Long:  getHelp,
		Example: `	rfcommctl get 01:23:45:67:89:AB notes.txt
	rfcommctl get "Front desk" photos -r -o Pictures
	rfcommctl get 01:23:45:67:89:AB log.txt -o - | tail`,
		Args: o.fileWords(1, "the name of a file of the server"),
		RunE: func(c *cobra.Command, words []string) error { return t.runGet(c, &o, words) },
	}
	flags := c.Flags()
	flags.StringVarP(&o.output, "output", "o", "", "write to this file or into this directory `PATH`; - is standard output")
	flags.BoolVarP(&o.recursive, "recursive", "r", false, "copy directories, with all that they contain")
	flags.BoolVar(&o.replace, "replace", false, "replace existing files")
	flags.BoolVar(&o.plain, "plain", false, "use the plain dialect, for other servers")
	t.fileFlags(c, &o.fileLink)
	return c
}

// check returns an error if the flags and names do not fit together.
func (o *getOptions) check(c *cobra.Command, names []string) error {
	given := c.Flags().Changed
	switch {
	case given("output") && o.output == "":
		return errors.New("-o needs a path")
	case o.recursive && o.plain:
		return errors.New("-r and --plain exclude each other: the plain dialect lists no directories")
	case o.recursive && o.output == "-":
		return errors.New("-r needs a directory: standard output is not one")
	case len(names) > 1 && o.output != "" && o.output != "-" && !o.intoDirectory():
		return fmt.Errorf("-o %s is not a directory: several files need one", o.output)
	}
	for _, name := range names {
		if _, err := o.localPath(name); err != nil {
			return err
		}
	}
	return nil
}

// intoDirectory reports whether files go into a directory, under their own names.
func (o *getOptions) intoDirectory() bool {
	return o.output == "" || isDirectory(o.output)
}

// localPath returns the path of a file of the server on this machine.
func (o *getOptions) localPath(name string) (string, error) {
	if o.output != "" && !o.intoDirectory() {
		return o.output, nil
	}
	base := path.Base(name)
	if o.recursive && (base == "." || base == "/") {
		return cmp.Or(o.output, "."), nil // the content of a directory
	}
	if name == "" || !isLocalName(base) {
		return "", fmt.Errorf("%q cannot be the name of a file here: choose one with -o", name)
	}
	if o.output == "" && base == "-" {
		return "." + string(filepath.Separator) + base, nil // "-" alone is standard output
	}
	return filepath.Join(o.output, base), nil
}

// isLocalName reports whether a file of this machine can have a name. Unlike
// filepath.Localize, it accepts names that are not UTF-8 where the system does.
func isLocalName(base string) bool {
	if base == "." || base == ".." || strings.ContainsAny(base, "/\x00") {
		return false
	}
	_, err := filepath.Localize(base)
	return err == nil || runtime.GOOS != "windows" && !utf8.ValidString(base)
}

// runGet runs the command "get".
func (t *tool) runGet(c *cobra.Command, o *getOptions, words []string) error {
	target, names := o.names(c, words)
	if err := o.checkFileLink(c, o.check(c, names)); err != nil {
		return err
	}
	if err := checkParent(o.output); err != nil {
		return err
	}
	ctx := c.Context()
	if o.output == "-" && t.columns > 0 {
		t.chatty = false // a line would be drawn into the content
	}
	return t.askFiles(ctx, &o.fileLink, target, func(f *fileClient) error {
		f.replace = o.replace
		list, err := f.toGet(ctx, o, names)
		if err != nil {
			return err
		}
		return f.transferAll(list, func(x transfer) error {
			return f.named(ctx, x.name, func(name string) error {
				local := x.local
				if !o.recursive { // it may have been written with escapes
					local, _ = o.localPath(name)
				}
				return f.get(ctx, name, local)
			})
		})
	})
}

// toGet returns the files to get.
func (f *fileClient) toGet(ctx context.Context, o *getOptions, names []string) (list []transfer, err error) {
	for _, name := range names {
		local, err := o.localPath(name)
		switch {
		case err != nil:
			return nil, err
		case !o.recursive:
			list = append(list, transfer{name: name, local: local, size: -1})
			continue
		}
		err = f.named(ctx, name, func(name string) error {
			files, err := f.tree(ctx, name, local)
			list = append(list, files...)
			return err
		})
		if err := f.settle(err, len(names) == 1); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// checkParent returns an error if the directory of the path that -o specifies does
// not exist. The path itself must be a directory if it ends in a slash.
func checkParent(output string) error {
	if output == "" || output == "-" {
		return nil
	}
	parent := filepath.Dir(output) // of "a/", it is "a"
	info, err := os.Stat(parent)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return notFoundError{fmt.Errorf("-o %s: there is no directory %s: create it, or choose another path", output, parent)}
	case err != nil:
		return fmt.Errorf("-o %s: %w", output, err)
	case !info.IsDir():
		return fmt.Errorf("-o %s: %s is not a directory: choose another path", output, parent)
	}
	return nil
}

// get gets one file. The path "-" is standard output.
func (f *fileClient) get(ctx context.Context, name, local string) error {
	client, err := f.open(ctx)
	if err != nil {
		return err
	}
	if local == "-" {
		info, err := client.Get(ctx, name, f.t.stdout)
		f.complete(info, err)
		return f.errorOfGet(ctx, name, err)
	}
	before := partSize(local)
	if before > 0 && !f.o.plain {
		f.t.note("%s.part has %s: the get resumes there, unless the file has changed", printable(local), bytesText(before))
	}
	f.announceChecksum(local, before)
	info, err := client.Download(ctx, name, local)
	f.complete(info, err)
	if err != nil {
		f.reportPart(ctx, local, before)
		return f.errorOfGet(ctx, name, existing(err, local))
	}
	f.report(info, local)
	return nil
}

// errorOfGet returns the error of a get, or the advice for a directory.
func (f *fileClient) errorOfGet(ctx context.Context, name string, err error) error {
	if !errors.Is(err, fs.ErrInvalid) || f.o.plain {
		return fileError(err)
	}
	if info, failed := f.client.Stat(ctx, name); failed == nil && info.Mode.IsDir() {
		return itemError{fmt.Errorf("%s is a directory: add -r to get it with all that it contains", name)}
	}
	return fileError(err)
}

// announceChecksum shows that the bytes of a get that are on this machine are read
// before it begins, or that it waits for the server.
func (f *fileClient) announceChecksum(local string, part int64) {
	info, err := os.Stat(local)
	switch {
	case err == nil && info.Mode().IsRegular() && part == 0:
		f.line.announce(fmt.Sprintf("Comparing %s with the server's file", local))
	case part > 0 && !f.o.plain:
		f.line.announce(fmt.Sprintf("Checking the first %s of %s", bytesText(part), local))
	default:
		f.line.announce("Waiting for " + f.server)
	}
}

// existing replaces an error about a file that exists on this machine by one with
// its path and advice.
func existing(err error, local string) error {
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	info, failed := os.Lstat(local)
	if failed == nil && !info.Mode().IsRegular() {
		return fmt.Errorf("%s: %w and is not a regular file: choose another name with -o", local, fs.ErrExist)
	}
	return fmt.Errorf("%s: %w with other content: replace it with --replace, or choose another name with -o", local, fs.ErrExist)
}

// report prints the details of a transferred file.
func (f *fileClient) report(info filetransfer.Info, name string) {
	if info.Present {
		f.line.clear()
		f.t.note("%s is there already, with the same content", printable(name))
	}
	if len(info.SHA256) > 0 {
		f.t.detail("%s has %d bytes with SHA-256 %x", printable(name), info.Size, info.SHA256)
	}
}

// reportPart prints where the beginning of a file is that could not be got as a
// whole.
func (f *fileClient) reportPart(ctx context.Context, local string, before int64) {
	after := partSize(local)
	if after == 0 || after == before {
		return
	}
	again := "the same get resumes there"
	if f.o.plain {
		again = "a get without --plain resumes there"
	}
	f.line.finish()
	f.t.warn("%s.part has the first %s: %s", printable(local), bytesText(after), again)
}

// partSize returns the size of the part file of a path, or 0 if there is none.
func partSize(local string) int64 {
	info, err := os.Lstat(local + ".part")
	if err != nil || !info.Mode().IsRegular() {
		return 0
	}
	return info.Size()
}
