package filetransfer_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/go-rfcomm/rfcomm/filetransfer"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

// The transcripts in testdata/golden are the exact bytes that peers of this
// version send. Before you change one, consider the existing peers that send
// these bytes.

var updateFlag = flag.Bool("update", false, "rewrite the transcripts in testdata/golden")

// A fixture has the files and directories of a dialogue, on both sides.
type fixture struct {
	testing.TB
	server  *filetransfer.Server
	uploads string      // the server's directory
	root    *os.Root    // of uploads
	local   string      // the client's directory
	mode    fs.FileMode // mode of a file created here with 0640
}

var goldenTime = time.Date(2026, 11, 22, 10, 0, 0, 123456789, time.UTC)

func newFixture(t testing.TB) *fixture {
	t.Helper()
	path := memoryDir(t)
	s := &fixture{TB: t, uploads: filepath.Join(path, "uploads"), local: filepath.Join(path, "local")}
	for _, dir := range []string{s.uploads, s.local} {
		s.must(os.Mkdir(dir, 0o777))
	}
	masked := filepath.Join(path, "masked")
	s.must(os.WriteFile(masked, nil, 0o640))
	stat, err := os.Stat(masked)
	s.must(err)
	s.mode = stat.Mode()
	s.root = openDir(t, s.uploads)
	s.server = &filetransfer.Server{
		Uploads:   filetransfer.NewDir(s.root),
		Replace:   true,
		MaxUpload: 20,
		Logger:    quiet,
		FS: fstest.MapFS{
			"notes.txt":      {Data: []byte(helloContent), Mode: 0o640, ModTime: goldenTime},
			"tools/grün %":   {Data: []byte("#!/bin/sh\n"), Mode: 0o755, ModTime: goldenTime.Truncate(time.Second)},
			"tools":          {Mode: 0o755 | fs.ModeDir, ModTime: goldenTime},
			"tools/pipe":     {Mode: 0o600 | fs.ModeNamedPipe, ModTime: goldenTime},
			"tools/more":     {Mode: 0o700 | fs.ModeDir, ModTime: goldenTime},
			"tools/more/sub": {Mode: 0o600, ModTime: goldenTime},
		},
	}
	return s
}

// writeFile creates a file, or a part file, with a fixed mode and time in a
// directory.
func (s *fixture) writeFile(dir, name, content string) {
	s.Helper()
	path := filepath.Join(dir, name)
	writeFile(s, path, content)
	mode := fs.FileMode(0o640)
	if strings.HasSuffix(name, ".part") {
		mode = s.mode
	}
	s.must(os.Chmod(path, mode))
	s.must(os.Chtimes(path, time.Time{}, goldenTime))
}

// wantFile checks the only file in a directory.
func (s *fixture) wantFile(dir, name, content string) {
	s.Helper()
	wantFiles(s, dir, name)
	path := filepath.Join(dir, name)
	if got := readFile(s, path); got != content {
		s.Errorf("%s has %q, want %q", name, got, content)
	}
	stat, err := os.Stat(path)
	s.must(err)
	if !stat.ModTime().Equal(goldenTime) {
		s.Errorf("%s has the time %v, want %v", name, stat.ModTime(), goldenTime)
	}
	if stat.Mode() != s.mode {
		s.Errorf("%s has the mode %v, want %v", name, stat.Mode(), s.mode)
	}
}

func (s *fixture) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// A dialogue is all that happens on one connection.
type dialogue struct {
	name    string
	prepare func(s *fixture)             // may be nil
	client  func(s *fixture, c net.Conn) // plays the client and checks its results
	check   func(s *fixture)             // checks the files of the server afterwards; may be nil
}

// framed returns a dialogue of a Client.
func framed(name string, client func(s *fixture, c *filetransfer.Client)) dialogue {
	return dialogue{name: "framed-" + name, client: func(s *fixture, conn net.Conn) {
		c := filetransfer.NewClient(conn)
		client(s, c)
		c.Close()
	}}
}

