package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"

	"github.com/go-rfcomm/rfcomm/examples/internal/show"
	"github.com/go-rfcomm/rfcomm/filetransfer"
)

// demonstrate transfers the file from a server to a client in both dialects.
func demonstrate(ctx context.Context, path string) error {
	original, err := openOffer(path)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "rfcomm-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	fmt.Printf("File        %s, %s\n", show.Name(original.path), show.Bytes(original.size))
	way, err := choose(ctx)
	if err != nil {
		return err
	}
	fmt.Printf("Connection  %s\n", way.description)

	server := &filetransfer.Server{FS: original, Logger: slog.New(slog.DiscardHandler)}
	served := make(chan error, 1)
	go func() { served <- server.Serve(way.listener) }()
	defer func() {
		server.Close()
		<-served
	}()

	same := true
	for _, dialect := range []struct {
		name  string
		plain bool
	}{
		{"Plain", true},
		{"Framed", false},
	} {
		fmt.Printf("\n%s dialect\n", dialect.name)
		conn, err := way.dial(ctx)
		if err != nil {
			return err
		}
		copied := filepath.Join(dir, dialect.name)
		err = get(ctx, &promptedConn{Conn: conn}, dialect.plain, original.name, copied)
		if err != nil {
			return err
		}
		sum, err := hashFile(copied)
		if err != nil {
			return err
		}
		fmt.Printf("  SHA-256 sent      %x\n  SHA-256 received  %x\n", original.sum, sum)
		same = same && bytes.Equal(sum, original.sum)
	}
	if !same {
		return errors.New("a received copy differs from the file")
	}
	fmt.Println("\nBoth copies are equal to the file.")
	return nil
}

// get gets the file and closes the connection.
func get(ctx context.Context, conn net.Conn, plain bool, name, path string) error {
	line := show.NewLastLine(os.Stdout, "  ")
	defer line.End()
	client := filetransfer.NewClient(conn)
	defer client.Close()
	client.Plain = plain
	client.Progress = line.Update
	_, err := client.Download(ctx, name, path)
	return err
}

// A promptedConn prints the prompt that it receives.
type promptedConn struct {
	net.Conn
	prompt []byte
}

// Read implements [net.Conn].
func (c *promptedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if len(c.prompt) < len(filetransfer.Prompt) {
		c.prompt = append(c.prompt, p[:min(n, len(filetransfer.Prompt)-len(c.prompt))]...)
		if len(c.prompt) == len(filetransfer.Prompt) {
			fmt.Printf("  server: %s\n", show.Text(string(c.prompt)))
		}
	}
	return n, err
}
