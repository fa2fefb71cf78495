package filetransfer_test

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/go-rfcomm/rfcomm/filetransfer"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

// A slowConn reads or writes a limited number of bytes per tick.
type slowConn struct {
	net.Conn
	bytes int
	tick  time.Duration
}

// newSlowConn returns a slowConn. The test ends when its last Read has returned.
func newSlowConn(t testing.TB, c net.Conn, bytes int, tick time.Duration) slowConn {
	t.Cleanup(func() { time.Sleep(tick + 1) })
	return slowConn{c, bytes, tick}
}

func (c slowConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p[:min(len(p), c.bytes)])
	time.Sleep(c.tick)
	return n, err
}

func TestIdleTimeoutKeepsSlowPeers(t *testing.T) {
	content := random(200_000)
	// A peer reads a little more than a chunk of 32 KiB within the idle timeout.
	for name, transfer := range map[string]func(t *testing.T, c net.Conn) (got string, err error){
		"get": func(t *testing.T, conn net.Conn) (string, error) {
			var got bytes.Buffer
			info, err := filetransfer.NewClient(conn).Get(t.Context(), "file", &got)
			wantSum(t, info, content)
			return got.String(), err
		},
		"plain Get": func(t *testing.T, conn net.Conn) (string, error) {
			var got bytes.Buffer
			_, err := fetch(t.Context(), conn, "file", &got)
			return got.String(), err
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client, server := net.Pipe()
				s := serveOn(t, &filetransfer.Server{FS: newDir(t, map[string]string{"file": content}).FS()}, client, server)
				began := time.Now()
				got, err := transfer(t, newSlowConn(t, client, 2<<10, 1750*time.Millisecond))
				if err != nil || got != content {
					t.Errorf("%d bytes came: %v", len(got), err)
				}
				if took := time.Since(began); took < 2*time.Minute {
					t.Errorf("it took only %v", took)
				}
				client.Close()
				if err := <-s.err; err != nil {
					t.Errorf("ServeConn: %v", err)
				}
			})
		})
	}
	t.Run("put", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			uploads := newDir(t, nil)
			client, server := net.Pipe()
			s := serveOn(t, &filetransfer.Server{Uploads: filetransfer.NewDir(uploads)}, client, newSlowConn(t, server, 2<<10, 1750*time.Millisecond))
			c := filetransfer.NewClient(client)
			if err := doPut(t.Context(), c, "file", strings.NewReader(content), filetransfer.Info{Size: int64(len(content))}); err != nil {
				t.Error(err)
			}
			if got := readFile(t, filepath.Join(uploads.Name(), "file")); got != content {
				t.Errorf("%d bytes came", len(got))
			}
			c.Close()
			if err := <-s.err; err != nil {
				t.Errorf("ServeConn: %v", err)
			}
		})
	})
}

func TestIdleTimeoutDropsPeersTooSlow(t *testing.T) {
	for name, test := range map[string]struct {
		bytes int
		tick  time.Duration
	}{
		"a byte at a time":            {1, time.Second},
		"a little less than enough":   {1023, 30 * time.Second},
		"much, but after a long time": {2 << 10, 31 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client, server := net.Pipe()
				s := serveOn(t, &filetransfer.Server{FS: offered()}, client, server)
				p := newRawPeer(t, client)
				p.expect(filetransfer.Prompt)
				p.send("large\n")
				reading := hosttest.InBackground(func() error {
					_, err := io.Copy(io.Discard, newSlowConn(t, client, test.bytes, test.tick))
					return err
				})
				if err := <-s.err; !errors.Is(err, os.ErrDeadlineExceeded) {
					t.Errorf("ServeConn: %v", err)
				}
				if err := <-reading; err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestIdleTimeoutIsTheOneSet(t *testing.T) {
	for _, idle := range []time.Duration{0, time.Millisecond, time.Second, time.Hour} {
		want := idle
		if idle == 0 {
			want = 30 * time.Second
		}
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			client, server := net.Pipe()
			p := newRawPeer(t, client)
			s := serveOn(t, &filetransfer.Server{IdleTimeout: idle}, client, server)
			p.expect(filetransfer.Prompt)
			p.Go(func() { p.readRest() })
			if err := <-s.err; !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("ServeConn: %v", err)
			}
			if took := time.Since(began); took != want {
				t.Errorf("the server waits for %v, want %v", took, want)
			}

			began = time.Now()
			c := filetransfer.NewClient(rawServer(t, func(p *rawPeer) { p.readRest() }))
			c.IdleTimeout = idle
			wantError(t, get(t.Context(), c), os.ErrDeadlineExceeded)
			if took := time.Since(began); took != want {
				t.Errorf("the client waits for %v, want %v", took, want)
			}
			p.Wait()
		})
	}
}

