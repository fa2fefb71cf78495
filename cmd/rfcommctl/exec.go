package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// killDelay is the time that a command has to end after SIGTERM.
const killDelay = 2 * time.Second

// A command is a running command of the shell.
type command struct {
	*exec.Cmd
	wait func() error // returns the result of the command, once it has ended
}

// runWith runs a command of the shell whose standard input and output are the
// connection. The end of the command ends the connection, once the peer has
// received everything; the end of the connection ends the command's input.
func (t *tool) runWith(ctx context.Context, conn net.Conn, line string) error {
	defer conn.Close()
	c := &command{Cmd: shell(ctx, line)}
	c.wait = sync.OnceValue(c.Cmd.Wait)
	c.Stderr = t.stderr
	c.Cancel = c.terminate
	c.WaitDelay = killDelay
	input, err := c.StdinPipe()
	if err != nil {
		return err
	}
	output, err := c.StdoutPipe()
	if err != nil {
		return err
	}
	if err := c.Start(); err != nil {
		return err
	}
	cp := &copier{conn: conn, in: commandOutput{output, c}, out: commandInput{input}}
	err = cp.run(ctx)
	input.Close()
	output.Close()
	return c.result(err, line)
}

// shell returns a command that runs a line in the shell.
func shell(ctx context.Context, line string) *exec.Cmd {
	if runtime.GOOS == "windows" {
		return exec.CommandContext(ctx, "cmd", "/C", line)
	}
	return exec.CommandContext(ctx, "/bin/sh", "-c", line)
}

// terminate asks the command to end.
func (c *command) terminate() error {
	if runtime.GOOS == "windows" {
		return c.Process.Kill()
	}
	return c.Process.Signal(syscall.SIGTERM)
}

// result waits for the end of the command and returns the error of the
// connection or, if there is none, that of the command.
func (c *command) result(copied error, line string) error {
	err := c.wait()
	switch {
	case copied != nil:
		return copied
	case err != nil:
		return fmt.Errorf("command %q: %w", line, err)
	}
	return nil
}

// commandOutput is the output of a command. It ends when the command has ended,
// even if the command closes its standard output before.
type commandOutput struct {
	io.Reader
	command *command
}

// Read implements [io.Reader].
func (o commandOutput) Read(p []byte) (int, error) {
	n, err := o.Reader.Read(p)
	if errors.Is(err, os.ErrClosed) {
		err = io.EOF // the connection has ended
	}
	if err == io.EOF {
		o.command.wait()
	}
	return n, err
}

// commandInput is the input of a command. It discards data that the command does
// not read because it has ended, or has closed its standard input.
type commandInput struct{ io.Writer }

// Write implements [io.Writer].
func (i commandInput) Write(p []byte) (int, error) {
	n, err := i.Writer.Write(p)
	if errors.Is(err, syscall.EPIPE) || errors.Is(err, os.ErrClosed) {
		return len(p), nil
	}
	return n, err
}
