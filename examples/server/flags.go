package main

import (
	"flag"
	"fmt"
	"os"
	"time"
)

// options are what the command line says.
type options struct {
	channel   int
	adapter   string
	listen    string
	dir       string
	uploads   string
	maxUpload int64
	timeout   time.Duration
}

// parseFlags returns the options, or ends the program if they are wrong.
func parseFlags() options {
	var o options
	flag.IntVar(&o.channel, "channel", 20, "listen on this RFCOMM channel `N`, 1 to 30; 0: one that is free")
	flag.StringVar(&o.adapter, "adapter", "", "listen on this Bluetooth adapter alone, such as `hci0`")
	flag.StringVar(&o.listen, "listen", "", "listen on this TCP `host:port` instead of Bluetooth")
	flag.StringVar(&o.dir, "dir", ".", "offer the files in `DIR`")
	flag.StringVar(&o.uploads, "uploads", "", "store what clients put in `DIR` (default: refuse it)")
	flag.Int64Var(&o.maxUpload, "max-upload", 0, "refuse to store files of more than so many `BYTES` (default: no limit)")
	flag.DurationVar(&o.timeout, "timeout", 30*time.Second, "drop a client that is silent, or takes nothing, for so `LONG`")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: server [flags]\nOffers the files of a folder over Bluetooth, to one client at a time.")
		flag.PrintDefaults()
	}
	flag.Parse()

	given := make(map[string]bool)
	flag.Visit(func(f *flag.Flag) { given[f.Name] = true })
	switch {
	case flag.NArg() > 0:
		wrongUsage("it takes flags only, not %q", flag.Arg(0))
	case given["listen"] && (given["channel"] || given["adapter"]):
		wrongUsage("-listen is for TCP, -channel and -adapter are for Bluetooth: give one or the other")
	case given["listen"] && o.listen == "":
		wrongUsage("-listen needs host:port")
	case given["adapter"] && o.adapter == "":
		wrongUsage("-adapter needs a name such as hci0")
	case o.channel < 0 || o.channel > 30:
		wrongUsage("-channel %d: channels run from 1 to 30, and 0 stands for any that is free", o.channel)
	case o.maxUpload < 0 || given["max-upload"] && o.maxUpload == 0:
		wrongUsage("-max-upload %d: it must be at least 1", o.maxUpload)
	case given["max-upload"] && o.uploads == "":
		wrongUsage("-max-upload is of no use without -uploads")
	case o.timeout <= 0:
		wrongUsage("-timeout %s: it must be more than 0", o.timeout)
	}
	return o
}

func wrongUsage(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "server: "+format+" (server -h tells the flags)\n", args...)
	os.Exit(2)
}
