package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"

	"github.com/go-rfcomm/rfcomm/filetransfer"
)

// demonstrate transfers the file from a server to a client in both dialects.
func demonstrate(ctx context.Context, path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	sent := sha256.New()
	size, err := io.Copy(sent, file)
	if err != nil {
		return err
	}
	fmt.Printf("File        %s, %d bytes\n", path, size)
	server := &filetransfer.Server{FS: oneFile(path), Logger: slog.New(slog.DiscardHandler)}
	defer server.Close()
	dial, description, err := connect(ctx, server)
	if err != nil {
		return err
	}
	fmt.Printf("Connection  %s\n", description)

	for _, dialect := range []string{"Plain", "Framed"} {
		fmt.Printf("\n%s dialect\n", dialect)
		conn, err := dial(ctx)
		if err != nil {
			return err
		}
		client := filetransfer.NewClient(promptedConn{conn})
		client.Plain = dialect == "Plain"
		received := sha256.New() // of the content, which a program would write to a file
		info, err := client.Get(ctx, filepath.Base(path), received)
		client.Close()
		if err != nil {
			return err
		}
		fmt.Printf("  client: received %d bytes\n", info.Size)
		fmt.Printf("  SHA-256 sent      %x\n  SHA-256 received  %x\n", sent.Sum(nil), received.Sum(nil))
		if !bytes.Equal(sent.Sum(nil), received.Sum(nil)) {
			return errors.New("the received content differs from the file")
		}
	}
	fmt.Println("\nBoth received contents are equal to the file.")
	return nil
}

// oneFile is a file system with one file, whose path it is. A device that finds
// the server can get no other file.
type oneFile string

// Open implements [fs.FS].
func (f oneFile) Open(name string) (fs.File, error) {
	if name != filepath.Base(string(f)) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return os.Open(string(f))
}

// A promptedConn prints the first bytes that it receives: the server's prompt.
type promptedConn struct{ net.Conn }

// Read implements [net.Conn].
func (c promptedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if string(p[:n]) == filetransfer.Prompt {
		fmt.Printf("  server: %s\n", p[:n])
	}
	return n, err
}
