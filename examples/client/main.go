// Client gets files over Bluetooth from the program server, or from any other
// server that uses the plain dialect of package filetransfer.
//
//	client BDADDR                           asks for a name and gets that file
//	client BDADDR get [-o FILE] [-f] NAME   gets a file
//	client BDADDR ls [DIR]                  lists a directory
//	client BDADDR put [-f] FILE [NAME]      sends a file
//
// BDADDR is the address of the server's device, such as 01:23:45:67:89:AB. With
// -connect host:port instead of the address, the client connects over TCP.
// Flags may stand before, between and after the words:
//
//	-channel 20    the server's RFCOMM channel
//	-adapter hci1  the adapter to connect from
//	-plain         use the plain dialect, for servers without the framed one; only get
//	-timeout 30s   limit for a server that sends or reads nothing
//	-o FILE        the file to which get writes; "-" is the standard output
//	-f             replace an existing file
//
// If a get is interrupted, the content received so far stays in NAME.part, and
// the same get resumes there. "put - NAME" sends the standard input.
//
// The exit status is 0 only after success, which for get and put means a
// complete file. It is 1 after a failure, 2 for wrong usage and 130 after
// Ctrl-C.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/go-rfcomm/rfcomm/examples/internal/show"
)

// Exit statuses other than 0.
const (
	statusFailure     = 1
	statusWrongUsage  = 2
	statusInterrupted = 130
)

func main() {
	o := parse(os.Args[1:])
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // so that a second Ctrl-C ends the program at once

	err := commands[o.command].run(ctx, o)
	if err == nil {
		return
	}
	status := statusFailure
	text := show.Text(err.Error())
	if ctx.Err() != nil {
		status, text = statusInterrupted, "interrupted"
	}
	fmt.Fprintln(os.Stderr, "client:", text)
	if advice := advise(err, o); advice != "" {
		fmt.Fprintln(os.Stderr, "client:", advice)
	}
	os.Exit(status)
}
