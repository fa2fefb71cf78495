package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/go-rfcomm/rfcomm"
)

// send sends the text, receives as much, and prints it.
func send(words []string) error {
	conn, text, err := dial(words)
	if err != nil {
		return err
	}
	defer conn.Close()
	// It reads while it writes: neither side takes more of a long text than it
	// can pass on.
	go io.WriteString(conn, text)
	echo := make([]byte, len(text))
	if _, err := io.ReadFull(conn, echo); err != nil {
		return err
	}
	fmt.Printf("%s\n", echo)
	if string(echo) != text {
		return errors.New("this is not what was sent: is it an echo server?")
	}
	return nil
}

// dial connects to the server, and returns the text for it, too.
func dial(words []string) (conn net.Conn, text string, err error) {
	if *connectTCP != "" {
		conn, err = net.Dial("tcp", *connectTCP)
		return conn, strings.Join(words, " "), err
	}
	conn, err = rfcomm.Dial(words[0], *channel)
	return conn, strings.Join(words[1:], " "), err
}