func TestIdleTimeoutKeepsClientThatAsks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, "pipe", &filetransfer.Server{FS: offered()})
		c := filetransfer.NewClient(s.conn)
		for range 100 {
			if err := get(t.Context(), c); err != nil {
				t.Fatal(err)
			}
			time.Sleep(30*time.Second - 1)
		}
		c.Close()
		if err := <-s.err; err != nil {
			t.Errorf("ServeConn: %v", err)
		}
	})
}

func TestIdleTimeoutIsReportedToClient(t *testing.T) {
	for _, network := range sockets {
		t.Run(network, func(t *testing.T) {
			t.Parallel()
			s := serve(t, network, &filetransfer.Server{FS: offered(), IdleTimeout: 200 * time.Millisecond})
			c := filetransfer.NewClient(s.conn)
			_, err := c.Stat(t.Context(), "a.txt")
			if served := hosttest.Receive(t, s.err); !errors.Is(served, os.ErrDeadlineExceeded) {
				t.Errorf("ServeConn: %v", served)
			}
			if err == nil {
				_, err = c.Stat(t.Context(), "a.txt")
			}
			wantError(t, err, os.ErrDeadlineExceeded)
			if err == nil || !strings.Contains(err.Error(), "the server reports") {
				t.Errorf("the error is %v", err)
			}
			// It was the last message of the server.
			if _, err := c.Stat(t.Context(), "a.txt"); err == nil {
				t.Error("the connection works")
			}
		})
	}
}

// A slowFS pauses in each Read.
type slowFS struct {
	fstest.MapFS
	pause time.Duration
}

func (f slowFS) Open(name string) (fs.File, error) {
	file, err := f.MapFS.Open(name)
	return slowFile{file, f.pause}, err
}

type slowFile struct {
	fs.File
	pause time.Duration
}

func (f slowFile) Read(p []byte) (int, error) {
	time.Sleep(f.pause)
	return f.File.Read(p)
}

func TestIdleTimeoutAllowsLongHashing(t *testing.T) {
	content := random(400_000)
	for _, idle := range []time.Duration{100 * time.Millisecond, time.Second, 5 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			pause := idle - time.Millisecond // for each of more than ten pieces
			files := slowFS{fstest.MapFS{"file": {Data: []byte(content)}}, pause}
			s := serve(t, "pipe", &filetransfer.Server{FS: files, IdleTimeout: idle})
			c := filetransfer.NewClient(s.conn)
			c.IdleTimeout = idle
			local := filepath.Join(t.TempDir(), "local")
			writeFile(t, local+".part", content[:350_000])
			began := time.Now()
			info, err := c.Download(t.Context(), "file", local)
			if err != nil {
				t.Fatal(err)
			}
			wantSum(t, info, content)
			if took := time.Since(began); took < 10*pause {
				t.Errorf("it took only %v", took)
			}
			c.Close()
			if err := <-s.err; err != nil {
				t.Errorf("ServeConn: %v", err)
			}
		})
	}
}