// withFile adds a file that exists in a directory before the dialogue.
func (d dialogue) withFile(dir func(s *fixture) string, name, content string) dialogue {
	return d.prepared(func(s *fixture) { s.writeFile(dir(s), name, content) })
}

func (d dialogue) prepared(prepare func(s *fixture)) dialogue { d.prepare = prepare; return d }

// wantUpload checks the only file in the server's directory after the dialogue.
func (d dialogue) wantUpload(name, content string) dialogue {
	d.check = func(s *fixture) { s.wantFile(filepath.Join(s.uploads, path.Dir(name)), path.Base(name), content) }
	return d
}

func local(s *fixture) string   { return s.local }
func uploads(s *fixture) string { return s.uploads }

const (
	helloContent = "hello, world"
	logContent   = "one\ntwo\nthree\n"
	logTaken     = "one\ntwo\nThree\n"
)

var goldenDialogues = []dialogue{
	framed("get", (*fixture).get),
	framed("get-resumed", (*fixture).download).withFile(local, "notes.txt.part", "hello, "),
	framed("get-changed", (*fixture).download).withFile(local, "notes.txt.part", "Hello, "),
	framed("get-shrunk", (*fixture).download).withFile(local, "notes.txt.part", "hello, world, and more"),
	framed("put", (*fixture).put).wantUpload("new %.txt", helloContent),
	framed("put-unknown-size", (*fixture).putOver).withFile(uploads, "new %.txt", "old").wantUpload("new %.txt", helloContent),
	framed("put-parents", (*fixture).putParents).wantUpload("a/b/new.txt", helloContent),
	framed("put-resumed", (*fixture).upload).withFile(uploads, "log.txt.part", "one\ntwo\n").wantUpload("log.txt", logContent),
	framed("put-changed", (*fixture).upload).withFile(uploads, "log.txt.part", "One\ntwo\n").wantUpload("log.txt", logContent),
	framed("put-present", (*fixture).uploadPresent).withFile(uploads, "log.txt", logContent).wantUpload("log.txt", logContent),
	framed("put-taken", (*fixture).uploadTaken).withFile(uploads, "log.txt", logTaken).wantUpload("log.txt", logTaken),
	framed("put-compared", (*fixture).putPresent).withFile(uploads, "log.txt", logContent).wantUpload("log.txt", logContent),
	framed("get-present", (*fixture).downloadPresent).withFile(local, "notes.txt", helloContent),
	framed("get-taken", (*fixture).downloadTaken).withFile(local, "notes.txt", "Hello, world"),
	framed("get-range", (*fixture).readAt),
	framed("stat", (*fixture).stat),
	framed("list", (*fixture).list),
	framed("errors", (*fixture).fail).withFile(uploads, "old.txt", "old"),
	framed("several", func(s *fixture, c *filetransfer.Client) {
		s.stat(c)
		s.list(c)
		s.get(c)
		s.put(c)
		s.download(c)
	}).wantUpload("new %.txt", helloContent),
	framed("closing", func(s *fixture, c *filetransfer.Client) {
		s.get(c)
		time.Sleep(time.Second) // until the server has reported that it is closing
		_, err := c.Stat(s.Context(), "notes.txt")
		wantError(s, err, filetransfer.ErrServerClosed)
	}).prepared(func(s *fixture) {
		over, cancel := context.WithCancel(s.Context())
		cancel()
		s.server.Progress = func(filetransfer.Progress) { s.server.Shutdown(over) }
	}),
	{name: "plain-get", client: func(s *fixture, c net.Conn) {
		var got bytes.Buffer
		n, err := fetch(s.Context(), c, "notes.txt", &got)
		s.must(err)
		if n != int64(len(helloContent)) || got.String() != helloContent {
			s.Errorf("got %q", got.String())
		}
		c.Close()
	}},
	{name: "plain-error", client: func(s *fixture, c net.Conn) {
		var got bytes.Buffer
		_, err := fetch(s.Context(), c, "missing.txt", &got)
		wantError(s, err, fs.ErrNotExist)
		if got.Len() > 0 {
			s.Errorf("got %q", got.String())
		}
		c.Close()
	}},
}

