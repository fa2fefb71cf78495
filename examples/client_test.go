package examples_test

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"
)

func TestGet(t *testing.T) {
	s := serve(t)
	content := newFile(t, filepath.Join(s.files, "photo.jpg"), 300_000)
	changed := time.Date(2020, 2, 20, 20, 20, 20, 0, time.UTC)
	if err := os.Chtimes(filepath.Join(s.files, "photo.jpg"), changed, changed); err != nil {
		t.Fatal(err)
	}
	newFile(t, filepath.Join(s.files, "empty"), 0)
	newFile(t, filepath.Join(s.files, "one byte"), 1)
	newFile(t, filepath.Join(s.files, "-"), 10)
	if err := os.Mkdir(filepath.Join(s.files, "directory"), 0o755); err != nil {
		t.Fatal(err)
	}
	inside := newFile(t, filepath.Join(s.files, "directory", "Grüße 🙂"), 5000)

	for _, dialect := range []string{"-plain=false", "-plain=true"} {
		here := t.TempDir()
		for _, name := range []string{"photo.jpg", "empty", "one byte", "directory/Grüße 🙂", "-"} {
			stdout, stderr := s.client(t, 0, here, dialect, "get", name)
			checkSilent(t, stdout, stderr)
		}
		checkFiles(t, here, "-", "Grüße 🙂", "empty", "one byte", "photo.jpg")
		checkFile(t, filepath.Join(here, "photo.jpg"), content)
		checkFile(t, filepath.Join(here, "empty"), nil)
		checkFile(t, filepath.Join(here, "Grüße 🙂"), inside)
		info, err := os.Stat(filepath.Join(here, "photo.jpg"))
		if err != nil {
			t.Fatal(err)
		}
		if dialect == "-plain=false" && !info.ModTime().Equal(changed) {
			t.Errorf("its time is %v, want %v", info.ModTime(), changed)
		}
	}
}

func TestGetWithOutputFlag(t *testing.T) {
	s := serve(t)
	content := newFile(t, filepath.Join(s.files, "file"), 100_000)
	for _, dialect := range []string{"-plain=false", "-plain=true"} {
		here := t.TempDir()
		path := filepath.Join(t.TempDir(), "other")
		stdout, stderr := s.client(t, 0, here, dialect, "get", "-o", path, "file")
		checkSilent(t, stdout, stderr)
		checkFile(t, path, content)
		stdout, stderr = s.client(t, 0, here, dialect, "get", "-o", "-", "file")
		checkSilent(t, stderr)
		if !bytes.Equal([]byte(stdout), content) {
			t.Errorf("%d bytes went to standard output, not the file's %d", len(stdout), len(content))
		}
		checkFiles(t, here)
	}
}

func TestGetReportsMissingFile(t *testing.T) {
	s := serve(t)
	if err := os.Mkdir(filepath.Join(s.files, "directory"), 0o755); err != nil {
		t.Fatal(err)
	}
	here := t.TempDir()
	for _, test := range []struct {
		command []string
		want    string
	}{
		{[]string{"get", "missing"}, "not exist"},
		{[]string{"-plain", "get", "missing"}, "not exist"},
		{[]string{"get", "directory"}, "directory"},
		{[]string{"get", "-o", "-", "missing"}, "not exist"},
		{[]string{"ls", "missing"}, "not exist"},
		{[]string{"get", ".."}, "-o FILE"},
		{[]string{"get", ""}, "-o FILE"},
	} {
		stdout, stderr := s.client(t, 1, here, test.command...)
		checkSilent(t, stdout)
		checkText(t, stderr, "client: ", test.want)
	}
	checkFiles(t, here)
}

func TestGetReplacesOnlyWithFlagF(t *testing.T) {
	s := serve(t)
	theirs := newFile(t, filepath.Join(s.files, "file"), 1000)
	for _, dialect := range []string{"-plain=false", "-plain=true"} {
		here := t.TempDir()
		mine := newFile(t, filepath.Join(here, "file"), 10)
		stdout, stderr := s.client(t, 1, here, dialect, "get", "file")
		checkSilent(t, stdout)
		checkText(t, stderr, "client: ", "file", "replace the existing file with -f")
		checkFile(t, filepath.Join(here, "file"), mine)
		s.client(t, 0, here, dialect, "get", "-f", "file")
		checkFile(t, filepath.Join(here, "file"), theirs)
		checkFiles(t, here, "file")
	}
}

