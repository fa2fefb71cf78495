package examples_test

import (
	"crypto/rand"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
	"github.com/go-rfcomm/rfcomm/internal/test/labtest"
	"github.com/go-rfcomm/rfcomm/internal/test/tutorial"
)

// The tests on real RFCOMM are named TestRFCOMM…: the lab runs those alone.

// A radio is two adapters of one machine that reach each other, and a channel
// for the test's server.
type radio struct {
	*labtest.Lab
	near, far string // the adapters' addresses
	channel   string
}

// overRFCOMM skips a test that is not run in the lab.
func overRFCOMM(t *testing.T) *radio {
	t.Helper()
	l := labtest.Require(t)
	return &radio{
		Lab:     l,
		near:    rfcomm.BDAddr(l.Dialer()).String(),
		far:     rfcomm.BDAddr(l.Device()).String(),
		channel: fmt.Sprint(labtest.NextChannel()),
	}
}

// A directory has the files of a server or of a client.
type directory string

// path returns the path of a file in the directory.
func (f directory) path(name string) string { return filepath.Join(string(f), name) }

// serve starts the program server on both adapters, with a directory of files.
func (r *radio) serve(t *testing.T) (server *job, files directory) {
	t.Helper()
	files = directory(t.TempDir())
	server = launch(t, "server", []string{"-channel", r.channel, "-dir", string(files)})
	server.await(t, "To connect:  client -channel "+r.channel+" "+r.far)
	return server, files
}

// words are the arguments of the program client for the server on the second
// adapter.
func (r *radio) words(more ...string) []string {
	return append([]string{"-channel", r.channel, r.far}, more...)
}

// lessSize is that of files which only have to last long enough for something to
// happen: more than 1 s.
const lessSize = 3 << 19

func TestRFCOMMGet(t *testing.T) {
	r := overRFCOMM(t)
	_, files := r.serve(t)
	here := directory(t.TempDir())
	content := newFile(t, files.path("Grüße 🙂.txt"), 300_000)
	run(t, 0, "client", r.words("get", "Grüße 🙂.txt"), in(string(here)))
	checkFile(t, here.path("Grüße 🙂.txt"), content)
	run(t, 0, "client", r.words("get", "-o", here.path("copy"), "Grüße 🙂.txt"))
	checkFile(t, here.path("copy"), content)
}

func TestRFCOMMGetPlainFromAdapter(t *testing.T) {
	r := overRFCOMM(t)
	_, files := r.serve(t)
	here := directory(t.TempDir())
	content := newFile(t, files.path("file"), 500_000)
	adapters, err := rfcomm.Adapters()
	if err != nil {
		t.Fatal(err)
	}
	for _, adapter := range adapters {
		status := 0
		if adapter.Addr.String() != r.near {
			status = 1 // it does not reach itself
		}
		words := append([]string{"-plain", "-adapter", adapter.Name}, r.words("get", "-o", here.path("file"), "file")...)
		run(t, status, "client", words)
	}
	checkFile(t, here.path("file"), content)
	checkFiles(t, string(here), "file")
}

// A server on one adapter cannot be reached through the other one.
func TestRFCOMMServerOnAdapter(t *testing.T) {
	r := overRFCOMM(t)
	files := directory(t.TempDir())
	newFile(t, files.path("file"), 10)
	adapters, err := rfcomm.Adapters()
	if err != nil {
		t.Fatal(err)
	}
	for _, adapter := range adapters {
		if adapter.Addr.String() != r.near {
			continue
		}
		server := launch(t, "server", []string{"-channel", r.channel, "-adapter", adapter.Name, "-dir", string(files)})
		server.await(t, "To connect:  client -channel "+r.channel+" "+r.near)
		if strings.Contains(server.stdout.String(), r.far) {
			t.Errorf("it printed %q", &server.stdout)
		}
	}
	_, stderr := run(t, 1, "client", r.words("get", "file"), in(t.TempDir()))
	checkOneLine(t, stderr, "client: ")
	run(t, 0, "client", []string{"-channel", r.channel, r.near, "get", "file"}, in(t.TempDir()))
}

// The dialogue is the article's: the server asks for a name, the user types it.
func TestRFCOMMDialogue(t *testing.T) {
	r := overRFCOMM(t)
	_, files := r.serve(t)
	here := directory(t.TempDir())
	content := newFile(t, files.path("file"), 100_000)
	client := launch(t, "client", r.words(), in(string(here)), typing("file\n"))
	client.end(t, 0)
	checkText(t, client.stdout.String(), "Enter the file name")
	checkFile(t, here.path("file"), content)
}

