package filetransfer_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/go-rfcomm/rfcomm/filetransfer"
)

// A countedConn counts the bytes in both directions.
type countedConn struct {
	net.Conn
	read, written atomic.Int64
}

func (c *countedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.read.Add(int64(n))
	return n, err
}

func (c *countedConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.written.Add(int64(n))
	return n, err
}

const presentSize = 100_000

// A presence is a directory of a server with the files "file" and "empty", a
// local directory, and a client.
type presence struct {
	testing.TB
	content string
	remote  string
	local   string // path of a local file
	conn    *countedConn
	*filetransfer.Client
	s service
}

func newPresence(t testing.TB) *presence {
	t.Helper()
	p := &presence{TB: t, content: random(presentSize), local: filepath.Join(t.TempDir(), "local")}
	root := newDir(t, map[string]string{"file": p.content, "empty": ""})
	p.remote = root.Name()
	client, server := net.Pipe()
	p.conn = &countedConn{Conn: client}
	p.s = serveOn(t, &filetransfer.Server{FS: root.FS(), Uploads: filetransfer.NewDir(root), Replace: true}, p.conn, server)
	p.Client = filetransfer.NewClient(p.conn)
	t.Cleanup(func() { p.Close() })
	return p
}

// upload stores content under a name by Upload.
func (p *presence) upload(name, content string) (filetransfer.Info, error) {
	p.Helper()
	writeFile(p, p.local, content)
	return p.Upload(p.Context(), p.local, name)
}

// put stores content under a name by Put.
func (p *presence) put(name, content string, size int64) (filetransfer.Info, error) {
	p.Helper()
	return p.Put(p.Context(), name, struct{ io.Reader }{strings.NewReader(content)}, filetransfer.Info{Size: size})
}

// wantPresent checks the result of a transfer to a destination that has the
// content, and that no content was transferred.
func (p *presence) wantPresent(info filetransfer.Info, err error, content string) {
	p.Helper()
	if err != nil || !info.Present {
		p.Errorf("got %+v, %v", info, err)
	}
	wantSum(p, info, content)
	p.wantNoContent()
	p.wantUsable()
}

func (p *presence) wantNoContent() {
	p.Helper()
	if n := p.conn.read.Swap(0) + p.conn.written.Swap(0); n > 2000 {
		p.Errorf("%d bytes were transferred", n)
	}
}

// wantUsable checks that the connection can be used, and that nothing but the
// files of the server is in its directory.
func (p *presence) wantUsable() {
	p.Helper()
	if _, err := p.Stat(p.Context(), "file"); err != nil {
		p.Errorf("the connection is not usable: %v", err)
	}
	wantFiles(p, p.remote, "empty", "file")
}

// others returns contents that differ from content, by name.
func others(content string) map[string]string {
	n := len(content)
	return map[string]string{
		"the first byte":  string(rune(content[0]&0x3f^1)) + content[1:],
		"a middle byte":   content[:n/2] + string(rune(content[n/2]&0x3f^1)) + content[n/2+1:],
		"the last byte":   content[:n-1] + string(rune(content[n-1]&0x3f^1)),
		"a shorter file":  content[:n-1],
		"a longer file":   content + "x",
		"an empty file":   "",
		"the second file": strings.Repeat("x", n),
	}
}

func TestUploadOfPresentFile(t *testing.T) {
	for _, overwrite := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			p := newPresence(t)
			p.Overwrite = overwrite
			for range 2 {
				info, err := p.upload("file", p.content)
				p.wantPresent(info, err, p.content)
			}
			if info, err := p.upload("empty", ""); err != nil || info.Present == overwrite {
				t.Errorf("Upload of an empty file: %+v, %v", info, err)
			}
			p.wantUsable()
		})
	}
}

func TestUploadKeepsOtherFile(t *testing.T) {
	for name, other := range others(random(presentSize)) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPresence(t)
				info, err := p.upload("file", other)
				wantError(t, err, fs.ErrExist)
				if info.Present {
					t.Errorf("got %+v", info)
				}
				p.wantNoContent()
				p.wantUsable()
				if readFile(t, filepath.Join(p.remote, "file")) != p.content {
					t.Error("the file was replaced")
				}
				p.Overwrite = true
				if info, err := p.upload("file", other); err != nil || info.Present || readFile(t, filepath.Join(p.remote, "file")) != other {
					t.Errorf("with Overwrite: %+v, %v", info, err)
				}
				p.wantUsable()
			})
		})
	}
}

