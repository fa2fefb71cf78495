//go:build linux

package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/filetransfer"
)

// What an end does with a file. The dialing ends say "connected", then how many
// bytes had come when they began to count, then how many came after that with the
// last one, then "done". Those that put a file say the first and the last alone.
const (
	roleServeBytes = "serve-bytes" // sends the file after a byte, and nothing else
	roleGetBytes   = "get-bytes"
	roleTakeBytes  = "take-bytes" // stores what comes, and answers with a byte
	rolePutBytes   = "put-bytes"

	roleServe = "serve" // filetransfer's server
	roleGet   = "get"   // its client in the framed dialect
	roleFetch = "fetch" // in the plain dialect
	rolePut   = "put"   // in the framed dialect
)

func (j endJob) openFile() (*os.File, int64, error) {
	f, err := os.Open(filepath.Join(j.folder, fileName))
	if err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, 0, err
	}
	return f, info.Size(), nil
}

func serveBytes(s stack, j endJob) error {
	f, _, err := j.openFile()
	if err != nil {
		return err
	}
	c, err := acceptOne(s, j)
	if err != nil {
		return err
	}
	if _, err := c.Read(make([]byte, 1)); err != nil {
		return err
	}
	if err := copyPieces(c, f); err != nil {
		return err
	}
	_, err = c.Read(make([]byte, 1)) // until the client has it all
	return ignoreEnd(err)
}

func getBytes(s stack, j endJob) error {
	c, err := dialOne(s, j)
	if err != nil {
		return err
	}
	fmt.Println("connected")
	if _, err := c.Write([]byte{0}); err != nil {
		return err
	}
	counting := &countingReader{from: c, size: j.count}
	if err := copyPieces(io.Discard, io.LimitReader(counting, j.count)); err != nil {
		return err
	}
	fmt.Println("done")
	waitForKill([]io.Closer{c})
	return nil
}

func takeBytes(s stack, j endJob) error {
	f, err := os.Create(filepath.Join(j.folder, "taken"))
	if err != nil {
		return err
	}
	c, err := acceptOne(s, j)
	if err != nil {
		return err
	}
	if err := copyPieces(f, io.LimitReader(c, j.count)); err != nil {
		return err
	}
	if _, err := c.Write([]byte{0}); err != nil {
		return err
	}
	_, err = c.Read(make([]byte, 1))
	return ignoreEnd(err)
}

func putBytes(s stack, j endJob) error {
	f, _, err := j.openFile()
	if err != nil {
		return err
	}
	c, err := dialOne(s, j)
	if err != nil {
		return err
	}
	fmt.Println("connected")
	if err := copyPieces(c, f); err != nil {
		return err
	}
	if _, err := c.Read(make([]byte, 1)); err != nil {
		return err
	}
	fmt.Println("done")
	waitForKill([]io.Closer{c})
	return nil
}

// copyPieces is io.Copy without the ways of its own that some types have.
func copyPieces(to io.Writer, from io.Reader) error {
	_, err := io.CopyBuffer(struct{ io.Writer }{to}, struct{ io.Reader }{from}, make([]byte, readSize))
	return err
}

func serve(_ stack, j endJob) error {
	root, err := os.OpenRoot(j.folder)
	if err != nil {
		return err
	}
	l, err := listenLibrary(j.far, j.channel)
	if err != nil {
		return err
	}
	fmt.Println("listening")
	server := &filetransfer.Server{FS: root.FS(), Uploads: root, Logger: slog.New(slog.DiscardHandler)}
	return server.Serve(l)
}

func get(_ stack, j endJob) error {
	return transfer(j, func(ctx context.Context, c net.Conn) error {
		_, err := filetransfer.NewClient(c).Get(ctx, fileName, nowhere{})
		return err
	})
}

func fetch(_ stack, j endJob) error {
	return transfer(j, func(ctx context.Context, c net.Conn) error {
		_, err := filetransfer.Fetch(ctx, c, fileName, nowhere{})
		return err
	})
}

func put(_ stack, j endJob) error {
	f, size, err := j.openFile()
	if err != nil {
		return err
	}
	return transfer(j, func(ctx context.Context, c net.Conn) error {
		client := filetransfer.NewClient(c)
		client.Overwrite = true
		return client.Put(ctx, "taken", f, filetransfer.Info{Size: size, Mode: 0o600})
	})
}

func transfer(j endJob, do func(context.Context, net.Conn) error) error {
	c, err := dialLibrary(j.near[0], j.far, j.channel)
	if err != nil {
		return err
	}
	fmt.Println("connected")
	counting := countingConn{c, &countingReader{from: c, size: j.count}}
	if err := do(context.Background(), counting); err != nil {
		return err
	}
	fmt.Println("done")
	waitForKill([]io.Closer{c})
	return nil
}

// nowhere is io.Discard without its own way to copy.
type nowhere struct{}

func (nowhere) Write(p []byte) (int, error) { return len(p), nil }

// beginCounting is how many bytes must have come before the content's first one
// has for certain, in any dialect.
const beginCounting = 4096

// A countingReader says when the content of a file begins to come, and when all
// of it is there.
type countingReader struct {
	from  io.Reader
	size  int64 // of the file
	came  int64
	begun int64 // what had come when the counting began
	ended bool
}

func (r *countingReader) Read(p []byte) (int, error) {
	n, err := r.from.Read(p)
	r.came += int64(n)
	if r.begun == 0 && r.came >= beginCounting {
		r.begun = r.came
		fmt.Println(r.begun, "bytes")
	}
	if !r.ended && r.came >= r.size {
		r.ended = true
		fmt.Println(r.came-r.begun, "bytes")
	}
	return n, err
}

type countingConn struct {
	*rfcomm.Conn
	counting *countingReader
}

func (c countingConn) Read(p []byte) (int, error) { return c.counting.Read(p) }
