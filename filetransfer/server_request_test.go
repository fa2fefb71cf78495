package filetransfer_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/go-rfcomm/rfcomm/filetransfer"
)

// requests records requests.
type requests struct {
	mu   sync.Mutex
	list []filetransfer.Request
}

func (r *requests) add(request filetransfer.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.list = append(r.list, request)
}

func (r *requests) want(t *testing.T, want ...filetransfer.Request) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.list) != len(want) {
		t.Fatalf("the requests are %+v, want %+v", r.list, want)
	}
	for i, got := range r.list {
		if !got.Info.ModTime.Equal(want[i].Info.ModTime) {
			t.Errorf("request %d has the time %v, want %v", i, got.Info.ModTime, want[i].Info.ModTime)
		}
		got.Info.ModTime = want[i].Info.ModTime
		if !reflect.DeepEqual(got, want[i]) {
			t.Errorf("request %d is %+v, want %+v", i, got, want[i])
		}
	}
}

// sumBytes returns the checksum of content.
func sumBytes(content string) []byte {
	sum := sha256.Sum256([]byte(content))
	return sum[:]
}

// eachMethod calls each method for one file on a new connection.
func eachMethod(t *testing.T, dial func() net.Conn) map[string]error {
	t.Helper()
	local := filepath.Join(t.TempDir(), "local")
	writeFile(t, local, "hello")
	errs := make(map[string]error)
	for name, call := range map[string]func(c *filetransfer.Client) error{
		"stat": func(c *filetransfer.Client) error { _, err := c.Stat(t.Context(), "sub/a.txt"); return err },
		"list": func(c *filetransfer.Client) error { _, err := c.List(t.Context(), "sub"); return err },
		"get":  func(c *filetransfer.Client) error { _, err := c.Get(t.Context(), "sub/a.txt", io.Discard); return err },
		"put": func(c *filetransfer.Client) error {
			return doPut(t.Context(), c, "sub/b.txt", strings.NewReader("hello"), filetransfer.Info{Size: 5})
		},
		"upload": func(c *filetransfer.Client) error { return doUpload(t.Context(), c, local, "sub/c.txt") },
		"range": func(c *filetransfer.Client) error {
			f, err := c.FS(t.Context()).Open("sub/a.txt")
			if err != nil {
				return err
			}
			defer f.Close()
			_, err = f.(io.ReaderAt).ReadAt(make([]byte, 3), 1)
			return err
		},
		"plain": func(c *filetransfer.Client) error {
			c.Plain = true
			_, err := c.Get(t.Context(), "sub/a.txt", io.Discard)
			return err
		},
	} {
		c := filetransfer.NewClient(dial())
		c.Busy = func() {}
		errs[name] = call(c)
		c.Close()
	}
	return errs
}

func newSubServer(t testing.TB) *filetransfer.Server {
	root := newDir(t, map[string]string{"sub/a.txt": "hello"})
	dir := filetransfer.NewDir(root)
	return &filetransfer.Server{FS: dir, Uploads: dir}
}

func TestAllowRefusesRequests(t *testing.T) {
	for name, test := range map[string]struct {
		err, want error
		text      string
	}{
		"any error":         {errors.New("the user said no"), filetransfer.ErrRefused, "the user said no"},
		"an error of fs":    {fs.ErrNotExist, fs.ErrNotExist, "does not exist"},
		"a wrapped error":   {fmt.Errorf("only PDF: %w", filetransfer.ErrRefused), filetransfer.ErrRefused, "only PDF"},
		"an error of files": {&fs.PathError{Op: "open", Path: "/secret", Err: errors.New("broken")}, filetransfer.ErrRefused, "broken"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := newSubServer(t)
				server.Allow = func(filetransfer.Request) error { return test.err }
				s := startServer(t, "pipe", server)
				for method, err := range eachMethod(t, s.dial) {
					if !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.text) || strings.Contains(err.Error(), "/secret") {
						t.Errorf("%s: %v, want %v", method, err, test.want)
					}
				}
				if _, err := server.FS.Open("sub/b.txt"); !errors.Is(err, fs.ErrNotExist) {
					t.Errorf("something was stored: %v", err)
				}
				s.stop(t)
			})
		})
	}
}

func TestAllowIsAskedForRanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newSubServer(t)
		server.Allow = func(r filetransfer.Request) error {
			if r.Method == "get" {
				return filetransfer.ErrRefused
			}
			return nil
		}
		s := startServer(t, "pipe", server)
		for method, err := range eachMethod(t, s.dial) {
			reads := method == "get" || method == "range" || method == "plain"
			if reads != errors.Is(err, filetransfer.ErrRefused) {
				t.Errorf("%s: %v", method, err)
			}
		}
		s.stop(t)
	})
}

func TestAllowDescribesRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newSubServer(t)
		server.Replace = true
		var asked, received requests
		server.Allow = func(r filetransfer.Request) error { asked.add(r); return nil }
		server.Received = received.add
		client, conn := net.Pipe()
		serveOn(t, server, client, conn)
		c := filetransfer.NewClient(client)
		defer c.Close()
		changed := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
		info := filetransfer.Info{Size: 5, Mode: 0o640, ModTime: changed}
		if _, err := c.Stat(t.Context(), "."); err != nil {
			t.Error(err)
		}
		if _, err := c.List(t.Context(), "sub"); err != nil {
			t.Error(err)
		}
		if _, err := c.Get(t.Context(), "sub/a.txt", io.Discard); err != nil {
			t.Error(err)
		}
		if err := doPut(t.Context(), c, "new", strings.NewReader("hello"), info); err != nil {
			t.Error(err)
		}
		c.Overwrite = true
		if err := doPut(t.Context(), c, "new", strings.NewReader("hallo"), info); err != nil {
			t.Error(err)
		}
		wantError(t, doPut(t.Context(), c, "../escape", strings.NewReader("hello"), info), fs.ErrInvalid)
		announced := filetransfer.Info{Name: "new", Size: 5, Mode: 0o640, ModeKnown: true, ModTime: changed}
		asked.want(t,
			filetransfer.Request{Method: "stat", Name: ".", Client: conn.RemoteAddr()},
			filetransfer.Request{Method: "list", Name: "sub", Client: conn.RemoteAddr()},
			filetransfer.Request{Method: "get", Name: "sub/a.txt", Client: conn.RemoteAddr()},
			filetransfer.Request{Method: "put", Name: "new", Client: conn.RemoteAddr(), Info: announced},
			filetransfer.Request{Method: "put", Name: "new", Client: conn.RemoteAddr(), Info: announced, Replace: true},
		)
		first, second := announced, announced
		first.SHA256, second.SHA256 = sumBytes("hello"), sumBytes("hallo")
		received.want(t,
			filetransfer.Request{Method: "put", Name: "new", Client: conn.RemoteAddr(), Info: first},
			filetransfer.Request{Method: "put", Name: "new", Client: conn.RemoteAddr(), Info: second, Replace: true, Replaced: true},
		)
	})
}

func TestAllowDescribesPlainRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newSubServer(t)
		var asked requests
		server.Allow = func(r filetransfer.Request) error { asked.add(r); return nil }
		client, conn := net.Pipe()
		serveOn(t, server, client, conn)
		if _, err := fetch(t.Context(), client, "sub/a.txt", io.Discard); err != nil {
			t.Error(err)
		}
		asked.want(t, filetransfer.Request{Method: "get", Name: "sub/a.txt", Client: conn.RemoteAddr(), Plain: true})
	})
}

func TestAllowMayTakeLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newSubServer(t)
		server.Allow = func(filetransfer.Request) error { time.Sleep(5 * time.Minute); return nil }
		server.Received = func(filetransfer.Request) { time.Sleep(5 * time.Minute) }
		s := startServer(t, "pipe", server)
		for method, err := range eachMethod(t, s.dial) {
			if method != "plain" && err != nil {
				t.Errorf("%s: %v", method, err)
			}
		}
		time.Sleep(10 * time.Minute) // until the hooks have returned
		s.stop(t)
	})
}

func TestReceivedOnlyAfterUploadIsStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newSubServer(t)
		var received requests
		server.Received = func(r filetransfer.Request) {
			received.add(r)
			if _, err := server.FS.Open(r.Name); err != nil {
				t.Errorf("the file is not there: %v", err)
			}
		}
		server.MaxUpload = 100
		client, conn := net.Pipe()
		serveOn(t, server, client, conn)
		c := filetransfer.NewClient(client)
		defer c.Close()
		if err := doPut(t.Context(), c, "bad", strings.NewReader("hello"), filetransfer.Info{Size: 6}); err == nil {
			t.Error("an incomplete put succeeded")
		}
		wantError(t, doPut(t.Context(), c, "large", strings.NewReader(random(200)), filetransfer.Info{Size: 200}), filetransfer.ErrTooLarge)
		received.want(t)
		if err := doPut(t.Context(), c, "good", strings.NewReader("hello"), filetransfer.Info{Size: -1}); err != nil {
			t.Error(err)
		}
		received.want(t, filetransfer.Request{
			Method: "put", Name: "good", Client: conn.RemoteAddr(),
			Info: filetransfer.Info{Name: "good", Size: 5, SHA256: sumBytes("hello")},
		})
	})
}

func TestReplaceIsRefusedByDefault(t *testing.T) {
	for name, overwrite := range map[string]bool{"asked for": true, "not asked for": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				root := newDir(t, map[string]string{"old": "hello", "other": "other"})
				s := startServer(t, "pipe", &filetransfer.Server{FS: root.FS(), Uploads: filetransfer.NewDir(root)})
				c := filetransfer.NewClient(s.dial())
				defer c.Close()
				c.Overwrite = overwrite
				want := fs.ErrExist
				if overwrite {
					want = filetransfer.ErrRefused
				}
				local := filepath.Join(t.TempDir(), "local")
				for _, content := range []string{"evil!", "evil content"} { // of the same and of another size
					writeFile(t, local, content)
					wantError(t, doUpload(t.Context(), c, local, "old"), want)
					for _, size := range []int64{int64(len(content)), -1} {
						wantError(t, doPut(t.Context(), c, "old", strings.NewReader(content), filetransfer.Info{Size: size}), want)
					}
				}
				if got := readFile(t, filepath.Join(root.Name(), "old")); got != "hello" {
					t.Errorf("the file has the content %q", got)
				}
				if err := doPut(t.Context(), c, "new", strings.NewReader("new"), filetransfer.Info{Size: 3}); err != nil {
					t.Errorf("a new file: %v", err)
				}
				if err := doPut(t.Context(), c, "old", strings.NewReader("hello"), filetransfer.Info{Size: 5}); err != nil {
					t.Errorf("the same content: %v", err)
				}
				wantFiles(t, root.Name(), "new", "old", "other")
				s.stop(t)
			})
		})
	}
}

func TestServerLogsReplacedFiles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		root := newDir(t, map[string]string{"old": "hello"})
		s := startServer(t, "pipe", &filetransfer.Server{FS: root.FS(), Uploads: filetransfer.NewDir(root), Replace: true})
		c := filetransfer.NewClient(s.dial())
		defer c.Close()
		c.Overwrite = true
		for _, name := range []string{"old", "new"} {
			if err := doPut(t.Context(), c, name, strings.NewReader("hallo"), filetransfer.Info{Size: 5}); err != nil {
				t.Error(err)
			}
		}
		s.stop(t)
		for line := range strings.Lines(s.log.String()) {
			if strings.Contains(line, "msg=received") && strings.Contains(line, "replaced=true") != strings.Contains(line, "name=old") {
				t.Errorf("the log has the line %s", line)
			}
		}
		if !strings.Contains(s.log.String(), "replaced=true") {
			t.Errorf("the log is\n%s", s.log)
		}
	})
}

func TestServerLogsBeginOfTransfer(t *testing.T) {
	for name, want := range map[string]string{"get": "msg=sending client=pipe name=large.bin size=300000", "plain Get": "msg=sending client=pipe name=large.bin size=300000", "put": "msg=receiving client=pipe name=large.bin size=300000"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, h, _, finished := startHeld(t, name)
				if log := s.log.String(); !strings.Contains(log, want) || strings.Contains(log, "msg=sent") || strings.Contains(log, "msg=received") {
					t.Errorf("the log is\n%s\nwant %s", log, want)
				}
				h.unblock()
				if err := <-finished; err != nil {
					t.Error(err)
				}
				s.stop(t)
			})
		})
	}
}

func TestServerLogsTenFailuresOfSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startServer(t, "pipe", &filetransfer.Server{FS: offered()})
		p := s.connectRaw(t)
		for range 1000 {
			p.send(request("get", "Name: missing"))
			p.readWord("not-exist")
		}
		p.Close()
		synctest.Wait()
		if n := strings.Count(s.log.String(), "request failed"); n != 10 || !strings.Contains(s.log.String(), "count=990") {
			t.Errorf("%d failures are logged, want 10 and the number of the others:\n%s", n, s.log)
		}
		s.wantServing(t) // another session logs its own
		s.stop(t)
	})
}

// hiddenFiles has hidden files and such that are not.
var hiddenFiles = fstest.MapFS{
	"a.txt":         {Data: []byte("hello")},
	".bashrc":       {Data: []byte("hello")},
	".ssh/id":       {Data: []byte("hello")},
	"sub/.hidden":   {Data: []byte("hello")},
	"sub/a.b":       {Data: []byte("hello")},
	"sub/.git/HEAD": {Data: []byte("hello")},
}

func TestHiddenFilesAreNotServed(t *testing.T) {
	for _, shown := range []bool{false, true} {
		t.Run(fmt.Sprint(shown), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := startServer(t, "pipe", &filetransfer.Server{FS: hiddenFiles, Hidden: shown})
				c := filetransfer.NewClient(s.dial())
				defer c.Close()
				c.Busy = func() {}
				check := func(what string, err error) {
					t.Helper()
					if shown && err != nil || !shown && !errors.Is(err, fs.ErrNotExist) {
						t.Errorf("%s: %v", what, err)
					}
				}
				for _, name := range []string{".bashrc", ".ssh/id", "sub/.hidden", "sub/.git/HEAD"} {
					_, err := c.Stat(t.Context(), name)
					check("stat "+name, err)
					_, err = c.Get(t.Context(), name, io.Discard)
					check("get "+name, err)
				}
				for _, name := range []string{".ssh", "sub/.git"} {
					_, err := c.List(t.Context(), name)
					check("list "+name, err)
				}
				want := map[string]int{".": 2, "sub": 1}
				if shown {
					want = map[string]int{".": 4, "sub": 3}
				}
				for dir, n := range want {
					if infos, err := c.List(t.Context(), dir); err != nil || len(infos) != n {
						t.Errorf("%s has the entries %+v, %v, want %d", dir, infos, err, n)
					}
				}
				c.Close()
				conn := s.dial()
				_, err := fetch(t.Context(), conn, ".bashrc", io.Discard)
				check("plain get", err)
				conn.Close()
				s.wantServing(t)
				s.stop(t)
			})
		})
	}
}

func TestHiddenFilesAreNotAccepted(t *testing.T) {
	for _, accepted := range []bool{false, true} {
		t.Run(fmt.Sprint(accepted), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				root := newDir(t, map[string]string{"sub/a.txt": "hello", ".ssh/id": "hello", ".bashrc": "hello"})
				s := startServer(t, "pipe", &filetransfer.Server{Uploads: filetransfer.NewDir(root), Hidden: accepted, Replace: true})
				c := filetransfer.NewClient(s.dial())
				defer c.Close()
				c.Overwrite = true
				for _, name := range []string{".bashrc", ".profile", ".ssh/authorized_keys", "sub/.hidden"} {
					err := doPut(t.Context(), c, name, strings.NewReader("evil"), filetransfer.Info{Size: 4})
					if accepted && err != nil || !accepted && !errors.Is(err, filetransfer.ErrRefused) {
						t.Errorf("%s: %v", name, err)
					}
				}
				if got := readFile(t, filepath.Join(root.Name(), ".bashrc")); !accepted && got != "hello" {
					t.Errorf(".bashrc has the content %q", got)
				}
				s.stop(t)
			})
		})
	}
}