func (s *fixture) get(c *filetransfer.Client) {
	var got bytes.Buffer
	info, err := c.Get(s.Context(), "notes.txt", &got)
	s.must(err)
	wantSum(s, info, helloContent)
	if got.String() != helloContent || info.Mode != 0o640 || !info.ModTime.Equal(goldenTime) {
		s.Errorf("got %q and %+v", got.String(), info)
	}
}

func (s *fixture) download(c *filetransfer.Client) {
	_, err := c.Download(s.Context(), "notes.txt", filepath.Join(s.local, "notes.txt"))
	s.must(err)
	s.wantFile(s.local, "notes.txt", helloContent)
}

func (s *fixture) put(c *filetransfer.Client) {
	s.must(doPut(s.Context(), c, "new %.txt", strings.NewReader(helloContent), helloInfo(int64(len(helloContent)))))
}

func (s *fixture) putOver(c *filetransfer.Client) {
	c.Overwrite = true
	s.must(doPut(s.Context(), c, "new %.txt", strings.NewReader(helloContent), helloInfo(-1)))
}

func (s *fixture) putParents(c *filetransfer.Client) {
	c.MakeDirs = true
	s.must(doPut(s.Context(), c, "a/b/new.txt", strings.NewReader(helloContent), helloInfo(int64(len(helloContent)))))
}

func helloInfo(size int64) filetransfer.Info {
	return filetransfer.Info{Size: size, Mode: 0o640, ModTime: goldenTime}
}

func (s *fixture) upload(c *filetransfer.Client) {
	s.writeFile(s.local, "log.txt", logContent)
	s.must(doUpload(s.Context(), c, filepath.Join(s.local, "log.txt"), "log.txt"))
}

// wantPresent checks the result of a transfer to a destination that already had
// the content.
func (s *fixture) wantPresent(info filetransfer.Info, err error, content string) {
	s.Helper()
	s.must(err)
	wantSum(s, info, content)
	if !info.Present {
		s.Errorf("got %+v", info)
	}
}

func (s *fixture) uploadPresent(c *filetransfer.Client) {
	s.writeFile(s.local, "log.txt", logContent)
	info, err := c.Upload(s.Context(), filepath.Join(s.local, "log.txt"), "log.txt")
	s.wantPresent(info, err, logContent)
}

func (s *fixture) uploadTaken(c *filetransfer.Client) {
	s.writeFile(s.local, "log.txt", logContent)
	wantError(s, doUpload(s.Context(), c, filepath.Join(s.local, "log.txt"), "log.txt"), fs.ErrExist)
	s.stat(c)
}

func (s *fixture) putPresent(c *filetransfer.Client) {
	info, err := c.Put(s.Context(), "log.txt", strings.NewReader(logContent), filetransfer.Info{})
	s.wantPresent(info, err, logContent)
}

func (s *fixture) downloadPresent(c *filetransfer.Client) {
	info, err := c.Download(s.Context(), "notes.txt", filepath.Join(s.local, "notes.txt"))
	s.wantPresent(info, err, helloContent)
}

func (s *fixture) downloadTaken(c *filetransfer.Client) {
	_, err := c.Download(s.Context(), "notes.txt", filepath.Join(s.local, "notes.txt"))
	wantError(s, err, fs.ErrExist)
	s.stat(c)
}

func (s *fixture) readAt(c *filetransfer.Client) {
	f, err := c.FS(s.Context()).Open("notes.txt")
	s.must(err)
	got := make([]byte, 5)
	if n, err := f.(io.ReaderAt).ReadAt(got, 7); err != nil || string(got) != helloContent[7:] {
		s.Errorf("got %q, %d, %v", got, n, err)
	}
	s.must(f.Close())
}

