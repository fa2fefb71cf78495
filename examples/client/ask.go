package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"

	"github.com/go-rfcomm/rfcomm/examples/internal/show"
	"github.com/go-rfcomm/rfcomm/filetransfer"
)

// ask shows the server's prompt to the user, reads the name of a file from the
// terminal, and gets that file into the current directory, in the plain
// dialect.
func ask(ctx context.Context, o *options) error {
	o.plain = true
	conn, err := connect(ctx, o)
	if err != nil {
		return err
	}
	defer conn.Close()
	prompted := &promptedConn{Conn: conn}
	if err := prompted.readPrompt(ctx, o.timeout); err != nil {
		return err
	}
	fmt.Print(strings.TrimRight(show.Text(string(prompted.prompt)), ": "), ": ")

	stay := prompted.watch()
	name, err := readLine(ctx)
	if err != nil {
		return err
	}
	if o.output, err = localName(name); err != nil {
		return err
	}
	if !stay() { // the server has closed the connection
		conn.Close()
		again, err := connect(ctx, o)
		if err != nil {
			return err
		}
		defer again.Close()
		prompted = &promptedConn{Conn: again}
	}
	line := show.NewLine(os.Stderr)
	err = receive(ctx, o, clientOver(prompted, o, line), name)
	line.End()
	if err != nil {
		return err
	}
	if info, err := os.Stat(o.output); err == nil {
		fmt.Printf("Received %s, %s\n", show.Name(o.output), show.Bytes(info.Size()))
	}
	return nil
}

// readLine reads a line from the terminal.
func readLine(ctx context.Context) (string, error) {
	type result struct {
		line string
		err  error
	}
	read := make(chan result, 1)
	go func() { // runs until there is input, or until the program ends
		line, err := bufio.NewReader(os.Stdin).ReadString('\n')
		read <- result{line, err}
	}()
	select {
	case <-ctx.Done():
		fmt.Println()
		return "", ctx.Err()
	case r := <-read:
		if r.err != nil {
			fmt.Println()
		}
		if r.err != nil && r.err != io.EOF {
			return "", r.err
		}
		line := strings.TrimRight(r.line, "\r\n")
		if line == "" {
			return "", errors.New("no file name was entered")
		}
		return line, nil
	}
}

// longAgo is a deadline that unblocks a pending read.
var longAgo = time.Unix(1, 0)

// A promptedConn is a connection whose prompt has already been read. Read
// returns the prompt once more.
type promptedConn struct {
	net.Conn
	prompt []byte
}

// Read implements [net.Conn].
func (c *promptedConn) Read(p []byte) (int, error) {
	if len(c.prompt) > 0 {
		n := copy(p, c.prompt)
		c.prompt = c.prompt[n:]
		return n, nil
	}
	return c.Conn.Read(p)
}

// readPrompt reads the first bytes of the server: the usual prompt, or another
// text up to the point where it differs.
func (c *promptedConn) readPrompt(ctx context.Context, timeout time.Duration) error {
	defer context.AfterFunc(ctx, func() { c.SetReadDeadline(longAgo) })()
	c.SetReadDeadline(time.Now().Add(timeout))
	piece := make([]byte, 2048)
	for {
		n, err := c.Conn.Read(piece)
		c.prompt = append(c.prompt, piece[:n]...)
		switch {
		case len(c.prompt) >= len(filetransfer.Prompt), n > 0 && !strings.HasPrefix(filetransfer.Prompt, string(c.prompt)):
			return nil
		case errors.Is(err, os.ErrDeadlineExceeded):
			return fmt.Errorf("the server did not ask for a name: it was silent for %s", timeout)
		case err == io.EOF:
			return errors.New("the server closed the connection before it asked for a name")
		case err != nil:
			return err
		}
	}
}

// settle is how long the end of a wait is put off, so that it does not overtake
// the server's last bytes: a Read after its deadline ignores received data.
const settle = 200 * time.Millisecond

// watch waits until the server sends something or closes the connection; it may
// send an error first. The returned function ends the wait, after settle, and
// reports whether the connection can still be used.
func (c *promptedConn) watch() (stay func() bool) {
	c.SetReadDeadline(time.Time{})
	open := make(chan bool, 1)
	go func() {
		_, err := c.Conn.Read(make([]byte, 1))
		open <- errors.Is(err, os.ErrDeadlineExceeded)
	}()
	return func() bool {
		c.SetReadDeadline(time.Now().Add(settle))
		defer c.SetReadDeadline(time.Time{})
		return <-open
	}
}
