// Rfcommctl finds Bluetooth devices and their services, pairs with them, connects
// to them, and transfers files.
//
//	rfcommctl adapters          lists the adapters and what keeps them from working
//	rfcommctl scan              lists the devices in range
//	rfcommctl pair DEVICE       pairs with a device
//	rfcommctl unpair DEVICE     removes a device and its key
//	rfcommctl trust DEVICE      lets a device connect without a question
//	rfcommctl services DEVICE   lists the services of a device
//	rfcommctl connect TARGET    connects standard input and output to a service
//	rfcommctl listen            is the server of a service
//	rfcommctl tty TARGET        offers a connection as a serial port
//	rfcommctl relay TARGET PORT joins a connection and a serial port
//	rfcommctl serve DIRECTORY   offers the files of a directory
//	rfcommctl get TARGET NAME   gets files from a file server
//	rfcommctl put TARGET FILE   sends files to a file server
//	rfcommctl ls TARGET         lists the files of a file server
//	rfcommctl stat TARGET NAME  describes files of a file server
//	rfcommctl speed TARGET      measures throughput and round trips
//	rfcommctl doctor [DEVICE]   finds out why Bluetooth does not work here
//	rfcommctl demo              shows other commands at work
//	rfcommctl completion bash   prints completions for bash, zsh or fish
//	rfcommctl man DIRECTORY     writes the manual pages
//
// It needs no root, except for tty --bind. Only pair, unpair, trust, --publish
// and the changes of adapters need the daemon bluetoothd. TARGET is the address
// of a device, as printed by scan, with the service after a slash:
// 01:23:45:67:89:AB/20 for a channel, 01:23:45:67:89:AB/spp or
// 01:23:45:67:89:AB/1101 for a service. The name of a paired or recently found
// device works, too. "rfcommctl help" and "rfcommctl help COMMAND" print the
// details.
//
// Results are on standard output, in the form of one line or, with --json, one
// JSON object for each. Everything else is on standard error, where an error is
// one line. The exit status is
//
//	0    success; also if the program that reads standard output ends
//	1    another error
//	2    wrong usage
//	3    not found: the device does not answer, or lacks the service or the file
//	4    busy or timed out: the same command may succeed later
//	5    a privilege, pairing or encryption is missing, or the server refuses
//	130  interrupted by Ctrl-C; other signals end it with 128 plus their number
package main

import (
	"context"
	"os"
)

func main() {
	ctx, stop := withSignals(context.Background())
	status := newTool().run(ctx, os.Args[1:])
	stop()
	os.Exit(status)
}
