package examples_test

import (
	"net"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

// A service is a running server on TCP.
type service struct {
	*job
	address string
	files   string // the directory that it offers
}

// serve starts the program server.
func serve(t *testing.T, flags ...string) *service {
	t.Helper()
	s := &service{files: t.TempDir()}
	s.restart(t, flags...)
	return s
}

// restart starts the program server again, on another address.
func (s *service) restart(t *testing.T, flags ...string) {
	t.Helper()
	s.job = launch(t, "server", append([]string{"-listen", "127.0.0.1:0", "-dir", s.files}, flags...))
	s.await(t, "To connect:")
	command := regexp.MustCompile(`client -connect (\S+)\n`).FindStringSubmatch(s.stdout.String())
	if command == nil {
		t.Fatalf("it does not say how to connect:\n%s", &s.stdout)
	}
	s.address = command[1]
}

// client runs the program client in a directory until it ends.
func (s *service) client(t *testing.T, status int, dir string, args ...string) (stdout, stderr string) {
	t.Helper()
	return run(t, status, "client", append([]string{"-connect", s.address}, args...), in(dir))
}

func TestServerLogsClientsAndFiles(t *testing.T) {
	uploads := t.TempDir()
	s := serve(t, "-uploads", uploads)
	newFile(t, filepath.Join(s.files, "photo.jpg"), 123_456)
	s.client(t, 0, t.TempDir(), "get", "photo.jpg")
	s.client(t, 0, s.files, "put", "photo.jpg", "copy.jpg")
	s.client(t, 0, t.TempDir(), "-plain", "get", "photo.jpg")
	s.interrupt(t)
	s.end(t, 0)
	checkSilent(t, s.stderr.String())
	checkText(t, s.stdout.String(), "Serving the files in "+s.files, "Storing uploads in "+uploads, "Stopped.")
	for _, want := range []string{
		`client connected  client=127\.0\.0\.1:\d+\n`,
		`sent  client=127\.0\.0\.1:\d+  name=photo\.jpg  size=123\.5 kB  time=\S+s  rate=\d+\.\d .B/s  `,
		`received  client=127\.0\.0\.1:\d+  name=copy\.jpg  size=123\.5 kB  `,
		`written  .*  dialect=plain\n`,
		`client left  client=127\.0\.0\.1:\d+\n`,
	} {
		if !regexp.MustCompile(want).MatchString(s.stdout.String()) {
			t.Errorf("there is nothing like %q in:\n%s", want, &s.stdout)
		}
	}
}

func TestServerLogsPrintableNames(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("files of Windows cannot have such names")
	}
	s := serve(t, "-uploads", t.TempDir())
	const evil = "a\x1b[2J\n\u202eb"
	newFile(t, filepath.Join(s.files, evil), 10)
	var printed strings.Builder
	for _, command := range [][]string{
		{"get", evil},
		{"get", "missing" + evil},
		{"-plain", "get", "missing\x1b[2J\u202e"},
		{"ls"},
		{"put", filepath.Join(s.files, evil), evil},
	} {
		status := 0
		if strings.HasPrefix(command[len(command)-1], "missing") {
			status = 1
		}
		stdout, stderr := s.client(t, status, t.TempDir(), command...)
		printed.WriteString(stdout + stderr)
	}
	s.interrupt(t)
	s.end(t, 0)
	printed.WriteString(s.stdout.String() + s.stderr.String())
	if strings.ContainsAny(printed.String(), "\x1b\u202e") {
		t.Errorf("it was printed raw: %q", printed.String())
	}
	checkText(t, printed.String(), `"a\x1b[2J\n\u202eb"`)
}

func TestServerServesOneClientAtATime(t *testing.T) {
	s := serve(t)
	content := newFile(t, filepath.Join(s.files, "file"), 1000)
	first, dir := s.startDialogue(t)
	other := t.TempDir()
	second := launch(t, "client", []string{"-connect", s.address, "get", "file"}, in(other))
	hosttest.Eventually(t, "words about the wait", func() bool { return strings.Contains(second.stderr.String(), "is busy") })
	first.say(t, "file")
	first.end(t, 0)
	second.end(t, 0)
	checkFile(t, filepath.Join(dir, "file"), content)
	checkFile(t, filepath.Join(other, "file"), content)
}

