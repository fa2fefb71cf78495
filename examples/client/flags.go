package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/go-rfcomm/rfcomm"
)

const usage = `usage: client [flags] BDADDR                           asks for a name and gets that file
       client [flags] BDADDR get [-o FILE] [-f] NAME   gets a file
       client [flags] BDADDR ls [DIR]                  lists a directory
       client [flags] BDADDR put [-f] FILE [NAME]      sends a file; "-" is the standard input

With -connect host:port, omit BDADDR. Flags may stand before, between and after
the words; "--" ends the flags.
`

// A command is selected by the word after the server's address.
type command struct {
	run         func(context.Context, *options) error
	least, most int // number of words that follow
	usage       string

	plain, output, overwrite bool // whether it takes -plain, -o and -f
}

var commands = map[string]command{
	"":    {run: ask, plain: true, overwrite: true},
	"get": {run: get, least: 1, most: 1, usage: "get [-o FILE] [-f] NAME", plain: true, output: true, overwrite: true},
	"ls":  {run: ls, most: 1, usage: "ls [DIR]"},
	"put": {run: put, least: 1, most: 2, usage: "put [-f] FILE [NAME]", overwrite: true},
}

// options are the values of the command line.
type options struct {
	device  rfcomm.BDAddr
	connect string // host:port, instead of the device
	channel int
	adapter string
	timeout time.Duration

	command string
	words   []string // words after the command

	plain     bool
	output    string
	overwrite bool
}

// parse returns the options. If they are wrong, it prints the reason and ends
// the program.
func parse(args []string) *options {
	o := new(options)
	flags := flag.NewFlagSet("client", flag.ContinueOnError)
	flags.IntVar(&o.channel, "channel", 20, "connect to RFCOMM channel `N` of the server, 1 to 30")
	flags.StringVar(&o.adapter, "adapter", "", "connect from this Bluetooth adapter, such as `hci1`")
	flags.StringVar(&o.connect, "connect", "", "connect to this TCP `host:port` instead of BDADDR")
	flags.DurationVar(&o.timeout, "timeout", 30*time.Second, "give up if the server sends or reads nothing for this `DURATION`")
	flags.BoolVar(&o.plain, "plain", false, "use the plain dialect, which supports only get")
	flags.StringVar(&o.output, "o", "", "write the file to `FILE`; \"-\" is the standard output")
	flags.BoolVar(&o.overwrite, "f", false, "replace an existing file")
	flags.Usage = func() {
		fmt.Fprint(flags.Output(), usage, "\n")
		flags.PrintDefaults()
	}

	words, err := parseAnywhere(flags, args)
	if errors.Is(err, flag.ErrHelp) {
		os.Exit(0)
	}
	if err != nil { // package flag has printed err
		os.Exit(statusWrongUsage)
	}
	given := make(map[string]bool)
	flags.Visit(func(f *flag.Flag) { given[f.Name] = true })
	if err = o.takeWords(words, given); err == nil {
		err = o.check(given)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "client: %v (see client -h)\n", err)
		os.Exit(statusWrongUsage)
	}
	return o
}

// parseAnywhere parses flags before, between and after the words, up to "--",
// and returns the words.
func parseAnywhere(flags *flag.FlagSet, args []string) (words []string, err error) {
	for {
		if err := flags.Parse(args); err != nil {
			return nil, err
		}
		rest := flags.Args()
		parsed := args[:len(args)-len(rest)]
		if len(rest) == 0 || len(parsed) > 0 && parsed[len(parsed)-1] == "--" {
			return append(words, rest...), nil
		}
		words, args = append(words, rest[0]), rest[1:]
	}
}

// names returns the names of the commands, such as "get, ls or put".
func names(commands map[string]command) string {
	names := slices.Sorted(maps.Keys(commands))[1:] // without that of the dialogue, ""
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}

// takeWords takes the server's address, the command and its words.
func (o *options) takeWords(words []string, given map[string]bool) error {
	if !given["connect"] {
		if len(words) == 0 {
			return errors.New("the Bluetooth address of the server is missing: it looks like 01:23:45:67:89:AB")
		}
		var err error
		if o.device, err = rfcomm.ParseBDAddr(words[0]); err != nil {
			return err
		}
		if o.device.IsZero() {
			return fmt.Errorf("%s is not the address of a device", words[0])
		}
		words = words[1:]
	}
	if len(words) == 0 {
		return nil
	}
	o.command, o.words = words[0], words[1:]
	if _, err := rfcomm.ParseBDAddr(o.command); err == nil {
		return errors.New("-connect replaces the Bluetooth address: use one or the other")
	}
	return nil
}

// check returns an error if the options do not fit together.
func (o *options) check(given map[string]bool) error {
	command, known := commands[o.command]
	switch {
	case !known || o.command == "" && o.words != nil:
		return fmt.Errorf("unknown command %q: use %s", o.command, names(commands))
	case len(o.words) < command.least || len(o.words) > command.most:
		return fmt.Errorf("usage: %s", command.usage)
	case given["connect"] && (given["channel"] || given["adapter"]):
		return errors.New("-connect is for TCP, -channel and -adapter are for Bluetooth: use one or the other")
	case given["connect"] && o.connect == "":
		return errors.New("-connect needs host:port")
	case o.channel < 1 || o.channel > 30:
		return fmt.Errorf("invalid -channel %d: use 1 to 30", o.channel)
	case o.timeout <= 0:
		return fmt.Errorf("invalid -timeout %s: use more than 0", o.timeout)
	case o.plain && !command.plain:
		return fmt.Errorf("the plain dialect supports only get: use %s without -plain", o.command)
	case given["o"] && !command.output:
		return errors.New("-o is for get")
	case given["o"] && o.output == "":
		return errors.New("-o needs the name of a file")
	case o.overwrite && !command.overwrite:
		return errors.New("-f is for get and put")
	case o.command == "put" && o.words[0] == "-" && len(o.words) == 1:
		return errors.New("a name for the standard input is missing: use put - NAME")
	}
	return nil
}
