package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/filetransfer"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

// A fileFake is a fake whose device has a file server.
type fileFake struct {
	*fake
	files, uploads string // directories of the server
	server         *filetransfer.Server
	log            bytes.Buffer // of the server
}

// fileDevice is the target with the file server.
const fileDevice = "00:AA:01:00:00:01"

// newFileFake returns a fake, in a directory of its own.
func newFileFake(t *testing.T) *fileFake {
	t.Helper()
	t.Chdir(t.TempDir())
	f := &fileFake{fake: newFake(t), files: t.TempDir(), uploads: t.TempDir()}
	files, err := os.OpenRoot(f.files)
	if err != nil {
		t.Fatal(err)
	}
	uploads, err := os.OpenRoot(f.uploads)
	if err != nil {
		t.Fatal(err)
	}
	f.server = &filetransfer.Server{FS: filetransfer.NewDir(files), Uploads: filetransfer.NewDir(uploads), Replace: true, Logger: slog.New(slog.NewTextHandler(&f.log, nil))}
	clients := newQueue()
	served := hosttest.InBackground(func() error { return f.server.Serve(clients) })
	t.Cleanup(func() {
		f.server.Close()
		hosttest.Receive(t, served)
		files.Close()
		uploads.Close()
	})
	f.dial = func(ctx context.Context, d *rfcomm.Dialer, device rfcomm.BDAddr, s service) (net.Conn, error) {
		f.dialed = append(f.dialed, dialed{*d, device, s})
		if f.err != nil {
			return nil, f.err
		}
		conn, peer := net.Pipe()
		select {
		case clients.conns <- peer:
			return conn, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return f
}

// write writes a file.
func write(t *testing.T, content string, path ...string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(path...), []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// writeOdd is write for a name that not every system allows.
func writeOdd(t *testing.T, content string, path ...string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(path...), []byte(content), 0o644); err != nil {
		t.Skip("no such names: ", err)
	}
}

// wantFile checks the content of a file.
func wantFile(t *testing.T, want string, path ...string) {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(path...))
	if err != nil || string(content) != want {
		t.Errorf("%s contains %.100q, %v, want %.100q", filepath.Join(path...), content, err, want)
	}
}

// wantFiles checks the names in a directory.
func wantFiles(t *testing.T, directory string, names ...string) {
	t.Helper()
	entries, err := os.ReadDir(directory)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	slices.Sort(names)
	if !slices.Equal(got, names) {
		t.Errorf("%s has %q, want %q", directory, got, names)
	}
}

func TestGetDialsFileService(t *testing.T) {
	for line, want := range map[string]service{
		"":                   {channel: 20},
		"/7":                 {channel: 7},
		" --channel 9":       {channel: 9},
		" --security medium": {channel: 20},
		" -i hci0 -t 1m":     {channel: 20},
	} {
		f := newFileFake(t)
		write(t, "content", f.files, "a")
		words := strings.Fields("get " + fileDevice + line + " a")
		f.runs(t, 0, words...)
		if len(f.dialed) != 1 || f.dialed[0].device != printerAddr || f.dialed[0].service != want {
			t.Errorf("%s: dialed %v", line, f.dialed)
		}
		wantFile(t, "content", "a")
	}
}

func TestGetTakesManyFilesAtOnce(t *testing.T) {
	f := newFileFake(t)
	write(t, "first", f.files, "a")
	write(t, "second", f.files, "b c")
	write(t, "", f.files, "empty")
	stdout, stderr := f.runs(t, 0, "get", fileDevice, "a", "b c", "empty")
	if len(f.dialed) != 1 || stdout+stderr != "" {
		t.Errorf("dialed %v, printed %q %q", f.dialed, stdout, stderr)
	}
	wantFiles(t, ".", "a", "b c", "empty")
	wantFile(t, "first", "a")
	wantFile(t, "second", "b c")
}

// An error of one file does not keep the others from being transferred.
func TestGetContinuesAfterMissingFile(t *testing.T) {
	f := newFileFake(t)
	write(t, "first", f.files, "a")
	write(t, "second", f.files, "b")
	_, stderr := f.runs(t, statusNotFound, "get", fileDevice, "a", "missing", "b")
	wantParts(t, stderr, "rfcommctl: get missing: ", "not exist", "\nrfcommctl: 1 of 3 files failed\n")
	wantFiles(t, ".", "a", "b")
}

func TestGetWritesWhereOutputSays(t *testing.T) {
	for _, tt := range []struct{ output, file string }{
		{"other", "other"},
		{"directory", "directory/a"},
		{"directory/", "directory/a"},
		{"./directory/.", "directory/a"},
		{"directory/b", "directory/b"},
	} {
		for _, plain := range []string{"--plain=false", "--plain"} {
			f := newFileFake(t)
			write(t, "content", f.files, "a")
			if err := os.Mkdir("directory", 0o755); err != nil {
				t.Fatal(err)
			}
			f.runs(t, 0, "get", fileDevice, "a", plain, "-o", tt.output)
			wantFile(t, "content", tt.file)
		}
	}
}

func TestGetWritesToStandardOutput(t *testing.T) {
	f := newFileFake(t)
	write(t, "first ", f.files, "a")
	write(t, "second", f.files, "b")
	for _, plain := range []string{"--plain=false", "--plain"} {
		stdout, stderr := f.runs(t, 0, "get", fileDevice, "a", "b", plain, "-o", "-")
		if stdout != "first second" || stderr != "" {
			t.Errorf("%s: printed %q, %q", plain, stdout, stderr)
		}
	}
	wantFiles(t, ".")
}

func TestGetReplacesOnlyIfAsked(t *testing.T) {
	for _, plain := range []string{"--plain=false", "--plain"} {
		f := newFileFake(t)
		write(t, "theirs", f.files, "a")
		write(t, "mine", "a")
		_, stderr := f.runs(t, statusOther, "get", fileDevice, "a", plain)
		wantError(t, stderr, "exist", "--replace", "-o")
		wantFile(t, "mine", "a")
		f.runs(t, 0, "get", fileDevice, "a", plain, "--replace")
		wantFile(t, "theirs", "a")
		wantFiles(t, ".", "a")
	}
}

func TestGetChecksBeforeItConnects(t *testing.T) {
	for line, want := range map[string]struct {
		status int
		part   string
	}{
		"a -o missing/":       {statusNotFound, "-o missing/: there is no directory missing"},
		"a -o missing/b":      {statusNotFound, "-o missing/b: there is no directory missing"},
		"a -o file/":          {statusOther, "-o file/: file is not a directory"},
		"a b -o c":            {statusUsage, "-o c is not a directory"},
		"a --output=":         {statusUsage, "-o needs a path"},
		"..":                  {statusUsage, "choose one with -o"},
		"a/..":                {statusUsage, "choose one with -o"},
		"a -r --plain":        {statusUsage, "exclude each other"},
		"a -r -o -":           {statusUsage, "-r needs a directory"},
		"":                    {statusUsage, "the name of a file of the server is missing"},
		"a --tcp 127.0.0.1:1": {statusUsage, "--tcp replaces TARGET"},
		"a --security secret": {statusUsage, "low, medium or high"},
		"a --timeout 0":       {statusUsage, "more than 0"},
	} {
		f := newFileFake(t)
		write(t, "", "file")
		_, stderr := f.runs(t, want.status, append([]string{"get", fileDevice}, strings.Fields(line)...)...)
		wantError(t, stderr, want.part)
		if len(f.dialed) > 0 {
			t.Errorf("%s: it dialed", line)
		}
	}
}

func TestGetCopiesTrees(t *testing.T) {
	f := newFileFake(t)
	if err := os.MkdirAll(filepath.Join(f.files, "tree", "branch", "empty"), 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, "1", f.files, "tree", "a")
	write(t, "2", f.files, "tree", "branch", "b")
	write(t, "3", f.files, "c")
	f.runs(t, 0, "get", "-r", fileDevice, "tree", "c")
	wantFiles(t, ".", "tree", "c")
	wantFile(t, "1", "tree", "a")
	wantFile(t, "2", "tree", "branch", "b")
	wantFiles(t, "tree/branch", "b", "empty")
	f.runs(t, 0, "get", "-r", fileDevice, ".", "-o", "copy")
	wantFiles(t, "copy", "tree", "c")
	wantFile(t, "2", "copy", "tree", "branch", "b")
	if len(f.dialed) != 2 {
		t.Errorf("dialed %v", f.dialed)
	}
	write(t, "other", "tree", "a")
	if err := os.RemoveAll("tree/branch"); err != nil {
		t.Fatal(err)
	}
	_, stderr := f.runs(t, statusOther, "get", "-r", fileDevice, "tree")
	wantParts(t, stderr, "rfcommctl: tree/a: file already exists with other content", "--replace", "\nrfcommctl: 1 of 2 files failed\n")
	wantFile(t, "2", "tree", "branch", "b")
}

// Symbolic links can make a tree endless.
func TestGetLeavesOutLoops(t *testing.T) {
	f := newFileFake(t)
	write(t, "1", f.files, "a")
	if err := os.MkdirAll(filepath.Join(f.files, "b", "empty", "empty"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, link := range []string{"b/first", "b/second"} {
		if err := os.Symlink("..", filepath.Join(f.files, link)); err != nil {
			t.Skip("no symbolic links: ", err)
		}
	}
	_, stderr := f.runs(t, 0, "get", "-r", fileDevice, ".")
	wantFiles(t, ".", "a", "b")
	wantFiles(t, "b", "empty")
	wantFiles(t, "b/empty", "empty")
	if stderr != "rfcommctl: b/first is a link to a directory above it: it is left out\nrfcommctl: b/second is a link to a directory above it: it is left out\n" {
		t.Errorf("it printed %q", stderr)
	}
}

// A closedPipe is a pipe whose reader has ended.
type closedPipe struct{}

func (closedPipe) Write([]byte) (int, error) { return 0, syscall.EPIPE }

// A reader that has seen enough ends get without an error.
func TestGetEndsWithReader(t *testing.T) {
	f := newFileFake(t)
	write(t, strings.Repeat("content", 100_000), f.files, "a")
	f.tool.stdout = &output{w: closedPipe{}}
	if _, stderr := f.runs(t, 0, "get", fileDevice, "a", "-o", "-"); stderr != "" {
		t.Errorf("it printed %q", stderr)
	}
}

func TestFileCommandsReportFullDisk(t *testing.T) {
	for _, words := range [][]string{
		{"ls", fileDevice}, {"ls", fileDevice, "--json"}, {"ls", fileDevice, "a"},
		{"stat", fileDevice, "a"}, {"stat", fileDevice, "a", "--json"}, {"get", fileDevice, "a", "-o", "-"},
	} {
		f := newFileFake(t)
		write(t, "content", f.files, "a")
		f.tool.stdout = &output{w: brokenWriter{}}
		_, stderr := f.runs(t, statusOther, words...)
		wantError(t, stderr, "no space left")
	}
}

func TestPutStoresFiles(t *testing.T) {
	f := newFileFake(t)
	write(t, "first", "a")
	write(t, "second", "b c")
	stdout, stderr := f.runs(t, 0, "put", fileDevice, "a", "./b c")
	if len(f.dialed) != 1 || stdout+stderr != "" {
		t.Errorf("dialed %v, printed %q %q", f.dialed, stdout, stderr)
	}
	wantFiles(t, f.uploads, "a", "b c")
	wantFile(t, "second", f.uploads, "b c")
	if err := os.Mkdir(filepath.Join(f.uploads, "inbox"), 0o755); err != nil {
		t.Fatal(err)
	}
	f.runs(t, 0, "put", fileDevice, "a", "b c", "-o", "inbox/")
	wantFiles(t, filepath.Join(f.uploads, "inbox"), "a", "b c")
	f.runs(t, 0, "put", fileDevice, "a", "-o", "inbox/named")
	wantFile(t, "first", f.uploads, "inbox", "named")
}

func TestPutSendsStandardInput(t *testing.T) {
	f := newFileFake(t)
	f.stdin = strings.NewReader("typed")
	f.runs(t, 0, "put", fileDevice, "-", "-o", "name")
	wantFile(t, "typed", f.uploads, "name")
}

func TestPutReplacesOnlyIfAsked(t *testing.T) {
	f := newFileFake(t)
	write(t, "new", "a")
	write(t, "old", f.uploads, "a")
	_, stderr := f.runs(t, statusOther, "put", fileDevice, "a")
	wantError(t, stderr, "exist", "--replace")
	wantFile(t, "old", f.uploads, "a")
	f.runs(t, 0, "put", fileDevice, "a", "--replace")
	wantFile(t, "new", f.uploads, "a")
}

func TestPutIsRefusedWithAdvice(t *testing.T) {
	f := newFileFake(t)
	f.server.Uploads = nil
	write(t, "new", "a")
	_, stderr := f.runs(t, statusPermission, "put", fileDevice, "a")
	wantError(t, stderr, "accepts no uploads", `have the server started with "rfcommctl serve --uploads"`)
}

func TestPutNamesMissingDirectory(t *testing.T) {
	f := newFileFake(t)
	write(t, "content", "a")
	_, stderr := f.runs(t, statusNotFound, "put", fileDevice, "a", "-o", "inbox/")
	wantError(t, stderr, "put inbox/a: the server has no directory inbox")
}

func TestPutChecksBeforeItConnects(t *testing.T) {
	for line, want := range map[string]struct {
		status int
		part   string
	}{
		"":            {statusUsage, "the path of a file is missing"},
		"missing":     {statusNotFound, "missing: no such"},
		"a missing":   {statusNotFound, "missing: no such"},
		".":           {statusOther, ". is a directory"},
		"-":           {statusUsage, "choose one with -o NAME"},
		"- -o inbox/": {statusUsage, "choose one with -o NAME"},
		"a a -o b":    {statusUsage, "a directory with a slash at its end, b/"},
		"a --output=": {statusUsage, "-o needs a name"},
	} {
		f := newFileFake(t)
		write(t, "", "a")
		_, stderr := f.runs(t, want.status, append([]string{"put", fileDevice}, strings.Fields(line)...)...)
		wantError(t, stderr, want.part)
		if len(f.dialed) > 0 {
			t.Errorf("%s: it dialed", line)
		}
	}
}

// A server that serves paired devices only closes the connections of others.
func TestFileCommandsAdvisePairing(t *testing.T) {
	for _, said := range []string{"", filetransfer.Prompt} {
		f := newFileFake(t)
		f.dial = func(context.Context, *rfcomm.Dialer, rfcomm.BDAddr, service) (net.Conn, error) {
			conn, peer := net.Pipe()
			go func() {
				io.WriteString(peer, said)
				peer.Close()
			}()
			return conn, nil
		}
		_, stderr := f.runs(t, statusBusy, "ls", fileDevice)
		wantError(t, stderr, "closed the connection", `; the server may serve paired devices only: see "rfcommctl pair"`)
	}
}

// A connection that is cut later has another reason.
func TestGetAdvisesNoPairingLater(t *testing.T) {
	f := newFileFake(t)
	write(t, strings.Repeat("content", 100_000), f.files, "a")
	dial := f.dial
	f.dial = func(ctx context.Context, d *rfcomm.Dialer, device rfcomm.BDAddr, s service) (net.Conn, error) {
		conn, err := dial(ctx, d, device, s)
		c := &choked{Conn: conn, left: 300_000, closed: make(chan struct{})}
		c.call = func() { c.Close() }
		return c, err
	}
	_, stderr := f.runs(t, statusBusy, "get", fileDevice, "a")
	wantParts(t, stderr, "a.part has the first ", "unexpected EOF")
	if strings.Contains(stderr, "paired") {
		t.Errorf("it printed %q", stderr)
	}
}

func TestFileErrorsHaveStatuses(t *testing.T) {
	for _, tt := range []struct {
		err    error
		status int
	}{
		{filetransfer.ErrBusy, statusBusy},
		{filetransfer.ErrServerClosed, statusBusy},
		{filetransfer.ErrChanged, statusBusy},
		{filetransfer.ErrRefused, statusPermission},
		{filetransfer.ErrTooLarge, statusOther},
		{filetransfer.ErrCorrupt, statusOther},
		{errors.ErrUnsupported, statusOther},
	} {
		f := newFileFake(t)
		f.err = opError(tt.err)
		_, stderr := f.runs(t, tt.status, "ls", fileDevice)
		wantError(t, stderr, tt.err.Error())
	}
}

// A watched is a stream that calls a function once it contains a text.
type watched struct {
	bytes.Buffer
	text string
	call func()
}

func (w *watched) Write(p []byte) (int, error) {
	w.Buffer.Write(p)
	if w.call != nil && strings.Contains(w.String(), w.text) {
		w.call()
		w.call = nil
	}
	return len(p), nil
}

// While another client is served, commands print that they wait.
func TestFileCommandsWaitForBusyServer(t *testing.T) {
	for _, words := range [][]string{{"get", fileDevice, "a"}, {"put", fileDevice, "b"}, {"ls", fileDevice}, {"stat", fileDevice, "a"}} {
		f := newFileFake(t)
		write(t, "content", f.files, "a")
		write(t, "content", "b")
		conn, err := f.dial(t.Context(), &rfcomm.Dialer{}, printerAddr, service{})
		if err != nil {
			t.Fatal(err)
		}
		other := filetransfer.NewClient(conn)
		if _, err := other.Stat(t.Context(), "a"); err != nil { // it is this client's turn
			t.Fatal(err)
		}
		const text = "rfcommctl: the server is busy with another client; waiting for it\n"
		stderr := &watched{text: text, call: func() { other.Close() }}
		f.tool.stderr = stderr
		f.runs(t, 0, words...)
		if stderr.String() != text {
			t.Errorf("%s printed %q", words[0], stderr)
		}
	}
}

func TestGetAdvisesRecursive(t *testing.T) {
	f := newFileFake(t)
	if err := os.Mkdir(filepath.Join(f.files, "photos"), 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, "content", f.files, "a")
	_, stderr := f.runs(t, statusOther, "get", fileDevice, "photos")
	wantError(t, stderr, "photos is a directory: add -r")
	_, stderr = f.runs(t, statusOther, "get", fileDevice, "photos", "a")
	wantParts(t, stderr, "photos is a directory: add -r", "1 of 2 files failed")
	wantFiles(t, ".", "a")
}

// A file in the place of a directory is named with a remedy, and does not keep other
// names from being copied.
func TestGetTreeNamesFileInItsPlace(t *testing.T) {
	f := newFileFake(t)
	if err := os.Mkdir(filepath.Join(f.files, "photos"), 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, "content", f.files, "a")
	write(t, "mine", "r.txt")
	_, stderr := f.runs(t, statusOther, "get", fileDevice, "photos", "-r", "-o", "r.txt")
	wantError(t, stderr, "r.txt is a file here, and a directory on the server", "-o")
	write(t, "mine", "photos")
	_, stderr = f.runs(t, statusOther, "get", fileDevice, "photos", "a", "-r")
	wantParts(t, stderr, "photos is a file here", "1 of 2 files failed")
	wantFile(t, "content", "a")
}

func TestPutSendsTrees(t *testing.T) {
	f := newFileFake(t)
	if err := os.MkdirAll(filepath.Join("tree", "branch", "empty"), 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, "1", "tree", "a")
	write(t, "2", "tree", "branch", "b")
	write(t, "3", "c")
	_, stderr := f.runs(t, statusOther, "put", fileDevice, "tree", "c")
	wantError(t, stderr, "tree is a directory: add -r")
	f.runs(t, 0, "put", "-r", fileDevice, "tree", "c")
	wantFile(t, "1", f.uploads, "tree", "a")
	wantFile(t, "2", f.uploads, "tree", "branch", "b")
	wantFile(t, "3", f.uploads, "c")
	wantFiles(t, filepath.Join(f.uploads, "tree", "branch"), "b")
	f.runs(t, 0, "put", "-r", fileDevice, "tree", "-o", "copy")
	wantFile(t, "2", f.uploads, "copy", "branch", "b")
	f.runs(t, 0, "put", "-r", fileDevice, "tree", "c", "-o", "all/of/them/")
	wantFile(t, "2", f.uploads, "all", "of", "them", "tree", "branch", "b")
	t.Chdir("tree")
	f.runs(t, 0, "put", "-r", fileDevice, ".", "-o", "content/")
	wantFiles(t, filepath.Join(f.uploads, "content"), "a", "branch")
	if len(f.dialed) != 4 {
		t.Errorf("dialed %v", f.dialed)
	}
}

// Links to directories, which could be loops, and other files are left out.
func TestPutLeavesOutLinks(t *testing.T) {
	f := newFileFake(t)
	write(t, "1", "a")
	if err := errors.Join(os.Mkdir("b", 0o755), os.Symlink("..", filepath.Join("b", "loop")), os.Symlink(filepath.Join("..", "a"), filepath.Join("b", "link"))); err != nil {
		t.Skip("no symbolic links: ", err)
	}
	_, stderr := f.runs(t, 0, "put", "-r", fileDevice, "b")
	wantError(t, stderr, filepath.Join("b", "loop")+" is a link to a directory: it is left out")
	wantFiles(t, filepath.Join(f.uploads, "b"), "link")
}

func TestPutStoresInDirectory(t *testing.T) {
	f := newFileFake(t)
	write(t, "content", "a")
	for _, place := range []string{f.files, f.uploads} { // which are one directory usually
		if err := os.Mkdir(filepath.Join(place, "inbox"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	f.runs(t, 0, "put", fileDevice, "a", "-o", "inbox")
	wantFile(t, "content", f.uploads, "inbox", "a")
}

// The advice is for the person at the client, and names one flag.
func TestPutAdvisesTheFlag(t *testing.T) {
	f := newFileFake(t)
	f.server.Replace = false
	write(t, "new", "a")
	for _, place := range []string{f.files, f.uploads} {
		write(t, "old", place, "a")
	}
	_, stderr := f.runs(t, statusPermission, "put", fileDevice, "a", "--replace")
	wantError(t, stderr, `choose another name with -o, or have the server started with "rfcommctl serve --uploads --replace"`)
	_, stderr = f.runs(t, statusPermission, "put", fileDevice, "a", "-o", ".a")
	wantError(t, stderr, "without a dot", `"rfcommctl serve --uploads --hidden"`)
}

func TestPutContinuesAfterRefusal(t *testing.T) {
	f := newFileFake(t)
	for _, name := range []string{"a", ".b", "c"} {
		write(t, name, name)
	}
	_, stderr := f.runs(t, statusPermission, "put", fileDevice, "a", ".b", "c")
	wantParts(t, stderr, "rfcommctl: put .b: ", "\nrfcommctl: 1 of 3 files failed\n")
	wantFiles(t, f.uploads, "a", "c")
}

// Notes show names as ls does: a line feed is not a blank.
func TestGetNotesEscapeNames(t *testing.T) {
	f := newFileFake(t)
	f.chatty = true
	writeOdd(t, "content", f.files, "a\nb")
	_, first := f.runs(t, 0, "get", fileDevice, "a\nb", "-v")
	_, second := f.runs(t, 0, "get", fileDevice, "a\nb")
	wantParts(t, first, `a\x0ab has 7 bytes with SHA-256`)
	wantParts(t, second, `a\x0ab is there already`)
}
