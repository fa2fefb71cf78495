package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/filetransfer"
)

// fileChannel is the channel of the file service, unless another one is given.
const fileChannel = 20

// A fileLink holds the flags of commands that are clients of a file server.
type fileLink struct {
	link
	plain bool
}

// fileFlags adds the flags of a client of a file server.
func (t *tool) fileFlags(c *cobra.Command, o *fileLink) {
	o.usual = service{channel: fileChannel}
	t.connectionFlags(c, &o.link)
	c.Flag("timeout").Usage = "give up connecting, and a server that sends and reads nothing, after this time"
	c.Flag("channel").Usage = "connect to RFCOMM channel N, 1 to 30 (default 20)"
	tcpFlag(c, &o.link, "connect to TCP `host:port` instead of TARGET, to try without Bluetooth")
	c.ValidArgsFunction = t.completeFiles(o)
}

// completeFiles returns a function that completes a target, or the names of files of
// the server after it.
func (t *tool) completeFiles(o *fileLink) cobra.CompletionFunc {
	return func(c *cobra.Command, words []string, begun string) ([]string, cobra.ShellCompDirective) {
		if len(words) > 0 || c.Flags().Changed("tcp") {
			return t.completeRemote(c, o, words, begun, anyName)
		}
		return t.completeTargets(c, words, begun)
	}
}

// names returns the names of files on the command line, and the target.
func (o *fileLink) names(c *cobra.Command, words []string) (target string, names []string) {
	if c.Flags().Changed("tcp") || len(words) == 0 {
		return "", words
	}
	return words[0], words[1:]
}

// fileWords returns a check of the words of a command: the target, and a number of
// names.
func (o *fileLink) fileWords(least int, missing string) cobra.PositionalArgs {
	return func(c *cobra.Command, words []string) error {
		target, names := o.names(c, words)
		if !c.Flags().Changed("tcp") && target == "" {
			return oneWord("TARGET")(c, words)
		}
		if len(names) > 0 && c.Flags().Changed("tcp") {
			if _, err := rfcomm.ParseBDAddr(names[0]); err == nil {
				return wordInPlaceOf("tcp", names)
			}
		}
		if len(names) < least {
			return fmt.Errorf("%s is missing", missing)
		}
		return nil
	}
}

// checkFileLink returns a usageError if the flags do not fit together. The error
// is that of the other flags, or nil.
func (o *fileLink) checkFileLink(c *cobra.Command, err error) error {
	if err == nil {
		err = o.checkTCP(c, "adapter", "channel", "security")
	}
	if err != nil {
		return usageError{fmt.Errorf("%w (see %s --help)", err, c.CommandPath())}
	}
	return nil
}

// A fileClient is the client of a file server, on one connection for all files or,
// in the plain dialect, on one for each.
type fileClient struct {
	t       *tool
	o       *fileLink
	replace bool        // existing files
	parents bool        // create the directories of files
	line    *statusLine // or nil
	server  string      // for people
	dial    connectFunc
	client  *filetransfer.Client // or nil, before the first file
	waiting bool                 // the server is busy
	served  atomic.Bool          // the server has answered
	failed  int                  // names with an error
	failure error                // the first of them
	files   int                  // that are complete
	moved   int64                // bytes of those that were transferred
	present int                  // those that were there already
}

// fileClient returns a client for a target. It connects when it is used.
func (t *tool) fileClient(ctx context.Context, o *fileLink, target string) (*fileClient, error) {
	dial, err := t.dialing(ctx, &o.link, target)
	if err != nil {
		return nil, err
	}
	server := target
	if o.tcp != "" {
		server = o.tcp
	}
	return &fileClient{t: t, o: o, server: server, dial: dial}, nil
}

// open returns a client that is connected.
func (f *fileClient) open(ctx context.Context) (*filetransfer.Client, error) {
	if f.client != nil && !f.o.plain {
		return f.client, nil
	}
	f.close()
	f.line.announce("Connecting to " + f.server)
	conn, err := f.dial(ctx)
	if err != nil {
		return nil, err
	}
	f.line.announce("Waiting for " + f.server)
	f.client = filetransfer.NewClient(conn)
	f.client.Plain = f.o.plain
	f.client.Overwrite = f.replace
	f.client.MakeDirs = f.parents
	f.client.IdleTimeout = time.Duration(f.o.timeout.duration)
	f.client.Busy = f.busy
	f.client.Progress = func(p filetransfer.Progress) {
		f.served.Store(true)
		if f.line != nil {
			f.line.update(p)
		}
	}
	return f.client, nil
}

