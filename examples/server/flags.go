package main

import (
	"flag"
	"fmt"
	"os"
	"time"
)

// options are the values of the flags.
type options struct {
	channel   int
	adapter   string
	listen    string
	dir       string
	uploads   string
	maxUpload int64
	replace   bool
	timeout   time.Duration
}

// parseFlags returns the options. If they are wrong, it prints the reason and
// ends the program.
func parseFlags() options {
	var o options
	flag.IntVar(&o.channel, "channel", 20, "listen on RFCOMM channel `N`, 1 to 30, or 0 for any free channel")
	flag.StringVar(&o.adapter, "adapter", "", "listen only on this Bluetooth adapter, such as `hci0`")
	flag.StringVar(&o.listen, "listen", "", "listen on this TCP `host:port` instead of Bluetooth")
	flag.StringVar(&o.dir, "dir", ".", "offer the files in `DIR`")
	flag.StringVar(&o.uploads, "uploads", "", "store uploads in `DIR` (default: refuse uploads)")
	flag.Int64Var(&o.maxUpload, "max-upload", 0, "refuse uploads of more than this number of `BYTES` (default: unlimited)")
	flag.BoolVar(&o.replace, "replace", false, "let clients replace stored files with put -f")
	flag.DurationVar(&o.timeout, "timeout", 30*time.Second, "drop a client that sends or reads nothing for this `DURATION`")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: server [flags]\nOffers the files of a directory over Bluetooth, to one client at a time.")
		flag.PrintDefaults()
	}
	flag.Parse()

	given := make(map[string]bool)
	flag.Visit(func(f *flag.Flag) { given[f.Name] = true })
	switch {
	case flag.NArg() > 0:
		wrongUsage("unexpected argument %q: only flags are allowed", flag.Arg(0))
	case given["listen"] && (given["channel"] || given["adapter"]):
		wrongUsage("-listen is for TCP, -channel and -adapter are for Bluetooth: use one or the other")
	case given["listen"] && o.listen == "":
		wrongUsage("-listen needs host:port")
	case given["adapter"] && o.adapter == "":
		wrongUsage("-adapter needs a name such as hci0")
	case o.channel < 0 || o.channel > 30:
		wrongUsage("invalid -channel %d: use 1 to 30, or 0 for any free channel", o.channel)
	case o.maxUpload < 0 || given["max-upload"] && o.maxUpload == 0:
		wrongUsage("invalid -max-upload %d: use at least 1", o.maxUpload)
	case given["max-upload"] && o.uploads == "":
		wrongUsage("-max-upload has no effect without -uploads")
	case o.replace && o.uploads == "":
		wrongUsage("-replace has no effect without -uploads")
	case o.timeout <= 0:
		wrongUsage("invalid -timeout %s: use more than 0", o.timeout)
	}
	return o
}

// wrongUsage prints an error and ends the program.
func wrongUsage(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "server: "+format+" (see server -h)\n", args...)
	os.Exit(2)
}
