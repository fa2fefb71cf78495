package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/filetransfer"
)

// serveOptions are the flags of the command "serve".
type serveOptions struct {
	serving
	directory string // that is served
	named     bool   // the directory is on the command line
	accept    bool   // files, and store them in the directory
	uploads   string // the directory for files that are accepted, or ""
	maxUpload fileSize
	reserve   reserve
	keepParts partsTime
	replace   bool
	hidden    bool
}

const serveHelp = `Offers the files of a directory to one client after the other: to "rfcommctl get", "ls" and "stat" on another machine, to programs that use package filetransfer, and to the programs of the well-known tutorial. The default is the current directory, on channel 20.

No name and no symbolic link leads out of the directory. Files and directories whose names begin with a dot do not exist for clients, unless --hidden is given. Nothing can be changed without --uploads: with it, "rfcommctl put" stores files in the directory, and with --uploads-to in another one. Files are not replaced, unless --replace is given.

If the directory is named and there are no uploads, every device in range can connect, without pairing. Otherwise, links must be encrypted (medium), and only devices that bluetoothd has paired are served: see "rfcommctl pair". An explicit --security serves every device whose link has that protection, which an unpaired device can have without a question to anyone.

With --publish, bluetoothd publishes a service record with that name, by which "rfcommctl get DEVICE/spp" finds the channel. Ctrl-C ends serve after the current transfer, and a second Ctrl-C at once.`

// serveCommand returns the command "serve".
func (t *tool) serveCommand() *cobra.Command {
	var o serveOptions
	c := &cobra.Command{
		Use:   "serve [DIRECTORY] [FLAGS]",
		Short: "Offer the files of a directory",
		Long:  serveHelp,
		Example: `	rfcommctl serve Documents
	rfcommctl serve --uploads
	rfcommctl serve Inbox --uploads --max-upload 100M --security low`,
		Args: o.checkWords,
		RunE: func(c *cobra.Command, words []string) error { return t.runServe(c, &o, words) },
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return nil, cobra.ShellCompDirectiveFilterDirs
		},
	}
	flags := c.Flags()
	flags.BoolVar(&o.accept, "uploads", false, "accept files, and store them in the directory")
	flags.StringVar(&o.uploads, "uploads-to", "", "accept files, and store them in `DIR`")
	flags.BoolVar(&o.replace, "replace", false, "let files that are sent replace existing ones")
	flags.Var(&o.maxUpload, "max-upload", "refuse to store files of more than this number of bytes, such as 100M")
	flags.Var(&o.reserve, "reserve", "refuse files that would leave less than this number of bytes free on the disk; 0 is no limit (default 64M)")
	flags.Var(&o.keepParts, "keep-parts", "remove the parts of interrupted uploads after this time; 0 keeps them (default 168h)")
	flags.BoolVar(&o.hidden, "hidden", false, "offer and accept files whose names begin with a dot")
	flags.StringVar(&o.publish, "publish", "", "publish a service record with this `NAME`")
	t.adapterFlag(c, &o.link)
	timeoutFlag(c, &o.link, 30*time.Second, "disconnect a client that sends and reads nothing for this time")
	flags.Var(&o.channel, "channel", "listen on RFCOMM channel N, 1 to 30 (default 20)")
	securityFlag(c, &o.link)
	tcpFlag(c, &o.link, "listen on TCP `host:port`, to try without Bluetooth")
	for _, name := range []string{"publish", "max-upload", "reserve", "keep-parts", "channel"} {
		c.RegisterFlagCompletionFunc(name, cobra.NoFileCompletions)
	}
	c.MarkFlagDirname("uploads-to")
	return c
}

// checkWords checks the words of the command line.
func (o *serveOptions) checkWords(c *cobra.Command, words []string) error {
	if len(words) > 1 && o.accept {
		return fmt.Errorf("unexpected word %q: to store files in another directory, use --uploads-to %[1]s", words[1])
	}
	return noWords(c, words[min(1, len(words)):])
}

// check returns an error if the flags do not fit together.
func (o *serveOptions) check(c *cobra.Command) error {
	given := c.Flags().Changed
	switch {
	case o.named && o.directory == "":
		return errors.New("the name of the directory is empty: omit it for the current directory")
	case o.accept && given("uploads-to"):
		return errors.New("--uploads and --uploads-to exclude each other")
	case given("uploads-to") && o.uploads == "":
		return errors.New("--uploads-to needs a directory")
	}
	for _, name := range []string{"replace", "max-upload", "reserve", "keep-parts"} {
		if given(name) && !o.accept && o.uploads == "" {
			return fmt.Errorf("--%s is for files that are sent: add --uploads", name)
		}
	}
	return o.serving.check(c)
}

