package examples_test

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

// A valve passes only the first bytes of a huge file. The rest does not fit
// into the kernel's buffers, so the transfer is in progress as long as the
// valve is closed.
const (
	hugeSize = 16 << 20
	passed   = 1 << 20
)

// awaitContent waits until a file has the number of bytes.
func awaitContent(t *testing.T, path string, bytes int64) {
	t.Helper()
	hosttest.Eventually(t, "content in "+path, func() bool {
		info, err := os.Stat(path)
		return err == nil && info.Size() >= bytes
	})
}

// checkPart checks that a file is a nonempty beginning of the content.
func checkPart(t *testing.T, path string, content []byte) {
	t.Helper()
	part, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(part) == 0 || !bytes.HasPrefix(content, part) {
		t.Errorf("%s has %d bytes, which are not the beginning of the file's", path, len(part))
	}
}

// checkContinued checks the message of a client that resumes a get.
func checkContinued(t *testing.T, stderr string) {
	t.Helper()
	if !regexp.MustCompile(`^client: file\.part already has \d+\.\d [kM]B; going on from there.*\n$`).MatchString(stderr) {
		t.Errorf("standard error is %q", stderr)
	}
}

func TestGetResumesAfterServerWasKilled(t *testing.T) {
	s := serve(t)
	content := newFile(t, filepath.Join(s.files, "file"), hugeSize)
	here := t.TempDir()
	part := filepath.Join(here, "file.part")
	valve := newValve(t, s.address, passed)
	client := launch(t, "client", []string{"-connect", valve.address, "get", "file"}, in(here))
	awaitContent(t, part, 1)
	s.kill(t)
	valve.close()
	client.end(t, 1)
	checkSilent(t, client.stdout.String())
	checkText(t, client.stderr.String(), "client: ", "file.part has the ", "the same get resumes there")
	checkFiles(t, here, "file.part")
	checkPart(t, part, content)

	s.restart(t)
	counted := newValve(t, s.address, hugeSize) // which does not pass the whole file
	stdout, stderr := run(t, 0, "client", []string{"-connect", counted.address, "get", "file"}, in(here))
	checkSilent(t, stdout)
	checkContinued(t, stderr)
	checkFile(t, filepath.Join(here, "file"), content)
	checkFiles(t, here, "file")
}

// A framed get resumes from the part of a plain get.
func TestGetResumesAfterPlainGetWasCut(t *testing.T) {
	s := serve(t)
	content := newFile(t, filepath.Join(s.files, "file"), hugeSize)
	here := t.TempDir()
	part := filepath.Join(here, "file.part")
	valve := newValve(t, s.address, passed)
	client := launch(t, "client", []string{"-connect", valve.address, "-plain", "get", "file"}, in(here))
	awaitContent(t, part, 1)
	valve.close()
	client.end(t, 1)
	checkText(t, client.stderr.String(), "client: ", "file.part has the ")
	checkFiles(t, here, "file.part")
	checkPart(t, part, content)

	_, stderr := s.client(t, 0, here, "get", "file")
	checkContinued(t, stderr)
	checkFile(t, filepath.Join(here, "file"), content)
	checkFiles(t, here, "file")
}

// A plain get that receives nothing keeps an existing part.
func TestGetPlainKeepsPartIfNothingArrives(t *testing.T) {
	s := serve(t)
	here := t.TempDir()
	part := newFile(t, filepath.Join(here, "missing.part"), 1000)
	s.client(t, 1, here, "-plain", "get", "missing")
	checkFile(t, filepath.Join(here, "missing.part"), part)
}

func TestGetRestartsIfFileChanged(t *testing.T) {
	s := serve(t)
	content := newFile(t, filepath.Join(s.files, "file"), 10_000)
	here := t.TempDir()
	if err := os.WriteFile(filepath.Join(here, "file.part"), []byte("something else"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.client(t, 0, here, "get", "file")
	checkFile(t, filepath.Join(here, "file"), content)
	checkFiles(t, here, "file")
}

func TestPutResumesAfterClientWasKilled(t *testing.T) {
	uploads := t.TempDir()
	s := serve(t, "-uploads", uploads)
	here := t.TempDir()
	content := newFile(t, filepath.Join(here, "file"), hugeSize)
	valve := newValve(t, s.address, passed)
	client := launch(t, "client", []string{"-connect", valve.address, "put", "file"}, in(here))
	awaitContent(t, filepath.Join(uploads, "file.part"), 1)
	client.kill(t)
	valve.close()
	s.await(t, "client dropped")
	checkFiles(t, uploads, "file.part")
	checkPart(t, filepath.Join(uploads, "file.part"), content)

	counted := newValve(t, s.address, hugeSize)
	run(t, 0, "client", []string{"-connect", counted.address, "put", "file"}, in(here))
	checkFile(t, filepath.Join(uploads, "file"), content)
	checkFiles(t, uploads, "file")
}

func TestGetInterrupted(t *testing.T) {
	s := serve(t)
	content := newFile(t, filepath.Join(s.files, "file"), hugeSize)
	for _, dialect := range []string{"-plain=false", "-plain=true"} {
		here := t.TempDir()
		valve := newValve(t, s.address, passed)
		client := launch(t, "client", []string{"-connect", valve.address, dialect, "get", "file"}, in(here))
		awaitContent(t, filepath.Join(here, "file.part"), 1)
		client.interrupt(t)
		client.end(t, 130)
		checkText(t, client.stderr.String(), "client: interrupted\n", "file.part has the ")
		checkPart(t, filepath.Join(here, "file.part"), content)
		valve.close()
	}
}

// A get to standard output that is cut fails.
func TestGetToStandardOutputWhenCut(t *testing.T) {
	s := serve(t)
	content := newFile(t, filepath.Join(s.files, "file"), hugeSize)
	for _, dialect := range []string{"-plain=false", "-plain=true"} {
		valve := newValve(t, s.address, passed)
		client := launch(t, "client", []string{"-connect", valve.address, dialect, "get", "-o", "-", "file"})
		hosttest.Eventually(t, "some output", func() bool { return client.stdout.String() != "" })
		valve.close()
		client.end(t, 1)
		if got := []byte(client.stdout.String()); !bytes.HasPrefix(content, got) || len(got) == len(content) {
			t.Errorf("%d bytes went to standard output, which are not the beginning of the file", len(got))
		}
	}
}
