package filetransfer_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/go-rfcomm/rfcomm/filetransfer"
)

// A recorder records the bytes that a client sends and receives.
type recorder struct {
	net.Conn
	mu         sync.Mutex
	transcript strings.Builder
	begun      chan struct{} // closed when the client has received the prompt
}

func (r *recorder) Read(p []byte) (int, error) {
	n, err := r.Conn.Read(p)
	if n > 0 {
		r.record("S", p[:n])
	}
	if string(p[:n]) == filetransfer.Prompt {
		close(r.begun)
	}
	return n, err
}

// Write records p after the prompt, although the client does not wait for it.
func (r *recorder) Write(p []byte) (int, error) {
	<-r.begun
	r.record("C", p)
	return r.Conn.Write(p)
}

func (r *recorder) record(who string, message []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	fmt.Fprintf(&r.transcript, "//\t%s: %q\n", who, message)
}

func TestServerMatchesExchangeInPackageDoc(t *testing.T) {
	changed := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	local := filepath.Join(t.TempDir(), "log.txt")
	writeFile(t, local, "one\ntwo\nthree\n")
	if err := os.Chmod(local, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(local, changed, changed); err != nil {
		t.Fatal(err)
	}
	client, server := net.Pipe()
	recorder := &recorder{Conn: client, begun: make(chan struct{})}
	serveOn(t, &filetransfer.Server{
		FS:      fstest.MapFS{"notes.txt": {Data: []byte("hello, world"), Mode: 0o644, ModTime: changed}},
		Uploads: filetransfer.NewDir(newDir(t, map[string]string{"log.txt.part": "one\ntwo\n"})),
	}, client, server)
	c := filetransfer.NewClient(recorder)
	if _, err := c.Get(context.Background(), "notes.txt", io.Discard); err != nil {
		t.Fatal(err)
	}
	if err := doUpload(context.Background(), c, local, "log.txt"); err != nil {
		t.Fatal(err)
	}
	_, want, _ := strings.Cut(readFile(t, "doc.go"), "as Go writes them in a string.\n//\n")
	want, _, _ = strings.Cut(want, "package filetransfer")
	if got := recorder.transcript.String(); got != want {
		t.Errorf("the exchange is\n%swant\n%s", got, want)
	}
}
