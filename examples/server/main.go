// Server offers the files of a directory over Bluetooth, on RFCOMM channel 20,
// to one client at a time. It asks each client for the name of a file and sends
// that file. Clients of package filetransfer can also list the directory and,
// with -uploads, send files.
//
//	server [-channel 20] [-adapter hci0] [-dir .] [-uploads DIR] [-replace] [-max-upload BYTES] [-timeout 30s]
//	server -listen host:port […]
//
// With -listen, the server listens on TCP instead of Bluetooth, for a first try
// without an adapter.
//
// Ctrl-C stops the server after the current transfer; a second Ctrl-C stops it
// at once. The exit status is 0 after an orderly stop, 1 after a failure and 2
// for wrong usage.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/go-rfcomm/rfcomm/filetransfer"
)

func main() {
	options := parseFlags()
	if err := serve(options); err != nil {
		fmt.Fprintln(os.Stderr, "server:", err)
		os.Exit(1)
	}
}

// serve offers the files until Ctrl-C is pressed.
func serve(o options) error {
	interrupts := make(chan os.Signal, 2)
	signal.Notify(interrupts, os.Interrupt, syscall.SIGTERM)

	// No name and no symbolic link leads out of the directory of an os.Root.
	files, err := openDir("dir", o.dir)
	if err != nil {
		return err
	}
	defer files.Close()
	server := &filetransfer.Server{
		FS:          files.FS(),
		MaxUpload:   o.maxUpload,
		Replace:     o.replace,
		IdleTimeout: o.timeout,
		Logger:      slog.New(newHandler(os.Stdout)),
	}
	if o.uploads != "" {
		uploads, err := openDir("uploads", o.uploads)
		if err != nil {
			return err
		}
		defer uploads.Close()
		server.Uploads = filetransfer.NewDir(uploads)
	}

	listener, err := listen(o)
	if err != nil {
		return err
	}
	printDirs(o)
	printAddresses(listener)

	stopped := make(chan error, 1)
	go func() { stopped <- stop(server, interrupts) }()
	if err := server.Serve(listener); !errors.Is(err, filetransfer.ErrServerClosed) {
		return err
	}
	return <-stopped
}

// stop waits for Ctrl-C, and then for the end of the current transfer or for a
// second Ctrl-C.
func stop(server *filetransfer.Server, interrupts <-chan os.Signal) error {
	<-interrupts
	fmt.Println("Stopping after the current transfer, if any; press Ctrl-C again to stop at once.")
	ctx, stopAtOnce := context.WithCancel(context.Background())
	defer stopAtOnce()
	go func() {
		<-interrupts
		stopAtOnce()
	}()
	if err := server.Shutdown(ctx); err != nil {
		server.Close()
		if ctx.Err() != nil {
			return errors.New("stopped in the middle of a transfer")
		}
		return err
	}
	fmt.Println("Stopped.")
	return nil
}

// openDir opens the directory that a flag names.
func openDir(flagName, dir string) (*os.Root, error) {
	root, err := os.OpenRoot(dir)
	if pathErr, ok := errors.AsType[*os.PathError](err); ok {
		err = pathErr.Err // without the name of the system call
	}
	if err != nil {
		return nil, fmt.Errorf("-%s %s: %w", flagName, dir, err)
	}
	return root, nil
}