// An upload that replaces a file resumes, rather than to compare the files.
func TestUploadResumesReplacement(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPresence(t)
		other := strings.Repeat("x", presentSize)
		writeFile(t, filepath.Join(p.remote, "file.part"), other[:presentSize-10])
		p.Overwrite = true
		if info, err := p.upload("file", other); err != nil || info.Present || readFile(t, filepath.Join(p.remote, "file")) != other {
			t.Errorf("got %+v, %v", info, err)
		}
		p.wantNoContent()
	})
}

func TestPutOfPresentFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPresence(t)
		for name, content := range map[string]string{"file": p.content, "empty": ""} {
			before, err := os.Stat(filepath.Join(p.remote, name))
			if err != nil {
				t.Fatal(err)
			}
			for _, size := range []int64{-1, int64(len(content))} {
				info, err := p.put(name, content, size)
				if err != nil || !info.Present {
					t.Errorf("%s: %+v, %v", name, info, err)
				}
				wantSum(t, info, content)
				p.wantUsable()
			}
			if after, err := os.Stat(filepath.Join(p.remote, name)); err != nil || !os.SameFile(before, after) || !after.ModTime().Equal(before.ModTime()) {
				t.Errorf("%s was stored: %v, %v", name, after, err)
			}
		}
	})
}

func TestPutKeepsOtherFile(t *testing.T) {
	for name, other := range others(random(presentSize)) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPresence(t)
				for _, size := range []int64{-1, int64(len(other))} {
					info, err := p.put("file", other, size)
					wantError(t, err, fs.ErrExist)
					if info.Present {
						t.Errorf("got %+v", info)
					}
					p.wantUsable()
					if readFile(t, filepath.Join(p.remote, "file")) != p.content {
						t.Error("the file was replaced")
					}
				}
			})
		})
	}
}

// A put stops at the first difference.
func TestPutStopsAtFirstDifference(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPresence(t)
		reader := &pausedReader{strings.NewReader("x")}
		_, err := p.Put(t.Context(), "file", reader, filetransfer.Info{Size: presentSize})
		wantError(t, err, fs.ErrExist)
		p.wantNoContent()
		p.wantUsable()
	})
}

// A pausedReader returns its first bytes, and endless zeros after all other
// goroutines of the test are blocked.
type pausedReader struct{ first io.Reader }

func (r *pausedReader) Read(p []byte) (int, error) {
	if n, err := r.first.Read(p); err == nil {
		return n, nil
	}
	synctest.Wait()
	clear(p)
	return len(p), nil
}

// A repeated upload succeeds after the receipt of the first one was lost.
func TestPutRepeatedAfterLostReceipt(t *testing.T) {
	for name, again := range map[string]func(ctx context.Context, c *filetransfer.Client, local, content string) (filetransfer.Info, error){
		"Upload": func(ctx context.Context, c *filetransfer.Client, local, content string) (filetransfer.Info, error) {
			return c.Upload(ctx, local, "new")
		},
		"Put": func(ctx context.Context, c *filetransfer.Client, local, content string) (filetransfer.Info, error) {
			return c.Put(ctx, "new", strings.NewReader(content), filetransfer.Info{})
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				content := random(presentSize)
				local := filepath.Join(t.TempDir(), "local")
				writeFile(t, local, content)
				uploads := newDir(t, nil)
				s := startServer(t, "pipe", &filetransfer.Server{Uploads: filetransfer.NewDir(uploads)})
				p := s.connectRaw(t)
				p.Go(func() {
					p.send(request("put", "Name: new", "Size: unknown"), message("from"))
					for rest := content; rest != ""; {
						n := min(len(rest), 32<<10)
						p.send(chunk(rest[:n]))
						rest = rest[n:]
					}
					p.send("0\r\n", message("end", "SHA-256: "+sumOf(content)))
				})
				p.readWord("ready")
				p.Wait()
				p.Close() // instead of reading the receipt
				c := filetransfer.NewClient(s.dial())
				info, err := again(t.Context(), c, local, content)
				if err != nil || !info.Present {
					t.Errorf("got %+v, %v", info, err)
				}
				wantSum(t, info, content)
				c.Close()
				wantFiles(t, uploads.Name(), "new")
				s.stop(t)
			})
		})
	}
}