func (s *fixture) stat(c *filetransfer.Client) {
	info, err := c.Stat(s.Context(), "notes.txt")
	s.must(err)
	s.wantInfo(info, filetransfer.Info{Name: "notes.txt", Size: 12, Mode: 0o640, ModTime: goldenTime})
	info, err = c.Stat(s.Context(), "tools")
	s.must(err)
	s.wantInfo(info, filetransfer.Info{Name: "tools", Mode: 0o755 | fs.ModeDir, ModTime: goldenTime})
}

func (s *fixture) list(c *filetransfer.Client) {
	infos, err := c.List(s.Context(), "tools")
	s.must(err)
	want := []filetransfer.Info{
		{Name: "grün %", Size: 10, Mode: 0o755, ModTime: goldenTime.Truncate(time.Second)},
		{Name: "more", Mode: 0o700 | fs.ModeDir, ModTime: goldenTime},
		{Name: "pipe", Mode: 0o600 | fs.ModeIrregular, ModTime: goldenTime},
	}
	if len(infos) != len(want) {
		s.Fatalf("listed %+v, want %+v", infos, want)
	}
	for i := range infos {
		s.wantInfo(infos[i], want[i])
	}
}

// fail makes requests that the server refuses.
func (s *fixture) fail(c *filetransfer.Client) {
	ctx := s.Context()
	_, err := c.Get(ctx, "missing.txt", new(bytes.Buffer))
	wantError(s, err, fs.ErrNotExist)
	_, err = c.Stat(ctx, "../secret")
	wantError(s, err, fs.ErrInvalid)
	_, err = c.List(ctx, "notes.txt")
	wantError(s, err, fs.ErrInvalid)
	_, err = c.Get(ctx, "tools/pipe", new(bytes.Buffer))
	wantError(s, err, fs.ErrPermission)
	wantError(s, doPut(ctx, c, "old.txt", strings.NewReader(helloContent), filetransfer.Info{Size: 12}), fs.ErrExist)
	wantError(s, doPut(ctx, c, "large.txt", strings.NewReader(helloContent), filetransfer.Info{Size: 21}), filetransfer.ErrTooLarge)
	wantFiles(s, s.local)
}

func (s *fixture) wantInfo(got, want filetransfer.Info) {
	s.Helper()
	if got.Name != want.Name || got.Size != want.Size || got.Mode != want.Mode || !got.ModTime.Equal(want.ModTime) {
		s.Errorf("got %+v, want %+v", got, want)
	}
}

// A turn is one message of one side, or its close.
type turn struct {
	who   string // C, the client, or S
	says  string
	close bool
}

// A transcript has the messages of both sides of a connection, in order.
type transcript struct {
	mu    sync.Mutex
	turns []turn
	begun chan struct{} // closed when the server has sent its first message
}

func newTranscript() *transcript { return &transcript{begun: make(chan struct{})} }

func (r *transcript) add(t turn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if t.who == "S" && !slices.ContainsFunc(r.turns, func(earlier turn) bool { return earlier.who == "S" }) {
		close(r.begun)
	}
	if last := len(r.turns) - 1; last >= 0 && r.turns[last].who == t.who && !t.close {
		r.turns[last].says += t.says
		return
	}
	r.turns = append(r.turns, t)
}

// String returns the transcript, one line per line of the messages.
func (r *transcript) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var text strings.Builder
	for _, t := range r.turns {
		for line := range strings.SplitAfterSeq(t.says, "\n") {
			if line != "" {
				fmt.Fprintf(&text, "%s: %q\n", t.who, line)
			}
		}
		if t.close {
			fmt.Fprintf(&text, "%s: close\n", t.who)
		}
	}
	return text.String()
}

func goldenPath(name string) string { return filepath.Join("testdata", "golden", name+".txt") }

// readTranscript reads a transcript.
func readTranscript(t testing.TB, path string) []turn {
	t.Helper()
	r := newTranscript()
	for line := range strings.Lines(readFile(t, path)) {
		who, said, ok := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		next := turn{who: who, close: said == "close"}
		if !next.close {
			var err error
			next.says, err = strconv.Unquote(said)
			ok = ok && err == nil
		}
		if !ok {
			t.Fatalf("%s has the line %s", path, line)
		}
		r.add(next)
	}
	return r.turns
}

