// Demo runs a server and a client in one program, and gets a file from one to
// the other in both dialects of package filetransfer.
//
//	demo [FILE]
//
// FILE is the program itself if none is named. It goes over Bluetooth if this
// machine has two adapters that reach each other, and through memory otherwise.
// What is received is compared with what was sent, and removed in the end.
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
		fmt.Fprintln(flag.CommandLine.Output(), "usage: demo [FILE]\nGets a file from a server to a client, both in this program, and compares.")
	}
	flag.Parse()
	if flag.NArg() > 1 {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the program, whatever it does

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
