package filetransfer_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/filetransfer"
	"github.com/go-rfcomm/rfcomm/internal/test/labtest"
	"github.com/go-rfcomm/rfcomm/internal/test/tutorial"
)

// articlesSize is the size of the large files.
const articlesSize = 1 << 20

// An article is the article's server.
type article struct {
	address rfcomm.Addr
	dir     string        // the directory that it runs in
	ended   <-chan string // receives its standard error when it ends
}

// article starts the article's server, which ends with the test.
func (l *lab) article(t testing.TB) *article {
	t.Helper()
	a := &article{
		address: rfcomm.Addr{Device: l.far, Channel: labtest.NextChannel()},
		dir:     t.TempDir(),
	}
	cmd := labtest.PyBluez(t, tutorial.Server, l.far.String(), fmt.Sprint(a.address.Channel))
	cmd.Dir = a.dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	output, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan string, 1)
	a.ended = ended
	t.Cleanup(func() { cmd.Process.Kill() })
	if _, err := fmt.Fscanln(output, new(string)); err != nil {
		cmd.Wait()
		t.Fatalf("the article's server does not listen: %v\n%s", err, &stderr)
	}
	go func() {
		cmd.Wait()
		ended <- stderr.String()
	}()
	return a
}

func TestClientGetsFromArticlesServer(t *testing.T) {
	l := inLab(t)
	a := l.article(t)
	l.mustGetPlain(t, a.address, "large", randomFile(t, a.dir, "large", articlesSize))
	for _, file := range some(oddFiles[:2]) { // each waits 2 s for an end mark that is not sent
		l.mustGetPlain(t, a.address, file.name, randomFile(t, a.dir, file.name, file.size))
	}

	// A request for a missing file ends the article's server.
	var got bytes.Buffer
	_, err := l.plainClient(t, a.address).Get(t.Context(), "not there", &got)
	t.Log(err)
	if got.Len() != 0 || err == nil {
		t.Errorf("Get of a missing file = %d bytes, %v; want 0 and an error", got.Len(), err)
	}
	if said := <-a.ended; !strings.Contains(said, "FileNotFoundError") {
		t.Errorf("the article's server ended for another reason:\n%s", said)
	}
}

func TestClientGetNamesPlainDialect(t *testing.T) {
	l := inLab(t)
	a := l.article(t)
	client := l.client(t, a.address)
	_, err := client.Get(t.Context(), "file", io.Discard)
	t.Log(err)
	if err == nil || !strings.Contains(err.Error(), "try the plain") {
		t.Errorf("Get: %v, want an error that recommends the plain dialect", err)
	}
	if said := <-a.ended; !strings.Contains(said, "null byte") {
		t.Errorf("the article's server ended for another reason:\n%s", said)
	}
}

func TestServerServesArticlesClient(t *testing.T) {
	l := inLab(t)
	o := l.offer(t)
	run := func(name string) (said string, received []byte) {
		t.Helper()
		address := o.address.(rfcomm.Addr)
		cmd := labtest.PyBluez(t, tutorial.Client,
			l.near.String(), l.far.String(), fmt.Sprint(address.Channel), name)
		cmd.Dir = t.TempDir()
		output, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("the article's client: %v\n%s", err, output)
		}
		received, err = os.ReadFile(filepath.Join(cmd.Dir, "received"))
		if err != nil {
			t.Fatal(err)
		}
		return string(output), received
	}
	fetch := func(name string, want []byte) {
		t.Helper()
		said, received := run(name)
		if said != filetransfer.Prompt+"\ncomplete\n" || sha256.Sum256(received) != sha256.Sum256(want) {
			t.Errorf("the article's client printed %q and received %d bytes of %q, want %d", said, len(received), name, len(want))
		}
	}
	fetch("large", randomFile(t, o.files, "large", articlesSize))
	for _, file := range some(oddFiles) {
		fetch(file.name, randomFile(t, o.files, file.name, file.size))
	}
	said, received := run("not there")
	t.Logf("%s%s", said, received)
	if !strings.HasPrefix(said, filetransfer.Prompt+"\nincomplete") || !strings.HasPrefix(string(received), "Error: ") {
		t.Errorf("the article's client printed %q and received %q", said, received)
	}
}
