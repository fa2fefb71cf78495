package filetransfer_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime/metrics"
	"strings"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/go-rfcomm/rfcomm/filetransfer"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

// addTranscripts adds the messages of one side of each transcript to the
// corpus.
func addTranscripts(f *testing.F, who string, add func(said []byte)) {
	paths, err := filepath.Glob(goldenPath("*"))
	if err != nil || len(paths) == 0 {
		f.Fatalf("there are no transcripts: %v", err)
	}
	for _, path := range paths {
		said := ""
		for _, t := range readTranscript(f, path) {
			if t.who == who {
				said += t.says
			}
		}
		add([]byte(said))
	}
}

// fixChecksums corrects the checksums of blocks, because fuzzing cannot guess
// them.
func fixChecksums(data []byte) []byte {
	const key = "CRC-32: "
	data = bytes.Clone(data)
	for from := 0; ; {
		at := bytes.Index(data[from:], []byte(key))
		if at < 0 || from+at+len(key)+8 > len(data) {
			return data
		}
		at += from
		if start := bytes.LastIndex(data[from:at], []byte("filetransfer/")); start >= 0 {
			copy(data[at+len(key):], fmt.Sprintf("%08x", crc32.ChecksumIEEE(data[from+start:at])))
		}
		from = at + len(key)
	}
}

// playPeer sends the text of a peer and discards all received bytes. At the end
// it closes the connection if hangsUp is true.
func playPeer(c net.Conn, says []byte, hangsUp bool) (done <-chan error) {
	heard := hosttest.InBackground(func() error { _, err := io.Copy(io.Discard, c); return err })
	return hosttest.InBackground(func() error {
		_, err := c.Write(says)
		if hangsUp {
			c.Close()
		}
		<-heard
		c.Close()
		return err
	})
}

// wantBounds runs f in a synctest bubble and limits its time there and the
// memory it allocates for the text of a peer.
func wantBounds(t *testing.T, said []byte, f func(t *testing.T)) {
	t.Helper()
	before := allocated()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		f(t)
		if took := time.Since(began); took > 3*idleTimeout {
			t.Errorf("it took %v", took)
		}
	})
	// A request of about 50 bytes may be for content, which needs a buffer to
	// hash it.
	if n, most := allocated()-before, uint64(1<<20+2<<10*len(said)); n > most {
		t.Errorf("%d bytes were allocated for %d bytes", n, len(said))
	}
}