// A recording is one end of a connection in memory. Its Writes are recorded and
// buffered until the other end reads them.
type recording struct {
	net.Conn
	who   string
	to    *transcript
	queue chan []byte
	once  sync.Once
}

// record returns both ends of a connection that is recorded in a transcript.
func record(t testing.TB, r *transcript) (client, server net.Conn) {
	client, server = net.Pipe()
	client, server = newRecording(client, "C", r), newRecording(server, "S", r)
	t.Cleanup(func() { client.Close(); server.Close() })
	return client, server
}

func newRecording(c net.Conn, who string, to *transcript) *recording {
	r := &recording{Conn: c, who: who, to: to, queue: make(chan []byte, 100)}
	go func() {
		for p := range r.queue {
			c.Write(p)
		}
		c.Close()
	}()
	return r
}

// Write records p and sends it. A client may send its first request before it
// has received the prompt; the transcript has the prompt first.
func (r *recording) Write(p []byte) (int, error) {
	if r.who == "C" {
		<-r.to.begun
	}
	r.to.add(turn{who: r.who, says: string(p)})
	r.queue <- slices.Clone(p)
	return len(p), nil
}

func (r *recording) SetDeadline(t time.Time) error { return r.Conn.SetReadDeadline(t) }

func (r *recording) Close() error {
	r.once.Do(func() {
		r.to.add(turn{who: r.who, close: true})
		close(r.queue)
	})
	return nil
}

// eachDialogue runs each dialogue in its own synctest bubble.
func eachDialogue(t *testing.T, do func(s *fixture, d dialogue)) {
	for _, d := range goldenDialogues {
		t.Run(d.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newFixture(t)
				if d.prepare != nil {
					d.prepare(s)
				}
				do(s, d)
				s.root.Close()
			})
		})
	}
}

func TestServerAndClientMatchTranscripts(t *testing.T) {
	eachDialogue(t, func(s *fixture, d dialogue) {
		r := newTranscript()
		client, server := record(s, r)
		served := hosttest.InBackground(func() error { return s.server.ServeConn(s.Context(), server) })
		d.client(s, client)
		<-served
		if d.check != nil {
			d.check(s)
		}
		path, got := goldenPath(d.name), r.String()
		if *updateFlag {
			writeFile(s, path, got)
		}
		if want := readFile(s, path); got != want {
			s.Errorf("the dialogue is\n%swant\n%s", got, want)
		}
	})
}

// replay sends the messages of one side of a transcript, each after the
// preceding messages of the other side.
func replay(c net.Conn, who string, turns []turn) {
	go io.Copy(io.Discard, c)
	for _, t := range turns {
		time.Sleep(time.Second) // longer than a server waits for the rest of a plain name
		switch {
		case t.who != who:
		case t.close:
			c.Close()
		default:
			io.WriteString(c, t.says)
		}
	}
}

func TestServerServesClientsOfTranscripts(t *testing.T) {
	eachDialogue(t, func(s *fixture, d dialogue) {
		r := newTranscript()
		client, server := record(s, r)
		served := hosttest.InBackground(func() error { return s.server.ServeConn(s.Context(), server) })
		replay(client, "C", readTranscript(s, goldenPath(d.name)))
		<-served
		if d.check != nil {
			d.check(s)
		}
		if got, want := r.String(), readFile(s, goldenPath(d.name)); got != want {
			s.Errorf("the dialogue is\n%swant\n%s", got, want)
		}
	})
}

func TestClientAcceptsServersOfTranscripts(t *testing.T) {
	eachDialogue(t, func(s *fixture, d dialogue) {
		client, server := record(s, newTranscript())
		turns := readTranscript(s, goldenPath(d.name))
		acted := hosttest.InBackground(func() error { replay(server, "S", turns); return nil })
		s.Cleanup(func() { <-acted })
		d.client(s, client)
	})
}
