package main

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/go-rfcomm/rfcomm/serial"
)

// ttyOptions are the flags of the command "tty".
type ttyOptions struct {
	source
	path        string // of the symbolic link
	mode        fileMode
	hold        byteSize
	pty, kernel bool

	list, json, bind bool
	release          string // name of a bound device
}

const ttyHelp = `Connects to a service of a device and offers the connection as a serial port to programs that know nothing else, such as gpsd or picocom. Its path is printed on standard output. Programs can open and close it until tty ends. Without a service, TARGET means the serial port (spp).

The port is a node of the kernel, /dev/rfcommN, which carries the modem signals DTR, RTS, DSR and CTS, or a pseudo terminal (pty), which carries data only but needs no permission. By default, it is a node if this user can open one, as members of the group dialout can, and a pty otherwise; -v prints the reason. --kernel and --pty select one of them.

A stable path is a symbolic link: --link. It replaces a link that an earlier run has left behind, but no other file, and is removed at the end.

tty ends when the connection does, and programs that have the port open read the end of it. With --keep, it connects again, waiting for 0.5 s to 30 s between attempts, and programs that open the port again continue. Until then, a node of the kernel does not exist, and bytes that programs write to a pty are discarded. --hold keeps them, and makes the port a pty. The first attempt to connect must succeed.

With --listen, tty waits for a device that connects. --publish makes bluetoothd publish a service record, by which phones and computers find the port, until tty ends. Links must be encrypted (medium), and only devices that bluetoothd has paired are served, unless --security is given: see "rfcommctl listen --help".

--list prints the nodes of the kernel, with their device and state. --bind, for root, makes a node that connects when a program opens it, as "rfcomm bind" does, and stays until --release removes it. The kernel then connects without encryption and without a time limit: if the device is absent, a program that opens the node without O_NONBLOCK hangs.

With --list and --json, each node is an object with the fields name, id, address and channel of the device, adapter (an address, unless it is any), state, open (a program has it open) and bound.`

const ttyExample = `	rfcommctl tty "GPS receiver" --link /tmp/gps --keep
	rfcommctl tty 01:23:45:67:89:AB/1 --pty
	rfcommctl tty --publish Console --keep
	rfcommctl tty --list`

// ttyCommand returns the command "tty".
func (t *tool) ttyCommand() *cobra.Command {
	var o ttyOptions
	c := &cobra.Command{
		Use:               "tty TARGET|--listen|--list [FLAGS]",
		Short:             "Offer a connection as a serial port to other programs",
		Long:              ttyHelp,
		Example:           ttyExample,
		Args:              o.checkWords,
		RunE:              func(c *cobra.Command, words []string) error { return t.runTTY(c, &o, words) },
		ValidArgsFunction: t.completeTargets,
	}
	flags := c.Flags()
	flags.StringVar(&o.path, "link", "", "make `PATH` a symbolic link to the port")
	flags.Var(&o.mode, "mode", "permissions of a pty, such as 0660 (default 0600)")
	flags.BoolVar(&o.pty, "pty", false, "use a pseudo terminal")
	flags.BoolVar(&o.kernel, "kernel", false, "use a node of the kernel, /dev/rfcommN")
	t.sourceFlags(c, &o.source)
	flags.Var(&o.hold, "hold", "with --keep, keep up to this number of bytes, such as 64K, while there is no connection")
	flags.BoolVar(&o.list, "list", false, "list the nodes of the kernel")
	flags.BoolVar(&o.json, "json", false, "with --list, print a JSON object for each node")
	flags.BoolVar(&o.bind, "bind", false, "make a node that connects to TARGET when it is opened (root)")
	flags.StringVar(&o.release, "release", "", "remove the node `rfcommN`")
	for _, name := range []string{"mode", "hold"} {
		c.RegisterFlagCompletionFunc(name, cobra.NoFileCompletions)
	}
	c.RegisterFlagCompletionFunc("release", t.completeTTYs)
	return c
}

// checkWords checks the words of the command line.
func (o *ttyOptions) checkWords(c *cobra.Command, words []string) error {
	for _, name := range []string{"list", "release"} {
		if c.Flags().Changed(name) {
			return wordInPlaceOf(name, words)
		}
	}
	return o.source.checkWords(c, words)
}

// The flags of each form of the command. Other flags are refused.
var (
	ttyListFlags    = []string{"list", "json"}
	ttyReleaseFlags = []string{"release"}
	ttyBindFlags    = []string{"bind", "channel", "adapter", "timeout"}
)

// check returns an error if the flags do not fit together.
func (o *ttyOptions) check(c *cobra.Command) error {
	given := c.Flags().Changed
	switch {
	case o.list:
		return onlyFlags(c, ttyListFlags)
	case given("release"):
		if _, err := ttyNumber(o.release); err != nil {
			return err
		}
		return onlyFlags(c, ttyReleaseFlags)
	case o.bind:
		return onlyFlags(c, ttyBindFlags)
	case o.json:
		return errors.New("--json is for --list")
	case o.pty && o.kernel:
		return errors.New("--pty and --kernel exclude each other")
	case o.kernel && given("mode"):
		return errors.New("--mode is for a pty: the permissions of a node of the kernel are set by udev")
	case o.kernel && given("tcp"):
		return errors.New("--kernel is for Bluetooth, and --tcp for trying without: use one of them")
	case given("link") && o.path == "":
		return errors.New("--link needs a path")
	case o.kernel && given("hold"):
		return errors.New("--hold needs a pty: without a connection, a node of the kernel does not exist")
	case given("hold") && !o.keep:
		return errors.New("--hold is for --keep: otherwise, the port ends with the connection")
	}
	return o.source.check(c)
}

// kind returns the kind of port that the flags ask for.
func (o *ttyOptions) kind() serial.Kind {
	switch {
	case o.pty:
		return serial.PTY
	case o.kernel:
		return serial.TTY
	}
	return serial.Auto
}

// A fileMode is the value of the flag --mode.
type fileMode fs.FileMode

func (m *fileMode) String() string {
	if *m == 0 {
		return "" // no default in the help text
	}
	return fmt.Sprintf("%04o", uint32(*m))
}

func (m *fileMode) Type() string { return "MODE" }

func (m *fileMode) Set(text string) error {
	mode, err := strconv.ParseUint(text, 8, 32)
	if err != nil || mode == 0 || mode > 0o777 {
		return errors.New("use an octal number such as 0660")
	}
	*m = fileMode(mode)
	return nil
}

// A byteSize is the value of a flag: a number of bytes.
type byteSize int

// maxByteSize fits an int of 32 bits.
const maxByteSize = 1 << 30

func (n *byteSize) String() string {
	if *n == 0 {
		return "" // no default in the help text
	}
	return strconv.Itoa(int(*n))
}

func (n *byteSize) Type() string { return "BYTES" }

func (n *byteSize) Set(text string) error {
	number, err := parseBytes(text, maxByteSize)
	if err != nil {
		return errors.New("use a number of bytes up to 1024M, such as 4096, 64K or 1M")
	}
	*n = byteSize(number)
	return nil
}