func TestGetAndPutAreRepeatable(t *testing.T) {
	uploads := t.TempDir()
	s := serve(t, "-uploads", uploads)
	content := newFile(t, filepath.Join(s.files, "file"), 1000)
	here := t.TempDir()
	for range 2 {
		for _, command := range [][]string{{"get", "file"}, {"-plain", "get", "file"}, {"put", "file"}} {
			s.client(t, 0, here, command...)
		}
		checkFile(t, filepath.Join(here, "file"), content)
		checkFile(t, filepath.Join(uploads, "file"), content)
	}
	checkFiles(t, here, "file")
}

func TestClientAcceptsFlagsAnywhere(t *testing.T) {
	s := serve(t)
	content := newFile(t, filepath.Join(s.files, "file"), 1000)
	dashed := newFile(t, filepath.Join(s.files, "-f"), 2000)
	connect := "-connect=" + s.address
	for _, test := range []struct {
		args []string
		want []byte
	}{
		{[]string{connect, "-f", "-o", "out", "get", "file"}, content},
		{[]string{"get", connect, "-f", "-o", "out", "file"}, content},
		{[]string{"get", "file", "-o", "out", "-f", connect}, content},
		{[]string{"get", "-o", "out", "file", connect, "-f"}, content},
		{[]string{"--f", "get", "--o=out", "file", "-" + connect}, content},
		{[]string{connect, "-f", "-o", "out", "--", "get", "file"}, content},
		{[]string{connect, "-f", "-o", "out", "get", "--", "-f"}, dashed},
	} {
		here := t.TempDir()
		newFile(t, filepath.Join(here, "out"), 1)
		run(t, 0, "client", test.args, in(here))
		checkFile(t, filepath.Join(here, "out"), test.want)
	}
}

func TestLs(t *testing.T) {
	s := serve(t)
	newFile(t, filepath.Join(s.files, "small"), 5)
	newFile(t, filepath.Join(s.files, "large"), 12345)
	if err := os.Mkdir(filepath.Join(s.files, "directory"), 0o755); err != nil {
		t.Fatal(err)
	}
	newFile(t, filepath.Join(s.files, "directory", "inside"), 1)
	changed := time.Date(2020, 2, 20, 20, 20, 20, 0, time.Local)
	for _, name := range []string{"small", "large", "directory"} {
		if err := os.Chtimes(filepath.Join(s.files, name), changed, changed); err != nil {
			t.Fatal(err)
		}
	}
	stdout, stderr := s.client(t, 0, t.TempDir(), "ls")
	checkSilent(t, stderr)
	want := `^drwx\S{6}      0  2020-02-20 20:20  directory
-rw\S{7}  12345  2020-02-20 20:20  large
-rw\S{7}      5  2020-02-20 20:20  small
$`
	if !regexp.MustCompile(want).MatchString(stdout) {
		t.Errorf("the list is:\n%s", stdout)
	}
	stdout, _ = s.client(t, 0, t.TempDir(), "ls", "directory")
	if !strings.HasSuffix(stdout, "  inside\n") || strings.Count(stdout, "\n") != 1 {
		t.Errorf("the list of the directory is:\n%s", stdout)
	}
}

func TestPut(t *testing.T) {
	uploads := t.TempDir()
	s := serve(t, "-uploads", uploads)
	here := t.TempDir()
	content := newFile(t, filepath.Join(here, "file"), 200_000)
	stored := filepath.Join(uploads, "file")

	stdout, stderr := s.client(t, 0, here, "put", "file")
	checkSilent(t, stdout, stderr)
	checkFile(t, stored, content)
	info, err := os.Stat(stored)
	if err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("its mode is %v, want that of the file that was put", info.Mode())
	}

	s.client(t, 0, here, "put", filepath.Join(here, "file"), "named")
	checkFile(t, filepath.Join(uploads, "named"), content)

	content = newFile(t, filepath.Join(here, "file"), 100)
	stdout, stderr = s.client(t, 1, here, "put", "file")
	checkSilent(t, stdout)
	checkText(t, stderr, "client: ", "exist", "replace the existing file with -f")
	stdout, stderr = s.client(t, 1, here, "put", "file", "-f")
	checkSilent(t, stdout)
	checkText(t, stderr, "client: ", "replaces no files", "-replace")
	checkFiles(t, uploads, "file", "named")

	serve(t, "-uploads", uploads, "-replace").client(t, 0, here, "put", "file", "-f")
	checkFile(t, stored, content)
	checkFiles(t, uploads, "file", "named")
}