// busy prints that the server is busy, once for each wait.
func (f *fileClient) busy() {
	if !f.waiting {
		f.waiting = true
		f.t.warn("the server is busy with another client; waiting for it")
		f.line.announce("Waiting for " + f.server)
	}
}

// close closes the connection.
func (f *fileClient) close() {
	if f.client != nil {
		f.client.Close()
		f.client = nil
	}
}

// askFiles runs f with a client for a target. Meanwhile, a line on standard error
// shows the state; f clears that line before it prints.
func (t *tool) askFiles(ctx context.Context, o *fileLink, target string, f func(*fileClient) error) error {
	client, err := t.fileClient(ctx, o, target)
	if err != nil {
		return err
	}
	defer client.close()
	line, end := t.startLine()
	defer end()
	client.line = line
	return f(client)
}

// each calls do for each name. An error of one name does not end it, if there are
// several and the connection can still be used.
func (f *fileClient) each(names []string, do func(name string) error) error {
	for _, name := range names {
		if err := f.settle(do(name), len(names) == 1); err != nil {
			return err
		}
	}
	return f.result(len(names), "names")
}

// settle ends the work for one name or file with an error, or nil. It prints and
// counts an error after which the other files can be transferred, and returns
// others. An error of the only file is returned, too.
func (f *fileClient) settle(err error, only bool) error {
	f.waiting = false
	f.line.finish()
	if err == nil || isOfFile(err) {
		f.served.Store(true)
	}
	if err == nil {
		return nil
	}
	if !f.served.Load() && f.o.tcp == "" {
		err = advised(err, io.ErrUnexpectedEOF, `the server may serve paired devices only: see "rfcommctl pair"`)
	}
	if only || !isOfFile(err) {
		return err
	}
	f.t.complain(err)
	f.fail(err)
	return nil
}

// fail counts an error that has been printed.
func (f *fileClient) fail(err error) {
	f.failed++
	if f.failure == nil {
		f.failure = err
	}
}

// A partialError is the first error of several names, with a text about all.
type partialError struct {
	error
	text string
}

func (e partialError) Error() string { return e.text }

func (e partialError) Unwrap() error { return e.error }

// result returns an error if there was an error of a name.
func (f *fileClient) result(count int, noun string) error {
	if f.failed == 0 {
		return nil
	}
	return partialError{f.failure, fmt.Sprintf("%d of %d %s failed", f.failed, count, noun)}
}

// named calls do with a name of the server. The name may be written with the
// escapes that ls prints.
func (f *fileClient) named(ctx context.Context, name string, do func(name string) error) error {
	err := do(name)
	if errors.Is(err, fs.ErrNotExist) && strings.Contains(name, `\`) && !f.o.plain {
		if raw, ok := f.unescaped(ctx, name); ok {
			return do(raw)
		}
	}
	return err
}

// unescaped returns the name of the server that ls prints in the given form.
func (f *fileClient) unescaped(ctx context.Context, name string) (raw string, ok bool) {
	directory, base := path.Split(name)
	client, err := f.open(ctx)
	if err != nil {
		return "", false
	}
	entries, err := client.List(ctx, cmp.Or(directory, "."))
	i := slices.IndexFunc(entries, func(e filetransfer.Info) bool { return printable(e.Name) == base })
	if err != nil || i < 0 {
		return "", false
	}
	return directory + entries[i].Name, true
}

// An itemError is an error of one file that this machine has found.
type itemError struct{ error }

func (e itemError) Unwrap() error { return e.error }

// isOfFile reports whether an error is that of one file, after which other files
// can be transferred.
func isOfFile(err error) bool {
	if _, ok := errors.AsType[itemError](err); ok {
		return true
	}
	return isOneOf(err, fs.ErrNotExist, fs.ErrExist, fs.ErrPermission, fs.ErrInvalid,
		filetransfer.ErrTooLarge, filetransfer.ErrChanged, filetransfer.ErrRefused)
}

// fileError gives the error of a file the right exit status.
func fileError(err error) error {
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		return err
	case errors.Is(err, fs.ErrNotExist):
		return notFoundError{err}
	case errors.Is(err, io.ErrUnexpectedEOF): // the connection was cut
		return tryAgainError{err}
	}
	return err
}

// advised adds advice to an error that matches the target.
func advised(err, target error, advice string) error {
	if !errors.Is(err, target) {
		return err
	}
	return fmt.Errorf("%w; %s", err, advice)
}

// isDirectory reports whether a path of this machine is that of a directory.
func isDirectory(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
