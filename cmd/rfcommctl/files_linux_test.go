package main

import (
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/go-rfcomm/rfcomm/filetransfer"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
	"github.com/go-rfcomm/rfcomm/internal/test/labtest"
	"github.com/go-rfcomm/rfcomm/internal/test/tutorial"
)

// directory makes a directory that user nobody owns.
func (r *radio) directory(t *testing.T) string {
	t.Helper()
	name, err := os.MkdirTemp(r.cache, "files-")
	if err == nil {
		err = os.Chown(name, nobody, nobody)
	}
	if err != nil {
		t.Fatal(err)
	}
	return name
}

// fill writes a file with random content that everyone can read, and returns its
// SHA-256.
func fill(t *testing.T, size int, path ...string) [sha256.Size]byte {
	t.Helper()
	content := make([]byte, size)
	rand.Read(content)
	write(t, string(content), path...)
	return sha256.Sum256(content)
}

// wantSum checks the SHA-256 of a file.
func wantSum(t *testing.T, want [sha256.Size]byte, path ...string) {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(path...))
	if err != nil || sha256.Sum256(content) != want {
		t.Errorf("%s has %d other bytes, %v", filepath.Join(path...), len(content), err)
	}
}

// fileSizeInLab is the size of large files.
func fileSizeInLab() int {
	if testing.Short() {
		return 1 << 17
	}
	return 1 << 20
}

// serves starts "serve" on the far adapter, and returns the target of clients and
// their flags.
func (r *radio) serves(t *testing.T, arguments ...string) (server *background, target, channel string) {
	t.Helper()
	channel = fmt.Sprint(labtest.NextChannel())
	arguments = append([]string{"serve", "-i", r.far.String(), "--channel", channel}, arguments...)
	server = r.starts(t, "security ", arguments...)
	return server, r.far.String() + "/" + channel, channel
}

func TestRFCOMMServeAndGet(t *testing.T) {
	r := overRFCOMM(t)
	files, uploads, local := r.directory(t), r.directory(t), r.directory(t)
	if err := os.Mkdir(filepath.Join(files, "photos"), 0o755); err != nil {
		t.Fatal(err)
	}
	photo := fill(t, fileSizeInLab(), files, "photos", "a.jpg")
	notes := fill(t, 1000, files, "notes.txt")
	odd := fill(t, 10, files, "b\xff")
	server, target, _ := r.serves(t, files, "--uploads-to", uploads, "--security", "low")
	stdout, _ := r.runs(t, 0, "", "ls", target, "-i", r.near.String())
	wantParts(t, stdout, "1000  notes.txt\n", "photos/\n", `b\xff`)
	stdout, _ = r.runs(t, 0, "", "stat", target, "notes.txt", "--json")
	wantParts(t, stdout, `"type":"file","size":1000`)
	r.runs(t, 0, "", "get", target, "notes.txt", "b\xff", "photos/a.jpg", "-o", local)
	wantSum(t, notes, local, "notes.txt")
	wantSum(t, odd, local, "b\xff")
	wantSum(t, photo, local, "a.jpg")
	r.runs(t, 0, "", "get", target, "photos", "-r", "-o", filepath.Join(local, "copy"))
	wantSum(t, photo, local, "copy", "a.jpg")
	r.runs(t, 0, "", "get", target, "notes.txt", "--plain", "-o", filepath.Join(local, "plain"))
	wantSum(t, notes, local, "plain")
	r.runs(t, 0, "", "put", target, filepath.Join(local, "a.jpg"), filepath.Join(local, "plain"))
	wantSum(t, photo, uploads, "a.jpg")
	wantSum(t, notes, uploads, "plain")
	r.runs(t, 0, "typed", "put", target, "-", "-o", "name")
	wantFile(t, "typed", uploads, "name")
	_, stderr := r.runs(t, statusNotFound, "", "get", target, "missing", "-o", local)
	wantError(t, stderr, "get missing", "not exist")
	server.ends(t, os.Interrupt, 130)
	_, stderr = r.runs(t, statusNotFound, "", "ls", target)
	wantError(t, stderr, "connection refused")
}