// runServe runs the command "serve".
func (t *tool) runServe(c *cobra.Command, o *serveOptions, words []string) error {
	o.directory, o.named = ".", len(words) > 0
	if o.named {
		o.directory = words[0]
	}
	if err := o.check(c); err != nil {
		return usageError{fmt.Errorf("%w (see rfcommctl serve --help)", err)}
	}
	if o.accept {
		o.uploads = o.directory
	}
	server, closeAll, err := t.fileServer(o)
	if err != nil {
		return err
	}
	defer closeAll()
	if o.channel == 0 {
		o.channel = fileChannel
	}
	guarded := (!o.named || o.uploads != "") && !c.Flags().Changed("security")
	l, err := t.accepting(c.Context(), &o.serving, guarded)
	if err != nil {
		return err
	}
	t.describeServer(o, l, guarded)
	return t.serveFiles(c.Context(), server, l)
}

// fileServer returns the server that the flags ask for, and a function that closes
// its directories.
func (t *tool) fileServer(o *serveOptions) (server *filetransfer.Server, closeAll func(), err error) {
	root, err := openDirectory(&o.directory)
	if err != nil {
		return nil, nil, err
	}
	server = &filetransfer.Server{
		FS:          filetransfer.NewDir(root),
		Replace:     o.replace,
		Hidden:      o.hidden,
		MaxUpload:   int64(o.maxUpload),
		Reserve:     int64(o.reserve),
		KeepParts:   time.Duration(o.keepParts.duration),
		IdleTimeout: time.Duration(o.timeout.duration),
	}
	if o.uploads == "" {
		return server, func() { root.Close() }, nil
	}
	uploads, err := openDirectory(&o.uploads)
	if err != nil {
		root.Close()
		return nil, nil, err
	}
	server.Uploads = filetransfer.NewDir(uploads)
	return server, func() { root.Close(); uploads.Close() }, nil
}

// openDirectory opens a directory, and makes its path absolute.
func openDirectory(name *string) (*os.Root, error) {
	absolute, err := filepath.Abs(*name)
	if err != nil {
		return nil, err
	}
	*name = absolute
	info, err := os.Stat(absolute)
	if err == nil && !info.IsDir() { // a FIFO must not be opened
		err = fmt.Errorf("%s is not a directory", absolute)
	}
	if err != nil {
		return nil, fileError(err)
	}
	return os.OpenRoot(absolute)
}

// describeServer prints the directories and the security level.
func (t *tool) describeServer(o *serveOptions, l net.Listener, guarded bool) {
	switch o.uploads {
	case "":
		t.warn("serving %s, which nobody can change (see --uploads)", o.directory)
	case o.directory:
		t.warn("serving %s, and storing files in it%s", o.directory, o.replacing())
	default:
		t.warn("serving %s, and storing files in %s%s", o.directory, o.uploads, o.replacing())
	}
	if o.tcp != "" {
		t.warn("TCP is for trying: every program that reaches the address is served")
	} else {
		t.warn("%s", o.protection(guarded))
	}
	t.noteClients(o, l)
}

// replacing returns a text about existing files.
func (o *serveOptions) replacing() string {
	if o.replace {
		return ", in place of existing ones too"
	}
	return ""
}

// protection returns a text about the security level, and how to change it.
func (o *serveOptions) protection(guarded bool) string {
	level := rfcomm.Security(o.security)
	switch {
	case guarded:
		return "security medium: only paired devices are served (--security low serves all)"
	case level == 0 || level == rfcomm.SecurityLow:
		return "security low: every device in range is served, without pairing (see --security)"
	}
	return fmt.Sprintf("security %s: every device with an encrypted link is served (see --security)", strings.ToLower(level.String()))
}

// noteClients prints a command for another machine, for each address.
func (t *tool) noteClients(o *serveOptions, l net.Listener) {
	if o.tcp != "" {
		t.note("To connect: rfcommctl ls --tcp %s", l.Addr())
		return
	}
	t.noteEach("To connect: rfcommctl ls", &o.link, fileChannel)
}

// noteEach prints the beginning of a command for another machine with the address
// of each adapter, and the channel if it is not the usual one.
func (t *tool) noteEach(command string, l *link, usual channel) {
	adapters, _ := t.adapters()
	for _, a := range adapters {
		if !a.Up || !a.PageScan || l.adapter != "" && !isNamed(a, l.adapter) {
			continue
		}
		suffix := ""
		if l.channel != usual {
			suffix = fmt.Sprintf("/%d", l.channel)
		}
		t.note("%s %s%s", command, a.Addr, suffix)
	}
}

// serveFiles serves clients until the context ends, and then finishes the current
// transfer. The second signal ends the program.
func (t *tool) serveFiles(ctx context.Context, server *filetransfer.Server, l net.Listener) error {
	line, end := t.startLine()
	defer end()
	server.Logger = slog.New(newLogHandler(t, line))
	if line != nil {
		server.Progress = line.updateUntilEnd
	}
	ended := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() {
		t.note("Ending after the current transfer; press Ctrl-C again to end at once.")
		ended <- server.Shutdown(context.Background())
	})
	err := server.Serve(l)
	if stop() {
		return err
	}
	<-ended
	return context.Cause(ctx)
}
