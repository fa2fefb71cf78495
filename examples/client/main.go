// Client gets files over Bluetooth from the example server, or from the server of
// the PyBluez tutorial. It shows the server's prompt and gets the file that the
// user names:
//
//	client [-channel 20] [-adapter hci1] BDADDR
//
// A name can also be an argument. -plain selects the dialect of the tutorial, for
// servers that support no other. Without it, the same get resumes after a break:
//
//	client [-channel 20] [-adapter hci1] [-plain] BDADDR get [-o FILE] NAME
package main

import (
	"bufio"
	"cmp"
	"context"
	"flag"
	"fmt"
	"net"
	"os"
	"path"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/filetransfer"
)

var (
	server rfcomm.Addr
	dialer rfcomm.Dialer
	plain  = flag.Bool("plain", false, "")
	output = flag.String("o", "", "")
)

func main() {
	flag.IntVar(&server.Channel, "channel", 20, "")
	flag.Func("adapter", "", func(name string) error {
		adapter, err := rfcomm.AdapterByName(name)
		if err == nil {
			dialer.LocalAddr.Device = adapter.Addr
		}
		return err
	})
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: client [-channel 20] [-adapter hci1] [-plain] BDADDR [get [-o FILE] NAME]")
	}
	flag.Parse()
	err := server.Device.UnmarshalText([]byte(flag.Arg(0)))
	transfer := ask
	if flag.Arg(1) == "get" {
		transfer = get
		flag.CommandLine.Parse(flag.Args()[2:]) // [-o FILE] NAME
	}
	if err != nil || flag.NArg() != 1 || server.Channel < 1 || server.Channel > 30 {
		flag.Usage()
		os.Exit(2)
	}
	conn, err := dialer.DialRFCOMM(context.Background(), server)
	if err == nil {
		err = transfer(conn, flag.Arg(0))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "client:", err)
		os.Exit(1)
	}
}

// ask gets the file that the user names.
func ask(conn net.Conn, _ string) error {
	c := &promptedConn{conn, bufio.NewReader(conn)}
	if _, err := c.r.Peek(1); err != nil {
		return fmt.Errorf("no prompt: %w", err)
	}
	prompt, _ := c.r.Peek(c.r.Buffered())
	fmt.Printf("%q: ", prompt) // escaped
	line := bufio.NewScanner(os.Stdin)
	line.Scan() // at the end of the input, the name is empty, and refused
	*plain = true
	return get(c, line.Text())
}

// get gets a file. Until it is complete, its content is in NAME.part.
func get(conn net.Conn, name string) error {
	client := filetransfer.NewClient(conn)
	defer client.Close()
	client.Plain = *plain
	client.Busy = func() { fmt.Println("Waiting: the server is busy with another client") }
	info, err := client.Download(context.Background(), name, cmp.Or(*output, path.Base(name)))
	if err == nil {
		fmt.Printf("Received %d bytes\n", info.Size)
	}
	return err
}

// A promptedConn is a connection whose prompt was peeked at.
type promptedConn struct {
	net.Conn
	r *bufio.Reader
}

func (c *promptedConn) Read(b []byte) (int, error) { return c.r.Read(b) }
