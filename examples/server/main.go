// Server offers the files of a folder over Bluetooth, on RFCOMM channel 20, to
// one client at a time. It asks each client for the name of a file and sends
// it; clients of package filetransfer can do more, such as to list the folder
// and, with -uploads, to send files.
//
//	server [-channel 20] [-adapter hci0] [-dir .] [-uploads DIR] [-max-upload BYTES] [-timeout 30s]
//	server -listen host:port […]
//
// With -listen it is reached over TCP, to try it without Bluetooth.
//
// Ctrl-C ends it after the transfer under way, a second one at once. The exit
// status is 0 after an orderly end, 1 after a failure and 2 for wrong usage.
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

// serve offers the files until someone presses Ctrl-C.
func serve(o options) error {
	interrupts := make(chan os.Signal, 2)
	signal.Notify(interrupts, os.Interrupt, syscall.SIGTERM)

	// A root is a folder that no name and no link leads out of.
	files, err := openDir("dir", o.dir)
	if err != nil {
		return err
	}
	defer files.Close()
	server := &filetransfer.Server{
		FS:          files.FS(),
		MaxUpload:   o.maxUpload,
		IdleTimeout: o.timeout,
		Logger:      slog.New(newHandler(os.Stdout)),
	}
	if o.uploads != "" {
		if server.Uploads, err = openDir("uploads", o.uploads); err != nil {
			return err
		}
		defer server.Uploads.Close()
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

// stop waits for Ctrl-C, and then for the end of the transfer under way, unless
// there is a second Ctrl-C.
func stop(server *filetransfer.Server, interrupts <-chan os.Signal) error {
	<-interrupts
	fmt.Println("Stopping after the transfer under way, if there is one; Ctrl-C again stops at once.")
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

// openFolder opens the folder that a flag names.
func openDir(flagName, dir string) (*os.Root, error) {
	root, err := os.OpenRoot(dir)
	if pathErr, ok := errors.AsType[*os.PathError](err); ok {
		err = pathErr.Err // the rest names a system call
	}
	if err != nil {
		return nil, fmt.Errorf("-%s %s: %w", flagName, dir, err)
	}
	return root, nil
}
