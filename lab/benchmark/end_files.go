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

// The roles of an end that transfers a file. A dialing end prints "connected",
// the number of bytes received when it began to count, the number of bytes
// received after that up to the last one, and "done". An end that puts a file
// prints only "connected" and "done".
const (
	roleServeBytes = "serve-bytes" // sends only the file, after it has received a byte
	roleGetBytes   = "get-bytes"
	roleTakeBytes  = "take-bytes" // stores the received bytes, and answers with a byte
	rolePutBytes   = "put-bytes"

	roleServe = "serve" // the server of filetransfer
	roleGet   = "get"   // its client in the framed dialect
	roleFetch = "fetch" // in the plain dialect
	rolePut   = "put"   // in the framed dialect
)

func (j endJob) openFile() (*os.File, int64, error) {
	f, err := os.Open(filepath.Join(j.dir, fileName))
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
	if err := copyBuffered(c, f); err != nil {
		return err
	}
	_, err = c.Read(make([]byte, 1)) // until the client has received everything
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
	if err := copyBuffered(io.Discard, io.LimitReader(counting, j.count)); err != nil {
		return err
	}
	fmt.Println("done")
	waitForKill([]io.Closer{c})
	return nil
}

func takeBytes(s stack, j endJob) error {
	f, err := os.Create(filepath.Join(j.dir, "taken"))
	if err != nil {
		return err
	}
	c, err := acceptOne(s, j)
	if err != nil {
		return err
	}
	if err := copyBuffered(f, io.LimitReader(c, j.count)); err != nil {
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
	if err := copyBuffered(c, f); err != nil {
		return err
	}
	if _, err := c.Read(make([]byte, 1)); err != nil {
		return err
	}
	fmt.Println("done")
	waitForKill([]io.Closer{c})
	return nil
}

// copyBuffered is io.Copy without the WriterTo and ReaderFrom of its arguments.
func copyBuffered(to io.Writer, from io.Reader) error {
	_, err := io.CopyBuffer(struct{ io.Writer }{to}, struct{ io.Reader }{from}, make([]byte, readSize))
	return err
}

func serve(_ stack, j endJob) error {
	root, err := os.OpenRoot(j.dir)
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

// nowhere is io.Discard without its ReaderFrom.
type nowhere struct{}

func (nowhere) Write(p []byte) (int, error) { return len(p), nil }

// beginCounting is a number of received bytes that certainly includes the first
// byte of the content, in any dialect.
const beginCounting = 4096

// A countingReader reports when the content of a file begins to arrive, and
// when all of it has arrived.
type countingReader struct {
	from  io.Reader
	size  int64 // the size of the file
	came  int64
	begun int64 // the bytes received when the counting began
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