func TestDownloadOfPresentFile(t *testing.T) {
	for _, overwrite := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			p := newPresence(t)
			p.Overwrite = overwrite
			if info, err := p.Download(t.Context(), "file", p.local); err != nil || info.Present {
				t.Errorf("the first Download: %+v, %v", info, err)
			}
			p.conn.read.Store(0)
			for range 2 {
				info, err := p.Download(t.Context(), "file", p.local)
				p.wantPresent(info, err, p.content)
			}
			writeFile(t, p.local, "")
			if info, err := p.Download(t.Context(), "empty", p.local); err != nil || info.Present == overwrite {
				t.Errorf("Download of an empty file: %+v, %v", info, err)
			}
			p.wantUsable()
			wantFiles(t, filepath.Dir(p.local), "local")
		})
	}
}

func TestDownloadKeepsOtherFile(t *testing.T) {
	for name, other := range others(random(presentSize)) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPresence(t)
				writeFile(t, p.local, other)
				info, err := p.Download(t.Context(), "file", p.local)
				wantError(t, err, fs.ErrExist)
				if info.Present || readFile(t, p.local) != other {
					t.Errorf("got %+v", info)
				}
				p.wantNoContent()
				p.wantUsable()
				p.Overwrite = true
				if info, err := p.Download(t.Context(), "file", p.local); err != nil || info.Present || readFile(t, p.local) != p.content {
					t.Errorf("with Overwrite: %+v, %v", info, err)
				}
				p.wantUsable()
				wantFiles(t, filepath.Dir(p.local), "local")
			})
		})
	}
}

func TestPlainDownloadOfPresentFile(t *testing.T) {
	for name, other := range others(random(presentSize)) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				local := filepath.Join(t.TempDir(), "local")
				download := func(name string, overwrite bool) (filetransfer.Info, error) {
					p := newPresence(t)
					p.Plain, p.Overwrite = true, overwrite
					return p.Download(t.Context(), name, local)
				}
				content := random(presentSize)
				writeFile(t, local, content)
				info, err := download("file", false)
				if err != nil || !info.Present {
					t.Errorf("got %+v, %v", info, err)
				}
				wantSum(t, info, content)
				writeFile(t, local, other)
				info, err = download("file", false)
				wantError(t, err, fs.ErrExist)
				if info.Present || readFile(t, local) != other {
					t.Errorf("got %+v", info)
				}
				if info, err := download("file", true); err != nil || info.Present || readFile(t, local) != content {
					t.Errorf("with Overwrite: %+v, %v", info, err)
				}
			})
		})
	}
}

// A file that differs stops a download in the plain dialect early.
func TestPlainDownloadStopsAtDifference(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPresence(t)
		p.Plain = true
		writeFile(t, p.local, "x")
		_, err := p.Download(t.Context(), "file", p.local)
		wantError(t, err, fs.ErrExist)
		if n := p.conn.read.Load(); n >= presentSize { // some was on its way
			t.Errorf("%d bytes were read", n)
		}
		if _, err := p.Download(t.Context(), "file", p.local); !errors.Is(err, net.ErrClosed) && !errors.Is(err, fs.ErrExist) {
			t.Errorf("the second call: %v", err)
		}
	})
}

// sumOf returns the checksum of content in hexadecimal.
func sumOf(content string) string {
	sum := sha256.Sum256([]byte(content))
	return hex.EncodeToString(sum[:])
}

