//go:build linux

package main

import (
	"bytes"
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

// The roles of an end that transfers a file. A dialing end prints "connected"
// and, after the transfer, "done". The end that receives the file prints "0
// bytes" when the first bytes of the content have arrived, and then the number of
// bytes since it last printed one, up to the last bytes.
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

// takenName is the name of the file that a server receives.
const takenName = "taken"

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
	if err := copyBuffered(io.Discard, io.LimitReader(newContentReader(c, j.count), j.count)); err != nil {
		return err
	}
	fmt.Println("done")
	waitForKill([]io.Closer{c})
	return nil
}

func takeBytes(s stack, j endJob) error {
	f, err := os.Create(filepath.Join(j.dir, takenName))
	if err != nil {
		return err
	}
	c, err := acceptOne(s, j)
	if err != nil {
		return err
	}
	if err := copyBuffered(f, io.LimitReader(newContentReader(c, j.count), j.count)); err != nil {
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
	// A put of a file that is there already would store nothing.
	if err := os.RemoveAll(filepath.Join(j.dir, takenName)); err != nil {
		return err
	}
	root, err := os.OpenRoot(j.dir)
	if err != nil {
		return err
	}
	l, err := listenLibrary(j.far, j.channel)
	if err != nil {
		return err
	}
	fmt.Println("listening")
	server := &filetransfer.Server{FS: root.FS(), Uploads: filetransfer.NewDir(root), Replace: true, Logger: slog.New(slog.DiscardHandler)}
	return server.Serve(contentListener{l, j.count})
}

// A contentListener reports the content of files that clients put.
type contentListener struct {
	*rfcomm.Listener
	size int64
}

func (l contentListener) Accept() (net.Conn, error) {
	c, err := l.AcceptRFCOMM()
	if err != nil {
		return nil, err
	}
	return contentConn{c, newContentReader(c, l.size)}, nil
}

func get(_ stack, j endJob) error {
	return transfer(j, func(ctx context.Context, c net.Conn) error {
		_, err := filetransfer.NewClient(c).Get(ctx, fileName, nowhere{})
		return err
	})
}

func fetch(_ stack, j endJob) error {
	return transfer(j, func(ctx context.Context, c net.Conn) error {
		client := filetransfer.NewClient(c)
		client.Plain = true
		_, err := client.Get(ctx, fileName, nowhere{})
		return err
	})
}

func put(_ stack, j endJob) error {
	f, size, err := j.openFile()
	if err != nil {
		return err
	}
	return transfer(j, func(ctx context.Context, c net.Conn) error {
		_, err := filetransfer.NewClient(c).Put(ctx, takenName, f, filetransfer.Info{Size: size, Mode: 0o600})
		return err
	})
}

func transfer(j endJob, do func(context.Context, net.Conn) error) error {
	c, err := dialLibrary(j.near[0], j.far, j.channel)
	if err != nil {
		return err
	}
	fmt.Println("connected")
	if err := do(context.Background(), contentConn{c, newContentReader(c, j.count)}); err != nil {
		return err
	}
	fmt.Println("done")
	waitForKill([]io.Closer{c})
	return nil
}

// nowhere is io.Discard without its ReaderFrom.
type nowhere struct{}

func (nowhere) Write(p []byte) (int, error) { return len(p), nil }

// The first and the last bytes of the file. They make the content recognizable
// in a stream of any dialect.
const (
	firstBytes = "\xffthe first bytes of the content"
	lastBytes  = "\xffthe last bytes of the content"
)

// contentStep is the number of bytes after which a contentReader prints it. On
// the air, they take 4 s.
const contentStep = 1 << 20

// A contentReader prints the number of received bytes of a file, from its first
// bytes to its last. The bytes of the dialect in between count, too, but not in
// the sum.
type contentReader struct {
	from    io.Reader
	size    int64  // the size of the file
	came    int64  // the number of received bytes
	printed int64  // the sum of the printed numbers
	sought  string // firstBytes, then lastBytes, then empty
	kept    []byte // the last received bytes, in which the sought ones may begin
}

func newContentReader(from io.Reader, size int64) *contentReader {
	return &contentReader{from: from, size: size, sought: firstBytes}
}

func (r *contentReader) Read(p []byte) (int, error) {
	n, err := r.from.Read(p)
	r.came += int64(n)
	switch {
	case r.sought == firstBytes && r.found(p[:n]):
		r.print(0)
		r.sought, r.kept = lastBytes, nil
	case r.sought != lastBytes:
	// The last bytes cannot arrive earlier, and a search in each Read would be
	// slow in the lab.
	case r.came > r.size-int64(len(lastBytes)) && r.found(p[:n]):
		r.print(r.size - r.printed)
		r.sought = ""
	case r.came-r.printed >= contentStep && r.printed+contentStep < r.size:
		r.print(contentStep)
	}
	return n, err
}

func (r *contentReader) print(n int64) {
	r.printed += n
	fmt.Println(n, "bytes")
}

// found reports whether the sought bytes have arrived with p.
func (r *contentReader) found(p []byte) bool {
	r.kept = append(r.kept, p...)
	if bytes.Contains(r.kept, []byte(r.sought)) {
		return true
	}
	r.kept = r.kept[max(0, len(r.kept)-len(r.sought)+1):]
	return false
}

type contentConn struct {
	*rfcomm.Conn
	content *contentReader
}

func (c contentConn) Read(p []byte) (int, error) { return c.content.Read(p) }
