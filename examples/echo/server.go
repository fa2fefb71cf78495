package main

import (
	"fmt"
	"io"
	"net"

	"github.com/go-rfcomm/rfcomm"
)

// serve sends back the data of its clients until the program ends.
func serve() error {
	listener, err := listen()
	if err != nil {
		return err
	}
	fmt.Println("Listening on", listener.Addr())
	for {
		conn, err := listener.Accept()
		if err != nil {
			return err
		}
		go func() {
			defer conn.Close()
			io.Copy(conn, conn)
		}()
	}
}

func listen() (net.Listener, error) {
	if *listenTCP != "" {
		return net.Listen("tcp", *listenTCP)
	}
	return rfcomm.Listen(*channel)
}