// A server that offers other bytes than the whole file as present is refused.
func TestUploadRefusesPresenceOfPart(t *testing.T) {
	for name, fields := range map[string][]string{
		"no offset":       {"Present: yes"},
		"a part":          {"Present: yes", "Offset: 4", "SHA-256: " + sumOf("hell")},
		"a longer file":   {"Present: yes", "Offset: 6", "SHA-256: " + sumOf("hello!")},
		"without its sum": {"Present: yes", "Offset: 5"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				local := filepath.Join(t.TempDir(), "local")
				writeFile(t, local, "hello")
				conn := rawServer(t, func(p *rawPeer) {
					p.send(filetransfer.Prompt)
					p.readWord("put")
					p.send(message("ready", fields...))
					if word, from := p.readBlockOrEnd(); word != "" {
						p.send(message("ok", "SHA-256: "+from.Get("SHA-256"), "Present: yes"))
					}
				})
				info, err := filetransfer.NewClient(conn).Upload(t.Context(), local, "file")
				wantError(t, err, filetransfer.ErrCorrupt)
				if info.Present {
					t.Errorf("got %+v", info)
				}
			})
		})
	}
}

// The answers of a client to a file that the server has.
var presentAnswers = map[string]struct {
	resume bool
	from   []string
	want   string
	closes bool
}{
	"equal":            {true, []string{"Offset: 5", "SHA-256: " + sumOfHello}, "ok", false},
	"another checksum": {true, []string{"Offset: 5", "SHA-256: " + sumOfNothing}, "corrupt", true},
	"a part":           {true, []string{"Offset: 4", "SHA-256: " + sumOf("hell")}, "corrupt", true},
	"no offset":        {true, nil, "exist", false},
	"compared, offset": {false, []string{"Offset: 5", "SHA-256: " + sumOfHello}, "corrupt", true},
	"compared":         {false, nil, "exist", false},
}

func TestServerOffersPresentFile(t *testing.T) {
	for name, answer := range presentAnswers {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				uploads := newDir(t, map[string]string{"file": "hello"})
				s := startServer(t, "pipe", &filetransfer.Server{FS: offered(), Uploads: filetransfer.NewDir(uploads)})
				p := s.connectRaw(t)
				resume := map[bool]string{true: "yes", false: "no"}[answer.resume]
				p.send(request("put", "Name: file", "Size: 5", "Resume: "+resume))
				if fields := p.readWord("ready"); (fields.Get("Present") == "yes") != answer.resume || fields.Get("Replace") != "" {
					t.Errorf("ready with %v", fields)
				}
				p.send(message("from", answer.from...))
				p.Go(func() {
					if answer.from == nil {
						p.send(chunk("other"), "0\r\n", message("end", "SHA-256: "+sumOf("other")))
					}
				})
				p.readWord(answer.want)
				p.Wait()
				if !answer.closes {
					p.send(request("stat", "Name: a.txt"))
					p.readWord("ok")
				} else if rest := p.readRest(); rest != "" {
					t.Errorf("after the error: %q", rest)
				}
				p.Close()
				wantFiles(t, uploads.Name(), "file")
				if got := readFile(t, filepath.Join(uploads.Name(), "file")); got != "hello" {
					t.Errorf("the file has %q", got)
				}
				s.wantServing(t)
				s.stop(t)
			})
		})
	}
}

func TestServerLogsPresentFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		local, root := filepath.Join(t.TempDir(), "local"), newDir(t, map[string]string{"file": "content"})
		writeFile(t, local, "content")
		s := startServer(t, "pipe", &filetransfer.Server{FS: root.FS(), Uploads: filetransfer.NewDir(root)})
		client := filetransfer.NewClient(s.dial())
		if _, err := client.Download(t.Context(), "file", local); err != nil {
			t.Error(err)
		}
		if _, err := client.Upload(t.Context(), local, "file"); err != nil {
			t.Error(err)
		}
		client.Close()
		s.stop(t)
		log := s.log.String()
		for _, want := range []string{`msg="client already has" client=pipe name=file`, `msg="server already has" client=pipe name=file`} {
			if !strings.Contains(log, want) {
				t.Errorf("the log is\n%s\nwant %s", log, want)
			}
		}
		if strings.Contains(log, "msg=sen") || strings.Contains(log, "msg=receiv") {
			t.Errorf("the log is\n%s", log)
		}
	})
}
