// Demo runs a server and a client in one program, and transfers a file between
// them in both dialects of package filetransfer.
//
//	demo [FILE]
//
// The default for FILE is the program itself. The connection uses Bluetooth if
// this machine has two adapters that reach each other, and memory otherwise.
//
// The exit status is 0 if both received contents are equal to that of FILE, 1 if
// one is not or something failed, and 2 for wrong usage.
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
	defer stop()
	path := flag.Arg(0)
	var err error
	if path == "" {
		path, err = os.Executable()
	}
	if err == nil {
		err = demonstrate(ctx, path)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}
