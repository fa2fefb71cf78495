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

// serve starts the program server on both adapters.
func (r *radio) serve(t *testing.T) (server *job, files, uploads directory) {
	t.Helper()
	files, uploads = directory(t.TempDir()), directory(t.TempDir())
	server = launch(t, "server", []string{"-channel", r.channel, "-dir", string(files), "-uploads", string(uploads)})
	server.await(t, "To connect:  client -channel "+r.channel+" "+r.far)
	return server, files, uploads
}

// words are the arguments of the program client for the server on the second
// adapter.
func (r *radio) words(more ...string) []string {
	return append([]string{"-channel", r.channel, r.far}, more...)
}

// lessSize is that of files which only have to last long enough for something to
// happen: more than 1 s.
const lessSize = 3 << 19

func TestRFCOMMGetAndPut(t *testing.T) {
	r := overRFCOMM(t)
	_, files, uploads := r.serve(t)
	here := directory(t.TempDir())
	type file struct {
		name string
		size int
	}
	sent := []file{{"large", 8 << 20}}
	if testing.Short() {
		sent[0].size = 512 << 10
	} else {
		sent = append(sent, []file{
			{"empty", 0},
			{"one byte", 1},
			{"Grüße, 你好 🙂.txt", 3000},
			{strings.Repeat("ä", 125) + ".html", 5000}, // 255 bytes
		}...)
	}
	var names []string
	for _, file := range sent {
		names = append(names, file.name)
		content := newFile(t, files.path(file.name), file.size)
		run(t, 0, "client", r.words("get", "-o", here.path(file.name), file.name))
		checkFile(t, here.path(file.name), content)
		run(t, 0, "client", r.words("put", here.path(file.name)))
		checkFile(t, uploads.path(file.name), content)
	}
	listed, _ := run(t, 0, "client", r.words("ls"))
	checkText(t, listed, names...)
}

func TestRFCOMMGetPlainFromAdapter(t *testing.T) {
	r := overRFCOMM(t)
	_, files, _ := r.serve(t)
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
		run(t, status, "client", r.words("get", "-plain", "-adapter", adapter.Name, "file", "-o", here.path("file")))
	}
	checkFile(t, here.path("file"), content)
	checkFiles(t, string(here), "file")
}

// An adapter without page scan is up but accepts no connections.
func TestRFCOMMServerWarnsIfUnreachable(t *testing.T) {
	r := overRFCOMM(t)
	const nobody = "nobody can connect yet"
	start := func(flags ...string) string {
		server := launch(t, "server", append([]string{"-channel", r.channel, "-dir", t.TempDir()}, flags...))
		server.await(t, "istening on channel "+r.channel) // of an adapter, or a warning
		server.interrupt(t)
		server.end(t, 0)
		return server.stdout.String()
	}
	far := r.adapterName(t, r.far)
	if text := start("-adapter", far); strings.Contains(text, nobody) {
		t.Errorf("it warns though the adapter answers:\n%s", text)
	}
	r.NoScan(labtest.DeviceAdapter)
	checkText(t, start("-adapter", far), "Adapter "+far+" answers no connections (page scan is off)", nobody)
	if text := start(); strings.Contains(text, nobody) {
		t.Errorf("it warns though the other adapter answers:\n%s", text)
	}
	r.Down(labtest.DeviceAdapter)
	checkText(t, start("-adapter", far), "Adapter "+far+" is down", nobody)
}

// adapterName returns the name of the adapter with an address.
func (r *radio) adapterName(t *testing.T, address string) string {
	t.Helper()
	adapters, err := rfcomm.Adapters()
	if err != nil {
		t.Fatal(err)
	}
	for _, adapter := range adapters {
		if adapter.Addr.String() == address {
			return adapter.Name
		}
	}
	t.Fatalf("no adapter has the address %s", address)
	return ""
}

// The dialogue is the article's: the server asks for a name, the user types it.
func TestRFCOMMDialogue(t *testing.T) {
	r := overRFCOMM(t)
	_, files, _ := r.serve(t)
	here := directory(t.TempDir())
	content := newFile(t, files.path("file"), 100_000)
	client := launch(t, "client", r.words(), in(string(here)), typing("file\n"))
	client.end(t, 0)
	checkText(t, client.stdout.String(), "Enter the file name")
	checkFile(t, here.path("file"), content)
}

func TestRFCOMMClientExitStatus(t *testing.T) {
	r := overRFCOMM(t)
	server, files, uploads := r.serve(t)
	here := directory(t.TempDir())
	newFile(t, files.path("file"), 10)
	mine := newFile(t, here.path("mine"), 20)

	run(t, 1, "client", r.words("get", "-o", here.path("new"), "not there"))
	run(t, 1, "client", r.words("get", "-plain", "-o", here.path("new"), "not there"))
	run(t, 1, "client", r.words("get", "-o", here.path("mine"), "file"))
	checkFile(t, here.path("mine"), mine)
	checkFiles(t, string(here), "mine")
	for range 2 { // the second one finds the file there
		run(t, 0, "client", r.words("put", here.path("mine")))
	}
	newFile(t, here.path("mine"), 21)
	run(t, 1, "client", r.words("put", here.path("mine")))
	run(t, 1, "client", r.words("put", "-f", here.path("mine"))) // the server has no -replace
	checkFile(t, uploads.path("mine"), mine)
	checkFiles(t, string(uploads), "mine")
	run(t, 2, "client", r.words("fetch", "file"))

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
	_, files, _ := r.serve(t)
	here := directory(t.TempDir())
	content := newFile(t, files.path("file"), lessSize)
	get := r.words("get", "-o", here.path("file"), "file")

	broken := launch(t, "client", get)
	awaitSize(t, here.path("file.part"), lessSize/4)
	r.Unplug()
	broken.end(t, 1)
	checkFiles(t, string(here), "file.part")
	r.Plug()
	_, said := run(t, 0, "client", get)
	checkText(t, said, "going on")
	checkFile(t, here.path("file"), content)
	checkFiles(t, string(here), "file")
}

func TestRFCOMMPutResumesAfterUnplug(t *testing.T) {
	r := overRFCOMM(t)
	server, _, uploads := r.serve(t)
	here := directory(t.TempDir())
	content := newFile(t, here.path("file"), lessSize)
	put := r.words("put", here.path("file"))

	broken := launch(t, "client", put)
	awaitSize(t, uploads.path("file.part"), lessSize/4)
	r.Unplug()
	broken.end(t, 1)
	r.Plug()
	run(t, 0, "client", put)
	checkFile(t, uploads.path("file"), content)
	checkFiles(t, string(uploads), "file")
	server.interrupt(t)
	server.end(t, 0)
}

func TestRFCOMMServerFinishesTransfer(t *testing.T) {
	r := overRFCOMM(t)
	server, files, _ := r.serve(t)
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
	_, files, _ := r.serve(t)
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
	hosttest.Eventually(t, "words about the wait", func() bool { return strings.Contains(second.stderr.String(), "is busy") })
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
	checkText(t, said, "get -plain")
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