// The article's client needs no pairing for a directory that is named.
func TestRFCOMMServeArticlesClient(t *testing.T) {
	r := overRFCOMM(t)
	files := r.directory(t)
	photo := fill(t, fileSizeInLab(), files, "photo.jpg")
	server, _, channel := r.serves(t, files)
	c := labtest.PyBluez(t, tutorial.Client, r.near.String(), r.far.String(), channel, "photo.jpg")
	c.Dir = t.TempDir()
	if output, err := c.CombinedOutput(); err != nil || string(output) != filetransfer.Prompt+"\ncomplete\n" {
		t.Errorf("the client printed %q, %v", output, err)
	}
	wantSum(t, photo, c.Dir, "received")
	server.awaits(t, " photo.jpg  ") // written or, if the client confirms it, sent
	server.ends(t, os.Interrupt, 130)
}

func TestRFCOMMGetFromArticlesServer(t *testing.T) {
	r := overRFCOMM(t)
	local := r.directory(t)
	channel := fmt.Sprint(labtest.NextChannel())
	c := labtest.PyBluez(t, tutorial.Server, r.far.String(), channel)
	c.Dir = t.TempDir()
	photo := fill(t, fileSizeInLab(), c.Dir, "photo.jpg")
	listening, err := c.StdoutPipe()
	if err == nil {
		err = c.Start()
	}
	if err == nil {
		_, err = fmt.Fscanln(listening, new(string))
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Process.Kill(); c.Wait() })
	r.runs(t, 0, "", "get", r.far.String(), "--channel", channel, "--plain", "photo.jpg", "-o", local)
	wantSum(t, photo, local, "photo.jpg")
	_, stderr := r.runs(t, statusBusy, "", "ls", r.far.String(), "--channel", channel)
	wantError(t, stderr, "get --plain")
}

// With uploads, links must be encrypted.
func TestRFCOMMServeUploadsToPaired(t *testing.T) {
	r := overRFCOMM(t)
	r.Sync()
	r.Pair()
	files, local := r.directory(t), r.directory(t)
	write(t, "content", local, "a")
	server, target, _ := r.serves(t, files, "--uploads")
	r.runs(t, 0, "", "put", target, filepath.Join(local, "a"))
	wantFile(t, "content", files, "a")
	ends := r.LinkEnds()
	if len(ends) == 0 || !ends[0].Encrypted() {
		t.Errorf("the link is not encrypted: %+v", ends)
	}
	server.ends(t, os.Interrupt, 130)
}

// testServePublish finds a file server by its service record.
func testServePublish(t *testing.T, r *radio) {
	files := r.directory(t)
	write(t, "content", files, "a")
	server := r.starts(t, "security low", "serve", files, "--publish", "Files", "--channel", fmt.Sprint(labtest.NextChannel()), "--security", "low")
	stdout, _ := r.runs(t, 0, "", "get", r.far.String()+"/spp", "-i", r.near.String(), "a", "-o", "-")
	if stdout != "content" {
		t.Errorf("got %q", stdout)
	}
	server.ends(t, os.Interrupt, 130)
}

// testServeBonded serves unpaired devices over encrypted links only if asked to.
func testServeBonded(t *testing.T, r *radio) {
	files := r.directory(t)
	write(t, "content", files, "a")
	server, target, _ := r.serves(t, files, "--uploads")
	_, stderr := r.runs(t, statusBusy, "", "get", target, "a", "-o", "-")
	wantError(t, stderr, "paired devices only")
	server.awaits(t, r.near.String()+" is refused: it is not paired")
	server.ends(t, os.Interrupt, 130)
}

// The same put resumes after the adapter was unplugged.
func TestRFCOMMPutResumesAfterUnplug(t *testing.T) {
	r := overRFCOMM(t)
	const size = 3 << 19 // takes more than 1 s
	files, local := r.directory(t), r.directory(t)
	server, target, _ := r.serves(t, files, "--uploads", "--security", "low")
	want := fill(t, size, local, "a")
	words := []string{"put", target, filepath.Join(local, "a")}
	broken := r.starts(t, "connecting to", append(words, "-v")...)
	hosttest.Eventually(t, "a part", func() bool { return partSize(filepath.Join(files, "a")) >= size/4 })
	r.Unplug()
	broken.ends(t, nil, statusBusy)
	wantFiles(t, files, "a.part")
	r.Plug()
	r.runs(t, 0, "", words...)
	wantSum(t, want, files, "a")
	wantFiles(t, files, "a")
	server.awaits(t, " on\n") // the log has "receiving a  from 393.2 kB on"
	server.ends(t, os.Interrupt, 130)
}