func TestPutOfStandardInput(t *testing.T) {
	uploads := t.TempDir()
	s := serve(t, "-uploads", uploads)
	text := strings.Repeat("typed ", 20_000)
	stdout, stderr := run(t, 0, "client", []string{"-connect", s.address, "put", "-", "name"}, typing(text))
	checkSilent(t, stdout, stderr)
	checkFile(t, filepath.Join(uploads, "name"), []byte(text))
}

func TestPutIsRefused(t *testing.T) {
	s := serve(t)
	here := t.TempDir()
	newFile(t, filepath.Join(here, "file"), 10)
	stdout, stderr := s.client(t, 1, here, "put", "file")
	checkSilent(t, stdout)
	checkText(t, stderr, "client: ", "-uploads DIR")
	checkFiles(t, s.files)
}

func TestPutRefusesSpecialFiles(t *testing.T) {
	s := serve(t, "-uploads", t.TempDir())
	for _, name := range []string{"missing", "."} {
		_, stderr := s.client(t, 1, t.TempDir(), "put", name, "name")
		checkText(t, stderr, "client: ", name)
	}
	if strings.Contains(s.stdout.String(), "connected") {
		t.Error("the client connected before it checked the file")
	}
}

func TestClientReportsMissingServer(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	listener.Close()
	for _, command := range [][]string{{"get", "file"}, {"ls"}, {"-plain", "get", "file"}, {}} {
		stdout, stderr := run(t, 1, "client", append([]string{"-connect", address}, command...), in(t.TempDir()))
		checkSilent(t, stdout)
		checkText(t, stderr, "client: ", "refused")
	}
}

// The server sends nothing, or stops in the middle of the content.
func TestClientTimesOutOnSilentServer(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		said     string
		commands [][]string
	}{
		"from the start": {"", [][]string{{"get", "file"}, {"ls"}, {"get", "-plain", "file"}, {}}},
		"in the middle":  {"Enter the file name", [][]string{{"get", "file"}, {"ls"}, {"get", "-plain", "file"}}},
	} {
		t.Run(name, func(t *testing.T) {
			address := foreignServer(t, func(conn net.Conn, gone <-chan struct{}) {
				conn.Write([]byte(test.said))
				<-gone
			})
			for _, command := range test.commands {
				here := t.TempDir()
				_, stderr := run(t, 1, "client", append([]string{"-connect", address, "-timeout", "500ms"}, command...), in(here))
				checkText(t, stderr, "client: ", "silent")
				checkFiles(t, here)
			}
		})
	}
}

// foreignServer runs a server that the test implements. The channel gone is
// closed when the test ends.
func foreignServer(t *testing.T, serve func(conn net.Conn, gone <-chan struct{})) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				serve(conn, gone)
			}()
		}
	}()
	t.Cleanup(func() {
		close(gone)
		listener.Close()
		<-ended
	})
	return listener.Addr().String()
}

// articleServer runs a server like that of the article, which supports only the
// plain dialect and leaves the connection open.
func articleServer(t *testing.T, content []byte) (address string) {
	return foreignServer(t, func(conn net.Conn, gone <-chan struct{}) {
		conn.Write([]byte("Enter the file name"))
		name := make([]byte, 2048)
		n, _ := conn.Read(name)
		if bytes.IndexByte(name[:n], 0) >= 0 {
			return // opening a name with a NUL byte fails
		}
		conn.Write(append(bytes.Clone(content), "Transfer complete"...))
		<-gone
	})
}

func TestClientGetsFromArticleServer(t *testing.T) {
	t.Parallel()
	content := bytes.Repeat([]byte("Transfer complete"), 1000)
	address := articleServer(t, content)
	here := t.TempDir()
	for _, command := range [][]string{{"get", "file"}, {"ls"}} {
		_, stderr := run(t, 1, "client", append([]string{"-connect", address}, command...), in(here))
		checkText(t, stderr, "client: ", "-plain")
	}
	checkFiles(t, here)
	run(t, 0, "client", []string{"-connect", address, "get", "-plain", "file"}, in(here))
	checkFile(t, filepath.Join(here, "file"), content)
	run(t, 0, "client", []string{"-connect", address}, in(here), typing("again\n"))
	checkFile(t, filepath.Join(here, "again"), content)
}
