package filetransfer_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"net"
	"os"
	"os/signal"
	"testing/fstest"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/filetransfer"
)

// This server offers a directory on channel 20. After Ctrl-C, it finishes the
// current transfer.
func ExampleServer() {
	files, err := os.OpenRoot("files")
	if err != nil {
		log.Fatal(err)
	}
	listener, err := rfcomm.Listen(20)
	if err != nil {
		log.Fatal(err)
	}
	server := &filetransfer.Server{FS: files.FS(), Uploads: filetransfer.NewDir(files)}
	interrupted, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	context.AfterFunc(interrupted, func() { server.Shutdown(context.Background()) })
	if err := server.Serve(listener); !errors.Is(err, filetransfer.ErrServerClosed) {
		log.Fatal(err)
	}
}

// A download resumes an earlier one that was interrupted.
func ExampleClient_Download() {
	conn, err := rfcomm.Dial("01:23:45:67:89:AB", 20)
	if err != nil {
		log.Fatal(err)
	}
	client := filetransfer.NewClient(conn)
	defer client.Close()
	client.Progress = func(p filetransfer.Progress) {
		fmt.Printf("\r%d of %d bytes, %v left", p.Done, p.Total, p.Remaining)
	}
	info, err := client.Download(context.Background(), "track.gpx", "track.gpx")
	if errors.Is(err, fs.ErrNotExist) {
		log.Fatal("the device has recorded no track yet")
	}
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("\n%s, SHA-256 %x\n", info.Name, info.SHA256)
}

// The package works with any connection, such as net.Pipe, and with any fs.FS.
func ExampleClient_Get() {
	here, there := net.Pipe()
	server := &filetransfer.Server{
		FS:     fstest.MapFS{"hello.txt": {Data: []byte("hello, world")}},
		Logger: quiet,
	}
	go server.ServeConn(context.Background(), there)

	client := filetransfer.NewClient(here)
	defer client.Close()
	var content bytes.Buffer
	info, err := client.Get(context.Background(), "hello.txt", &content)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(info.Name, info.Size, content.String())
	// Output: hello.txt 12 hello, world
}

// A plain client gets a file from servers that follow the tutorial.
func ExampleClient_plain() {
	conn, err := rfcomm.Dial("01:23:45:67:89:AB", 20)
	if err != nil {
		log.Fatal(err)
	}
	client := filetransfer.NewClient(conn)
	defer client.Close()
	client.Plain = true
	if _, err := client.Download(context.Background(), "notes.txt", "notes.txt"); err != nil {
		log.Fatal(err)
	}
}
