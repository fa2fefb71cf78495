package examples_test

import (
	"fmt"
	"io"
	"net"
	"os/exec"
	"path/filepath"
	"testing"
)

// A dialogue is a running client that asks for a file name, like the client of
// the article.
type dialogue struct {
	*job
	stdin io.WriteCloser
}

// startDialogue starts the client in a new directory, which it returns, and
// waits for the server's prompt.
func (s *service) startDialogue(t *testing.T, flags ...string) (*dialogue, string) {
	t.Helper()
	dir := t.TempDir()
	d := new(dialogue)
	d.job = launch(t, "client", append([]string{"-connect", s.address}, flags...), in(dir), func(c *exec.Cmd) {
		var err error
		if d.stdin, err = c.StdinPipe(); err != nil {
			t.Fatal(err)
		}
	})
	d.await(t, "Enter the file name: ")
	return d, dir
}

// say types a line, as a user would.
func (d *dialogue) say(t *testing.T, line string) {
	t.Helper()
	if _, err := fmt.Fprintln(d.stdin, line); err != nil {
		t.Error(err)
	}
}

func TestAsk(t *testing.T) {
	s := serve(t)
	content := newFile(t, filepath.Join(s.files, "my photo.jpg"), 50_000)
	client, dir := s.startDialogue(t)
	client.say(t, "my photo.jpg")
	client.end(t, 0)
	checkText(t, client.stdout.String(), "Received my photo.jpg, 50.0 kB")
	checkSilent(t, client.stderr.String())
	checkFile(t, filepath.Join(dir, "my photo.jpg"), content)
	checkFiles(t, dir, "my photo.jpg")
}

func TestAskReplacesOnlyWithFlagF(t *testing.T) {
	s := serve(t)
	theirs := newFile(t, filepath.Join(s.files, "file"), 1000)
	for _, flags := range [][]string{nil, {"-f"}} {
		client, dir := s.startDialogue(t, flags...)
		want := newFile(t, filepath.Join(dir, "file"), 10)
		client.say(t, "file")
		if flags == nil {
			client.end(t, 1)
			checkText(t, client.stderr.String(), "client: ", "replace the existing file with -f")
		} else {
			client.end(t, 0)
			want = theirs
		}
		checkFile(t, filepath.Join(dir, "file"), want)
		checkFiles(t, dir, "file")
	}
}

func TestAskReportsMissingFile(t *testing.T) {
	s := serve(t)
	for name, want := range map[string]string{
		"missing":    "not exist",
		"../missing": "invalid name",
		"..":         "-o FILE",
	} {
		client, dir := s.startDialogue(t)
		client.say(t, name)
		client.end(t, 1)
		checkText(t, client.stderr.String(), "client: ", want)
		checkFiles(t, dir)
	}
}

func TestAskRequiresName(t *testing.T) {
	s := serve(t)
	for _, typed := range []string{"", "\n"} {
		_, stderr := run(t, 1, "client", []string{"-connect", s.address}, in(t.TempDir()), typing(typed))
		checkText(t, stderr, "client: no file name was entered")
	}
}

// If the user types too slowly, the server closes the connection, and the
// client connects again.
func TestAskReconnectsAfterServerHungUp(t *testing.T) {
	t.Parallel()
	s := serve(t, "-timeout", "2s")
	content := newFile(t, filepath.Join(s.files, "file"), 1000)
	client, dir := s.startDialogue(t)
	s.await(t, "client dropped")
	client.say(t, "file")
	client.end(t, 0)
	checkFile(t, filepath.Join(dir, "file"), content)
}

func TestAskReportsServerThatHangsUp(t *testing.T) {
	address := foreignServer(t, func(net.Conn, <-chan struct{}) {})
	stdout, stderr := run(t, 1, "client", []string{"-connect", address}, in(t.TempDir()), typing("file\n"))
	checkSilent(t, stdout)
	checkText(t, stderr, "client: the server closed the connection")
}

func TestAskInterrupted(t *testing.T) {
	s := serve(t)
	client, dir := s.startDialogue(t)
	client.interrupt(t)
	client.end(t, 130)
	checkText(t, client.stderr.String(), "client: interrupted")
	checkFiles(t, dir)
}