func TestIdleTimeoutAllowsWaitBlocks(t *testing.T) {
	const long = 300 // seconds, with one message per second
	patience := func(p *rawPeer, wait string) {
		for range long {
			p.send(wait)
			time.Sleep(time.Second)
		}
	}
	for name, server := range map[string]func(p *rawPeer){
		"before an answer": func(p *rawPeer) {
			p.readWord("get")
			patience(p, message("wait"))
			p.send(message("ok", "Size: 5"), chunk("hello"), "0\r\n", message("end", "SHA-256: "+sumOfHello))
			p.readWord("ok")
		},
		"before an answer, after a while": func(p *rawPeer) {
			p.readWord("get")
			time.Sleep(29 * time.Second)
			patience(p, message("wait")) // and after a second
			time.Sleep(28 * time.Second)
			p.send(message("ok", "Size: 5"), chunk("hello"), "0\r\n", message("end", "SHA-256: "+sumOfHello))
			p.readWord("ok")
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := filetransfer.NewClient(rawServer(t, withPrompt(server)))
				defer c.Close()
				began := time.Now()
				if err := get(t.Context(), c); err != nil {
					t.Error(err)
				}
				if took := time.Since(began); took < long*time.Second {
					t.Errorf("it took only %v", took)
				}
			})
		})
	}
	t.Run("before a receipt", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c := filetransfer.NewClient(rawServer(t, withPrompt(func(p *rawPeer) {
				p.readWord("put")
				patience(p, message("wait"))
				p.send(message("ready"))
				p.readWord("from")
				p.readContent()
				p.readWord("end")
				time.Sleep(29 * time.Second)
				patience(p, message("wait"))
				p.send(message("ok", "SHA-256: "+sumOfHello))
			})))
			defer c.Close()
			if err := doPut(t.Context(), c, "new", strings.NewReader("hello"), filetransfer.Info{Size: 5}); err != nil {
				t.Error(err)
			}
		})
	})
	t.Run("by the server", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			uploads := newDir(t, nil)
			s := startServer(t, "pipe", &filetransfer.Server{FS: offered(), Uploads: filetransfer.NewDir(uploads)})
			p := s.connectRaw(t)
			patience(p, request("wait"))
			p.send(request("get", "Name: a.txt"))
			p.readWord("ok")
			p.expect(chunk("hello") + "0\r\n")
			p.readWord("end")
			patience(p, message("wait"))
			p.send(message("ok"))
			patience(p, request("wait"))
			p.send(put("Size: 5"))
			p.readWord("ready")
			patience(p, message("wait"))
			p.send(message("from"), chunk("hello"), "0\r\n", message("end", "SHA-256: "+sumOfHello))
			p.readWord("ok")
			p.Close()
			s.wantServing(t)
			if strings.Contains(s.log.String(), "dropped") {
				t.Errorf("the log is\n%s", s.log)
			}
			s.stop(t)
		})
	})
}

// A slowWriter pauses in each Write.
type slowWriter struct {
	bytes.Buffer
	pause time.Duration
}

func (w *slowWriter) Write(p []byte) (int, error) {
	time.Sleep(w.pause)
	return w.Buffer.Write(p)
}

func TestIdleTimeoutExcludesTimeOfWriter(t *testing.T) {
	content := random(200_000)
	for name, transfer := range map[string]func(t *testing.T, conn net.Conn, w io.Writer) error{
		"get": func(t *testing.T, conn net.Conn, w io.Writer) error {
			c := filetransfer.NewClient(conn)
			c.IdleTimeout = time.Second
			_, err := c.Get(t.Context(), "file", w)
			return err
		},
		"plain Get": func(t *testing.T, conn net.Conn, w io.Writer) error {
			_, err := fetch(t.Context(), conn, "file", w)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := serve(t, "pipe", &filetransfer.Server{FS: fstest.MapFS{"file": {Data: []byte(content)}}, IdleTimeout: longIdle})
				w := &slowWriter{pause: time.Minute}
				if err := transfer(t, s.conn, w); err != nil || w.String() != content {
					t.Errorf("%d bytes came: %v", w.Len(), err)
				}
			})
		})
	}
}