func TestServerRefusesLargeUploads(t *testing.T) {
	uploads := t.TempDir()
	s := serve(t, "-uploads", uploads, "-max-upload", "100")
	here := t.TempDir()
	newFile(t, filepath.Join(here, "large"), 101)
	content := newFile(t, filepath.Join(here, "small"), 100)
	_, stderr := s.client(t, 1, here, "put", "large")
	checkText(t, stderr, "client: ", "too large")
	s.client(t, 0, here, "put", "small")
	checkFiles(t, uploads, "small")
	checkFile(t, filepath.Join(uploads, "small"), content)
}

// Errors are reported before the server listens.
func TestServerReportsWhyItCannotStart(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	file := filepath.Join(t.TempDir(), "file")
	newFile(t, file, 1)
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"-listen", "127.0.0.1:0", "-dir", "/no/such/directory"}, "-dir /no/such/directory: "},
		{[]string{"-listen", "127.0.0.1:0", "-dir", file}, "-dir " + file + ": "},
		{[]string{"-listen", "127.0.0.1:0", "-uploads", "/no/such/directory"}, "-uploads /no/such/directory: "},
		{[]string{"-listen", taken.Addr().String()}, "listen"},
		{[]string{"-adapter", "hci99"}, "adapter"},
	} {
		stdout, stderr := run(t, 1, "server", test.args)
		checkSilent(t, stdout)
		checkText(t, stderr, "server: ", test.want)
	}
}

// After Ctrl-C, the server finishes the current transfer, in both dialects and
// directions.
func TestServerInterruptFinishesTransfer(t *testing.T) {
	for name, command := range map[string][]string{
		"get":   {"get", "file"},
		"plain": {"get", "-plain", "file"},
		"put":   {"put", "file"},
	} {
		t.Run(name, func(t *testing.T) {
			uploads, here := t.TempDir(), t.TempDir()
			s := serve(t, "-uploads", uploads)
			from, to := s.files, here
			if name == "put" {
				from, to = here, uploads
			}
			content := newFile(t, filepath.Join(from, "file"), hugeSize)
			valve := newValve(t, s.address, passed)
			client := launch(t, "client", append([]string{"-connect", valve.address}, command...), in(here))
			awaitContent(t, filepath.Join(to, "file.part"), 1)

			s.interrupt(t)
			s.await(t, "Stopping after the current transfer")
			valve.open()
			client.end(t, 0)
			s.end(t, 0)
			checkText(t, s.stdout.String(), "Stopped.")
			checkFile(t, filepath.Join(to, "file"), content)
		})
	}
}

// A second Ctrl-C interrupts the transfer.
func TestServerSecondInterruptEndsAtOnce(t *testing.T) {
	s := serve(t)
	newFile(t, filepath.Join(s.files, "file"), hugeSize)
	here := t.TempDir()
	valve := newValve(t, s.address, passed)
	client := launch(t, "client", []string{"-connect", valve.address, "get", "file"}, in(here))
	awaitContent(t, filepath.Join(here, "file.part"), 1)

	s.interrupt(t)
	s.await(t, "Stopping after the current transfer")
	s.interrupt(t)
	s.end(t, 1)
	checkText(t, s.stderr.String(), "server: stopped in the middle of a transfer")
	valve.open()
	client.end(t, 1)
	checkFiles(t, here, "file.part")
}

// A client that has sent no request does not delay the end of the server.
func TestServerInterruptWithoutTransfer(t *testing.T) {
	s := serve(t)
	client, _ := s.startDialogue(t)
	s.interrupt(t)
	s.end(t, 0)
	client.say(t, "file")
	client.end(t, 1)
}

func TestServerDropsSilentClients(t *testing.T) {
	t.Parallel()
	s := serve(t, "-timeout", "2s")
	conn, err := net.Dial("tcp", s.address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	s.await(t, "client dropped")
	newFile(t, filepath.Join(s.files, "file"), 1000)
	s.client(t, 0, t.TempDir(), "get", "file")
}

func TestServerRefusesEscapingNames(t *testing.T) {
	s := serve(t)
	outside := filepath.Join(filepath.Dir(s.files), "outside")
	newFile(t, outside, 10)
	if err := os.Symlink(outside, filepath.Join(s.files, "link")); err != nil {
		t.Skip(err)
	}
	here := t.TempDir()
	for _, name := range []string{outside, "../outside", "link"} {
		s.client(t, 1, here, "get", "-o", "new", name)
		s.client(t, 1, here, "-plain", "get", "-o", "new", name)
	}
	checkFiles(t, here)
}