func TestRFCOMMClientExitStatus(t *testing.T) {
	r := overRFCOMM(t)
	server, files := r.serve(t)
	here := directory(t.TempDir())
	newFile(t, files.path("file"), 10)
	mine := newFile(t, here.path("mine"), 20)
	for _, words := range [][]string{
		r.words("get", "-o", here.path("new"), "missing"),
		r.words("get", "-plain", "-o", here.path("new"), "missing"),
		r.words("get", "-o", here.path("mine"), "file"),
		r.words("get", "../file"),
		r.words("get", ".."),
	} {
		_, stderr := run(t, 1, "client", words, in(string(here)))
		checkOneLine(t, stderr, "client: ")
	}
	for _, typed := range []string{"missing\n", "\n", ""} {
		_, stderr := run(t, 1, "client", r.words(), in(string(here)), typing(typed))
		checkOneLine(t, stderr, "client: ")
	}
	checkFile(t, here.path("mine"), mine)
	checkFiles(t, string(here), "mine")

	server.interrupt(t)
	server.end(t, 0)
	run(t, 1, "client", r.words("get", "-o", here.path("new"), "file"))
}

// awaitSize waits until a file has so many bytes.
func awaitSize(t *testing.T, path string, size int64) {
	t.Helper()
	hosttest.Eventually(t, fmt.Sprintf("%d bytes in %s", size, path), func() bool {
		info, err := os.Stat(path)
		return err == nil && info.Size() >= size
	})
}

func TestRFCOMMGetResumesAfterUnplug(t *testing.T) {
	r := overRFCOMM(t)
	server, files := r.serve(t)
	here := directory(t.TempDir())
	content := newFile(t, files.path("file"), lessSize)
	get := r.words("get", "-o", here.path("file"), "file")

	broken := launch(t, "client", get)
	awaitSize(t, here.path("file.part"), lessSize/4)
	r.Unplug()
	broken.end(t, 1)
	checkFiles(t, string(here), "file.part")
	r.Plug()
	run(t, 0, "client", get)
	checkFile(t, here.path("file"), content)
	checkFiles(t, string(here), "file")
	server.interrupt(t)
	server.end(t, 0)
	checkText(t, server.stderr.String(), "offset=") // it resumed
}

func TestRFCOMMServerFinishesTransfer(t *testing.T) {
	r := overRFCOMM(t)
	server, files := r.serve(t)
	here := directory(t.TempDir())
	content := newFile(t, files.path("file"), lessSize)
	client := launch(t, "client", r.words("get", "-o", here.path("file"), "file"))
	awaitSize(t, here.path("file.part"), lessSize/4)
	server.interrupt(t)
	client.end(t, 0)
	checkFile(t, here.path("file"), content)
	server.end(t, 0)
}

// One adapter holds one connection to a channel of another, so the second
// client dials the other way.
func TestRFCOMMClientWaitsForBusyServer(t *testing.T) {
	r := overRFCOMM(t)
	_, files := r.serve(t)
	here := directory(t.TempDir())
	content := newFile(t, files.path("file"), 100_000)

	keyboard, user, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer keyboard.Close()
	defer user.Close()
	first := launch(t, "client", r.words(), in(string(here)), func(c *exec.Cmd) { c.Stdin = keyboard })
	first.await(t, "Enter the file name")
	second := launch(t, "client", []string{"-channel", r.channel, r.near, "get", "-o", here.path("second"), "file"})
	second.await(t, "is busy")
	fmt.Fprintln(user, "file")
	first.end(t, 0)
	checkFile(t, here.path("file"), content)
	second.end(t, 0)
	checkFile(t, here.path("second"), content)
}

func TestRFCOMMGetFromArticlesServer(t *testing.T) {
	r := overRFCOMM(t)
	files, here := directory(t.TempDir()), directory(t.TempDir())
	content := newFile(t, files.path("file"), 300_000)

	server := labtest.PyBluez(t, tutorial.Server, r.far, r.channel)
	server.Dir = string(files)
	var printed transcript
	server.Stdout, server.Stderr = &printed, &printed
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		server.Process.Kill()
		server.Wait()
		if t.Failed() {
			t.Logf("the article's server:\n%s", &printed)
		}
	})
	hosttest.Eventually(t, "the article's server waiting", func() bool { return strings.Contains(printed.String(), "listening") })

	run(t, 0, "client", r.words("get", "-plain", "-o", here.path("plain"), "file"))
	checkFile(t, here.path("plain"), content)
	run(t, 0, "client", r.words(), in(string(here)), typing("file\n"))
	checkFile(t, here.path("file"), content)
	_, said := run(t, 1, "client", r.words("get", "-o", here.path("framed"), "file"))
	checkText(t, said, "plain")
}

func TestRFCOMMEcho(t *testing.T) {
	r := overRFCOMM(t)
	launch(t, "echo", []string{"-channel", r.channel}).await(t, "Listening on")
	long := strings.Repeat("how do you do ", 5000) + rand.Text()
	for _, text := range []string{"hello", long} {
		said, _ := run(t, 0, "echo", []string{"-channel", r.channel, r.far, text})
		if said != text+"\n" {
			t.Errorf("%d bytes of %d came back", len(said)-1, len(text))
		}
	}
}

func TestRFCOMMDemo(t *testing.T) {
	r := overRFCOMM(t)
	file := filepath.Join(t.TempDir(), "file")
	newFile(t, file, 100_000)
	said, _ := run(t, 0, "demo", []string{file})
	checkText(t, said, "RFCOMM channel", r.near, r.far, "server: Enter the file name")
	r.Unplug()
	said, _ = run(t, 0, "demo", []string{file})
	checkText(t, said, "in memory")
	r.Plug()
}
