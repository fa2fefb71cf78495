// Echo is the smallest server and client. The server sends back the data that
// it receives. The client sends a text and prints the answer.
//
//	echo [-channel 11]                 serve
//	echo [-channel 11] BDADDR TEXT…    send a text to the device with this address
//
// To try it over TCP, without Bluetooth:
//
//	echo -listen host:port
//	echo -connect host:port TEXT…
package main

import (
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
)

const usage = `usage: echo [-channel 11]                 serve
       echo [-channel 11] BDADDR TEXT…    send a text to the device with this address
       echo -listen host:port             serve over TCP
       echo -connect host:port TEXT…      send a text over TCP
`

var (
	channel    = flag.Int("channel", 11, "")
	listenTCP  = flag.String("listen", "", "")
	connectTCP = flag.String("connect", "", "")
)

func main() {
	flag.Usage = func() { fmt.Fprint(flag.CommandLine.Output(), usage) }
	flag.Parse()
	words := flag.Args()

	var err error
	switch {
	case len(words) == 0 && *connectTCP == "":
		err = serve()
	case *listenTCP != "" || len(words) == 0 || len(words) == 1 && *connectTCP == "":
		flag.Usage()
		os.Exit(2)
	default:
		err = send(words)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "echo:", err)
		if _, malformed := errors.AsType[*net.AddrError](err); malformed {
			os.Exit(2)
		}
		os.Exit(1)
	}
}
