package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/go-rfcomm/rfcomm"
)

// send sends the text, receives the same number of bytes, and prints them.
func send(words []string) error {
	conn, text, err := dial(words)
	if err != nil {
		return err
	}
	defer conn.Close()
	// Read while writing: the server stops reading a long text if its answer is
	// not read.
	go io.WriteString(conn, text)
	echo := make([]byte, len(text))
	if _, err := io.ReadFull(conn, echo); err != nil {
		return err
	}
	fmt.Printf("%s\n", echo)
	if string(echo) != text {
		return errors.New("the answer differs from the text: is it an echo server?")
	}
	return nil
}

// dial connects to the server. It returns the connection and the text to send.
func dial(words []string) (conn net.Conn, text string, err error) {
	if *connectTCP != "" {
		conn, err = net.Dial("tcp", *connectTCP)
		return conn, strings.Join(words, " "), err
	}
	conn, err = rfcomm.Dial(words[0], *channel)
	return conn, strings.Join(words[1:], " "), err
}
