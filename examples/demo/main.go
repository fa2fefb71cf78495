// Demo runs a server and a client in one program, and transfers a file between
// them in both dialects of package filetransfer.
//
//	demo [FILE]
//
// The default for FILE is the program itself. The connection uses Bluetooth if
// this machine has two adapters that reach each other, and memory otherwise.
// The received files are compared with FILE and removed at the end.
//
// The exit status is 0 if both copies are equal to the file, 1 if one is not or
// something failed, 2 for wrong usage and 130 after Ctrl-C.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: demo [FILE]\nTransfers a file from a server to a client, both in this program, and compares.")
	}
	flag.Parse()
	if flag.NArg() > 1 {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // so that a second Ctrl-C ends the program at once

	err := demonstrate(ctx, flag.Arg(0))
	switch {
	case err == nil:
	case ctx.Err() != nil:
		fmt.Fprintln(os.Stderr, "demo: interrupted")
		os.Exit(130)
	default:
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}