// allocated returns the number of bytes allocated so far.
func allocated() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// wantOnlyStatedFiles checks the received files in a directory: each must have
// a checksum that the peer has stated. Files with the content "old" existed
// before and may remain.
func wantOnlyStatedFiles(t testing.TB, dir string, said []byte) {
	t.Helper()
	said = bytes.ToLower(said)
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || entry.Type()&fs.ModeSymlink != 0 {
			return err
		}
		content := readFile(t, path)
		sum := fmt.Sprintf("%x", sha256.Sum256([]byte(content)))
		switch {
		case content == "old" || bytes.Contains(said, []byte(sum)):
		case strings.HasSuffix(path, ".part") && content != "":
		default:
			t.Errorf("%s has %q, with the SHA-256 %s", path, content, sum)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// inDir runs f with a directory inside another one, in which nothing else may
// change.
func inDir(t *testing.T, f func(dir string)) {
	t.Helper()
	outside := memoryDir(t)
	writeFile(t, filepath.Join(outside, "secret"), "secret")
	dir := filepath.Join(outside, "directory")
	writeFile(t, filepath.Join(dir, "old"), "old")
	if err := os.Symlink("..", filepath.Join(dir, "out")); err != nil {
		t.Fatal(err)
	}
	f(dir)
	wantFiles(t, outside, "directory", "secret")
	if got := readFile(t, filepath.Join(outside, "secret")); got != "secret" {
		t.Errorf("a file outside the directory was changed to %q", got)
	}
}

func FuzzServer(f *testing.F) {
	files := fstest.MapFS{
		"notes.txt":  {Data: []byte("hello, world"), Mode: 0o640, ModTime: goldenTime},
		"tools/grün": {Data: []byte("#!/bin/sh\n"), Mode: 0o755, ModTime: goldenTime},
		"tools/pipe": {Mode: fs.ModeNamedPipe | 0o600},
	}
	addTranscripts(f, "C", func(said []byte) {
		f.Add(said, true, true)
		f.Add(said, false, false)
	})
	for _, resume := range []string{"yes", "no"} {
		ask := request("put", "Name: old", "Size: 3", "Resume: "+resume)
		f.Add([]byte(ask+message("from", "Offset: 3", "SHA-256: "+sumOf("old"))), true, true)
		f.Add([]byte(ask+message("from")+chunk("old")+"0\r\n"+message("end", "SHA-256: "+sumOf("old"))), true, true)
	}
	for _, name := range []string{"a/b/new", "out/a/new", "a/b.part/new"} {
		ask := request("put", "Name: "+name, "Size: 3", "Parents: yes")
		f.Add([]byte(ask+message("from")+chunk("new")+"0\r\n"+message("end", "SHA-256: "+sumOf("new"))), true, true)
	}
	f.Fuzz(func(t *testing.T, says []byte, hangsUp, mend bool) {
		if mend {
			says = fixChecksums(says)
		}
		inDir(t, func(dir string) {
			writeFile(t, filepath.Join(dir, "log.txt.part"), "one\ntwo\n")
			uploads := openDir(t, dir)
			wantBounds(t, says, func(t *testing.T) {
				client, server := net.Pipe()
				talked := playPeer(client, says, hangsUp)
				s := &filetransfer.Server{FS: files, Uploads: filetransfer.NewDir(uploads), MaxUpload: 1 << 20, Logger: quiet}
				s.ServeConn(t.Context(), server)
				<-talked
			})
			wantOnlyStatedFiles(t, dir, says)
		})
	})
}

func FuzzServerQueue(f *testing.F) {
	addTranscripts(f, "C", func(said []byte) {
		f.Add(said, true)
		f.Add(append([]byte(request("wait")), said...), false)
	})
	f.Fuzz(func(t *testing.T, says []byte, hangsUp bool) {
		synctest.Test(t, func(t *testing.T) {
			s := startServer(t, "pipe", &filetransfer.Server{FS: offered()})
			first := s.connectRaw(t)
			talked := playPeer(s.dial(), says, hangsUp)
			time.Sleep(time.Second)
			if log := s.log.String(); strings.Count(log, "client connected") != 1 {
				t.Errorf("two clients are served at the same time:\n%s", log)
			}
			first.Close()
			<-talked
			s.wantServing(t)
			s.stop(t)
		})
	})
}

// clientCalls are the calls of FuzzClient.
var clientCalls = []func(t *testing.T, ctx context.Context, conn net.Conn, dir string, said []byte) error{
	func(t *testing.T, ctx context.Context, conn net.Conn, dir string, said []byte) error {
		var got bytes.Buffer
		info, err := filetransfer.NewClient(conn).Get(ctx, "notes.txt", &got)
		if err == nil {
			wantSum(t, info, got.String())
			if !bytes.Contains(bytes.ToLower(said), fmt.Appendf(nil, "%x", info.SHA256)) {
				t.Errorf("got %q, which is not what was sent", got.String())
			}
		}
		return err
	},
	func(t *testing.T, ctx context.Context, conn net.Conn, dir string, said []byte) error {
		_, err := filetransfer.NewClient(conn).Download(ctx, "notes.txt", filepath.Join(dir, "notes.txt"))
		if _, statErr := os.Stat(filepath.Join(dir, "notes.txt")); (err == nil) != (statErr == nil) {
			t.Errorf("download: %v, but of the file: %v", err, statErr)
		}
		return err
	},
	func(t *testing.T, ctx context.Context, conn net.Conn, dir string, said []byte) error {
		const content = "hello, world"
		err := doPut(ctx, filetransfer.NewClient(conn), "new.txt", strings.NewReader(content), filetransfer.Info{Size: 12})
		if sum := sha256.Sum256([]byte(content)); err == nil && !bytes.Contains(bytes.ToLower(said), fmt.Appendf(nil, "%x", sum)) {
			t.Error("the server has not confirmed what it stored")
		}
		return err
	},
	func(t *testing.T, ctx context.Context, conn net.Conn, dir string, said []byte) error {
		return doUpload(ctx, filetransfer.NewClient(conn), filepath.Join(dir, "old"), "log.txt")
	},
	func(t *testing.T, ctx context.Context, conn net.Conn, dir string, said []byte) error {
		c := filetransfer.NewClient(conn)
		c.Busy = func() {}
		_, err := c.Stat(ctx, "notes.txt")
		_, again := c.Stat(ctx, "tools")
		return errors.Join(err, again)
	},
	func(t *testing.T, ctx context.Context, conn net.Conn, dir string, said []byte) error {
		infos, err := filetransfer.NewClient(conn).List(ctx, "tools")
		for _, info := range infos {
			if !fs.ValidPath(info.Name) || strings.Contains(info.Name, "/") || info.Size < -1 {
				t.Errorf("listed %+v", info)
			}
		}
		return err
	},
	func(t *testing.T, ctx context.Context, conn net.Conn, dir string, said []byte) error {
		var got bytes.Buffer
		n, err := fetch(ctx, conn, "notes.txt", &got)
		if n != int64(got.Len()) || err == nil && string(said) != filetransfer.Prompt+got.String()+endMark {
			t.Errorf("got %q of %q", got.String(), said)
		}
		return err
	},
	func(t *testing.T, ctx context.Context, conn net.Conn, dir string, said []byte) error {
		info, err := filetransfer.NewClient(conn).Download(ctx, "notes.txt", filepath.Join(dir, "old"))
		if err == nil && (!info.Present || !bytes.Contains(bytes.ToLower(said), []byte(sumOf("old")))) {
			t.Errorf("%+v, but the server has not confirmed that it has the same file", info)
		}
		return err
	},
	func(t *testing.T, ctx context.Context, conn net.Conn, dir string, said []byte) error {
		f, err := filetransfer.NewClient(conn).FS(ctx).Open("notes.txt")
		if err != nil {
			return err
		}
		got := make([]byte, 5)
		n, err := f.(io.ReaderAt).ReadAt(got, 7)
		if n > 0 && !bytes.Contains(bytes.ToLower(said), []byte(sumOf(string(got[:n])))) {
			t.Errorf("read %q, which is not what was sent", got[:n])
		}
		if err == io.EOF {
			err = nil
		}
		return err
	},
}

// The server sends all its text and closes the connection without reading a
// request.
func TestClientRefusesUnrelatedAnswers(t *testing.T) {
	for call, name := range []string{"get", "download", "put", "upload", "stat", "list"} {
		for _, d := range goldenDialogues {
			t.Run(name+"/"+d.name, func(t *testing.T) {
				said := ""
				for _, turn := range readTranscript(t, goldenPath(d.name)) {
					if turn.who == "S" {
						said += turn.says
					}
				}
				inDir(t, func(dir string) {
					synctest.Test(t, func(t *testing.T) {
						client, server := net.Pipe()
						talked := hosttest.InBackground(func() error {
							_, err := io.WriteString(server, said)
							server.Close()
							return err
						})
						if err := clientCalls[call](t, t.Context(), client, dir, []byte(said)); err == nil {
							t.Errorf("the client was content with %q", said)
						}
						client.Close()
						if err := <-talked; err != nil {
							t.Error(err)
						}
					})
				})
			})
		}
	}
}

func FuzzClient(f *testing.F) {
	addTranscripts(f, "S", func(said []byte) {
		for call := range clientCalls {
			f.Add(byte(call), said, true, true)
			f.Add(byte(call), said, false, false)
			busy := message("busy", "Message: server is busy", "Ahead: 1")
			f.Add(byte(call), bytes.Replace(said, []byte(filetransfer.Prompt), []byte(busy+busy), 1), true, true)
		}
	})
	f.Fuzz(func(t *testing.T, call byte, says []byte, hangsUp, mend bool) {
		if mend {
			says = fixChecksums(says)
		}
		inDir(t, func(dir string) {
			writeFile(t, filepath.Join(dir, "notes.txt.part"), "hello, ")
			wantBounds(t, says, func(t *testing.T) {
				client, server := net.Pipe()
				talked := playPeer(server, says, hangsUp)
				err := clientCalls[int(call)%len(clientCalls)](t, t.Context(), client, dir, says)
				if err != nil && err.Error() == "" {
					t.Error("an error says nothing")
				}
				client.Close()
				<-talked
			})
			wantOnlyStatedFiles(t, dir, says)
		})
	})
}
