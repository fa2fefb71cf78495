package filetransfer_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/go-rfcomm/rfcomm/filetransfer"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

// longIdle is an idle timeout that never expires.
const longIdle = time.Hour

// A stuck reader or writer reports that it was called and then blocks.
type stuck struct {
	called  chan struct{}
	release chan struct{}
	once    sync.Once
	passes  atomic.Bool // whether later calls return
}

func newStuck(t testing.TB) *stuck {
	s := &stuck{called: make(chan struct{}), release: make(chan struct{})}
	t.Cleanup(s.unblock)
	return s
}

// unblock lets the blocked call return.
func (s *stuck) unblock() { s.once.Do(func() { close(s.release) }) }

func (s *stuck) wait() {
	if s.passes.Load() {
		return
	}
	select {
	case <-s.called:
	default:
		close(s.called)
	}
	<-s.release
}

func (s *stuck) Read([]byte) (int, error) { s.wait(); return 0, io.EOF }

func (s *stuck) Write(p []byte) (int, error) { s.wait(); return len(p), nil }

// A blockedCall is a call that waits for its peer.
type blockedCall struct {
	server func(p *rawPeer)                                        // returns when it neither reads nor sends any more
	call   func(ctx context.Context, c *filetransfer.Client) error // blocks there
}

func get(ctx context.Context, c *filetransfer.Client) error {
	_, err := c.Get(ctx, "a.txt", io.Discard)
	return err
}

func putMuch(ctx context.Context, c *filetransfer.Client) error {
	return doPut(ctx, c, "new", endless{}, filetransfer.Info{Size: -1})
}

// An endless reader never ends.
type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

var standstills = map[string]blockedCall{
	"before the prompt": {func(p *rawPeer) {}, get},
	"in the prompt":     {func(p *rawPeer) { p.send("Enter") }, get},
	"before an answer":  {withPrompt(func(p *rawPeer) { p.readWord("get") }), get},
	"in an answer":      {withPrompt(func(p *rawPeer) { p.readWord("get"); p.send("filetransfer/1 ok") }), get},
	"before content":    {withPrompt(func(p *rawPeer) { p.readWord("get"); p.send(message("ok", "Size: 9")) }), get},
	"in content": {
		withPrompt(func(p *rawPeer) { p.readWord("get"); p.send(message("ok", "Size: 9"), chunk("hello")) }), get,
	},
	"before the end of content": {
		withPrompt(func(p *rawPeer) { p.readWord("get"); p.send(message("ok", "Size: 5"), chunk("hello"), "0\r\n") }), get,
	},
	"in a download": {
		withPrompt(func(p *rawPeer) { p.readWord("get"); p.send(message("ok", "Size: 9"), chunk("hello")) }),
		func(ctx context.Context, c *filetransfer.Client) error {
			dir, err := os.MkdirTemp("", "")
			if err != nil {
				return err
			}
			defer os.RemoveAll(dir)
			_, err = c.Download(ctx, "a.txt", filepath.Join(dir, "a.txt"))
			return err
		},
	},
	"before a stat": {
		withPrompt(func(p *rawPeer) { p.readWord("stat") }),
		func(ctx context.Context, c *filetransfer.Client) error { _, err := c.Stat(ctx, "a.txt"); return err },
	},
	"in a list": {
		withPrompt(func(p *rawPeer) { p.readWord("list"); p.send(message("ok"), message("entry", "Name: a", "Size: 5")) }),
		func(ctx context.Context, c *filetransfer.Client) error { _, err := c.List(ctx, "."); return err },
	},
	"before an upload may begin": {
		withPrompt(func(p *rawPeer) { p.readWord("put") }),
		func(ctx context.Context, c *filetransfer.Client) error { return doUpload(ctx, c, "doc.go", "new") },
	},
	"in a write": {
		withPrompt(func(p *rawPeer) { p.readWord("put"); p.send(message("ready")); p.readWord("from") }), putMuch,
	},
	"before a receipt": {
		withPrompt(func(p *rawPeer) {
			p.readWord("put")
			p.send(message("ready"))
			p.readWord("from")
			p.readContent()
			p.readWord("end")
		}),
		func(ctx context.Context, c *filetransfer.Client) error {
			return doPut(ctx, c, "new", strings.NewReader("hello"), filetransfer.Info{Size: 5})
		},
	},
	"where it is asked for patience": {
		withPrompt(func(p *rawPeer) { p.readWord("get"); p.send(message("wait")) }), get,
	},
}

// reach starts the call of a client in the background and waits until it
// blocks.
func (s blockedCall) reach(t *testing.T, network string, ctx context.Context) (*filetransfer.Client, <-chan error) {
	t.Helper()
	client, server := networks[network](t)
	p := newRawPeer(t, server)
	p.Go(func() { s.server(p) })
	waiting := &waiting{Conn: client, reads: make(chan struct{})}
	c := filetransfer.NewClient(waiting)
	c.IdleTimeout = longIdle
	t.Cleanup(func() { c.Close() })
	result := hosttest.InBackground(func() error { return s.call(ctx, c) })
	<-waiting.reads
	p.Wait()
	return c, result
}

// A waiting connection reports the first Read.
type waiting struct {
	net.Conn
	reads chan struct{}
	once  sync.Once
}

func (c *waiting) Read(p []byte) (int, error) {
	c.once.Do(func() { close(c.reads) })
	return c.Conn.Read(p)
}

func TestClientContextEndsEveryWait(t *testing.T) {
	for name, where := range standstills {
		for network := range networks {
			t.Run(name+" on "+network, func(t *testing.T) {
				t.Parallel()
				ctx := &ending{Context: t.Context(), done: make(chan struct{})}
				c, result := where.reach(t, network, ctx)
				ctx.end(context.Canceled)
				wantError(t, hosttest.Receive(t, result), context.Canceled)
				wantUnusable(t, c, context.Canceled)
			})
		}
		t.Run(name+" with a deadline", func(t *testing.T) {
			t.Parallel()
			ctx := &ending{Context: t.Context(), done: make(chan struct{})}
			c, result := where.reach(t, "unix", ctx)
			ctx.end(context.DeadlineExceeded)
			wantError(t, hosttest.Receive(t, result), context.DeadlineExceeded)
			wantUnusable(t, c, context.DeadlineExceeded)
		})
	}
}

// An ending context ends when end is called, with any error.
type ending struct {
	context.Context
	done chan struct{}
	err  error
}

func (c *ending) end(err error) {
	c.err = err
	close(c.done)
}

func (c *ending) Done() <-chan struct{} { return c.done }

func (c *ending) Err() error {
	select {
	case <-c.done:
		return c.err
	default:
		return nil
	}
}

// wantUnusable checks that further calls of a client fail, with the reason.
func wantUnusable(t *testing.T, c *filetransfer.Client, why error) {
	t.Helper()
	_, err := c.Stat(t.Context(), "a.txt")
	wantError(t, err, why)
	if err == nil || !strings.Contains(err.Error(), "the connection is unusable") || strings.Contains(err.Error(), "silent") {
		t.Errorf("the next error is %v", err)
	}
}

func TestClientCloseEndsEveryWait(t *testing.T) {
	for name, where := range standstills {
		for network := range networks {
			t.Run(name+" on "+network, func(t *testing.T) {
				t.Parallel()
				c, result := where.reach(t, network, t.Context())
				if err := c.Close(); err != nil {
					t.Error(err)
				}
				wantError(t, hosttest.Receive(t, result), net.ErrClosed)
				wantUnusable(t, c, net.ErrClosed)
			})
		}
	}
}

func TestClientFailsAfterClose(t *testing.T) {
	for network := range networks {
		client, server := networks[network](t)
		defer server.Close()
		c := filetransfer.NewClient(client)
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		c.Close()
		wantUnusable(t, c, net.ErrClosed)
	}
}

func TestClientKeepsConnIfContextEndedBefore(t *testing.T) {
	s := serve(t, "pipe", &filetransfer.Server{FS: offered()})
	c := filetransfer.NewClient(s.conn)
	defer c.Close()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	local := filepath.Join(t.TempDir(), "local")
	for range 2 { // before and after the prompt
		wantError(t, get(ended, c), context.Canceled)
		_, err := c.Stat(ended, "a.txt")
		wantError(t, err, context.Canceled)
		_, err = c.List(ended, ".")
		wantError(t, err, context.Canceled)
		_, err = c.Download(ended, "a.txt", local)
		wantError(t, err, context.Canceled)
		wantError(t, putMuch(ended, c), context.Canceled)
		wantError(t, doUpload(ended, c, "doc.go", "new"), context.Canceled)
		if err := get(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	wantFiles(t, filepath.Dir(local))
	_, err := fetch(ended, s.conn, "a.txt", io.Discard)
	wantError(t, err, context.Canceled)
	if err := get(t.Context(), c); err != nil {
		t.Fatal(err)
	}
}

func TestClientKeepsConnIfContextEndsAfter(t *testing.T) {
	c := filetransfer.NewClient(serve(t, "pipe", &filetransfer.Server{FS: offered()}).conn)
	defer c.Close()
	for range 100 {
		ctx, cancel := context.WithCancel(t.Context())
		if err := get(ctx, c); err != nil {
			t.Fatal(err)
		}
		cancel()
	}
}

func TestClientContextEndsStuckReaderOrWriter(t *testing.T) {
	calls := map[string]func(ctx context.Context, c *filetransfer.Client, s *stuck) error{
		"get": func(ctx context.Context, c *filetransfer.Client, s *stuck) error {
			_, err := c.Get(ctx, "a.txt", s)
			return err
		},
		"put": func(ctx context.Context, c *filetransfer.Client, s *stuck) error {
			return doPut(ctx, c, "new", s, filetransfer.Info{Size: -1})
		},
		"put of a stated size": func(ctx context.Context, c *filetransfer.Client, s *stuck) error {
			return doPut(ctx, c, "new", io.MultiReader(strings.NewReader("hello"), s), filetransfer.Info{Size: 5})
		},
	}
	for name, call := range calls {
		for how, end := range map[string]struct {
			do   func(c *filetransfer.Client, cancel func())
			want error
		}{
			"cancelled": {func(_ *filetransfer.Client, cancel func()) { cancel() }, context.Canceled},
			"closed":    {func(c *filetransfer.Client, _ func()) { c.Close() }, net.ErrClosed},
		} {
			t.Run(name+" "+how, func(t *testing.T) {
				hosttest.LeavesNothingBehind(t, func() {
					uploads := newDir(t, nil)
					service := serve(t, "unix", &filetransfer.Server{FS: offered(), Uploads: filetransfer.NewDir(uploads)})
					c := filetransfer.NewClient(service.conn)
					c.IdleTimeout = longIdle
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					stuck := newStuck(t)
					result := hosttest.InBackground(func() error { return call(ctx, c, stuck) })
					<-stuck.called
					waiting := hosttest.InBackground(func() error { return get(context.Background(), c) })
					end.do(c, cancel)
					wantError(t, hosttest.Receive(t, result), end.want)
					// Calls that waited for it have returned.
					wantError(t, hosttest.Receive(t, waiting), end.want)
					wantUnusable(t, c, end.want)
					// The server has lost its client, even if a call there is
					// stuck.
					if err := hosttest.Receive(t, service.err); err == nil {
						t.Error("the server knows nothing of it")
					}
					stuck.unblock()
					c.Close()
					uploads.Close()
				})
			})
		}
	}
}

func TestClientContextEndsWaitForTurn(t *testing.T) {
	s := serve(t, "pipe", &filetransfer.Server{FS: offered()})
	c := filetransfer.NewClient(s.conn)
	defer c.Close()
	c.IdleTimeout = longIdle
	busy := newStuck(t)
	first := hosttest.InBackground(func() error { _, err := c.Get(t.Context(), "a.txt", busy); return err })
	<-busy.called
	ctx, cancel := context.WithCancel(t.Context())
	second := hosttest.InBackground(func() error { return get(ctx, c) })
	cancel()
	wantError(t, hosttest.Receive(t, second), context.Canceled)
	// Only the second call has failed.
	third := hosttest.InBackground(func() error { return get(t.Context(), c) })
	busy.unblock()
	if err := hosttest.Receive(t, first); err != nil {
		t.Error(err)
	}
	if err := hosttest.Receive(t, third); err != nil {
		t.Error(err)
	}
}

func TestClientConcurrentCallsTakeTurns(t *testing.T) {
	files := contents()
	c := filetransfer.NewClient(serve(t, "unix", &filetransfer.Server{FS: newDir(t, files).FS(), Uploads: filetransfer.NewDir(newDir(t, nil))}).conn)
	defer c.Close()
	var all sync.WaitGroup
	for name, content := range files {
		all.Go(func() {
			var got bytes.Buffer
			if _, err := c.Get(t.Context(), name, &got); err != nil || got.String() != content {
				t.Errorf("%q: %v", name, err)
			}
		})
		all.Go(func() {
			if info, err := c.Stat(t.Context(), name); err != nil || info.Size != int64(len(content)) {
				t.Errorf("%q: %+v, %v", name, info, err)
			}
		})
		all.Go(func() {
			if _, err := c.List(t.Context(), "."); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

func TestClientPlainContextEndsEveryWait(t *testing.T) {
	for name, server := range map[string]func(p *rawPeer){
		"before the prompt":  func(p *rawPeer) {},
		"in the prompt":      func(p *rawPeer) { p.send("Enter") },
		"before the content": withPrompt(func(p *rawPeer) { p.expect("a.txt") }),
		"in the content":     withPrompt(func(p *rawPeer) { p.expect("a.txt"); p.send("hello") }),
		"after the mark":     withPrompt(func(p *rawPeer) { p.expect("a.txt"); p.send("hello" + endMark) }),
		"in an error":        withPrompt(func(p *rawPeer) { p.expect("a.txt"); p.send("Error: file") }),
	} {
		for network := range networks {
			t.Run(name+" on "+network, func(t *testing.T) {
				t.Parallel()
				client, server_ := networks[network](t)
				defer client.Close()
				p := newRawPeer(t, server_)
				ctx, cancel := context.WithCancel(t.Context())
				p.Go(func() { server(p) })
				waiting := &waiting{Conn: client, reads: make(chan struct{})}
				result := hosttest.InBackground(func() error {
					_, err := fetch(ctx, waiting, "a.txt", io.Discard)
					return err
				})
				<-waiting.reads
				p.Wait()
				cancel()
				wantError(t, hosttest.Receive(t, result), context.Canceled)
			})
		}
	}
}

func TestClientPlainContextEndsStuckWriter(t *testing.T) {
	hosttest.LeavesNothingBehind(t, func() {
		s := serve(t, "unix", &filetransfer.Server{FS: offered()})
		ctx, cancel := context.WithCancel(t.Context())
		stuck := newStuck(t)
		result := hosttest.InBackground(func() error {
			n, err := fetch(ctx, s.conn, "large", stuck)
			if n != 0 {
				t.Errorf("%d bytes were written", n)
			}
			return err
		})
		<-stuck.called
		cancel()
		wantError(t, hosttest.Receive(t, result), context.Canceled)
		s.conn.Close()
		if err := hosttest.Receive(t, s.err); err == nil {
			t.Error("the server knows nothing of it")
		}
		stuck.unblock()
	})
}

// A stuckFS blocks in the selected methods.
type stuckFS struct {
	fs.FS
	stat, open, read, readDir *stuck
}

func (f *stuckFS) Stat(name string) (fs.FileInfo, error) {
	if f.stat != nil {
		f.stat.wait()
	}
	return fs.Stat(f.FS, name)
}

func (f *stuckFS) Open(name string) (fs.File, error) {
	if f.open != nil {
		f.open.wait()
	}
	file, err := f.FS.Open(name)
	return &stuckFile{file, f}, err
}

type stuckFile struct {
	fs.File
	fs *stuckFS
}

func (f *stuckFile) Read(p []byte) (int, error) {
	if f.fs.read != nil {
		f.fs.read.wait()
	}
	return f.File.Read(p)
}

func (f *stuckFile) ReadDir(n int) ([]fs.DirEntry, error) {
	if f.fs.readDir != nil {
		f.fs.readDir.wait()
	}
	return f.File.(fs.ReadDirFile).ReadDir(n)
}

// clientStandstills are clients that return at points where the server waits
// for them.
var clientStandstills = map[string]func(p *rawPeer){
	"before the prompt is taken": func(p *rawPeer) {},
	"before a request":           func(p *rawPeer) { p.expect(filetransfer.Prompt) },
	"in a request":               func(p *rawPeer) { p.expect(filetransfer.Prompt); p.send("\x00filetransfer") },
	"before a second request": func(p *rawPeer) {
		p.expect(filetransfer.Prompt)
		p.send(request("stat", "Name: a.txt"))
		p.readWord("ok")
	},
	"before a request after waits": func(p *rawPeer) { p.expect(filetransfer.Prompt); p.send(request("wait")) },
	"in a name":                    func(p *rawPeer) { p.expect(filetransfer.Prompt); p.send("a.t") },
	"in a file": func(p *rawPeer) {
		p.expect(filetransfer.Prompt)
		p.send(request("get", "Name: large"))
		p.readWord("ok")
	},
	"in a file in plain": func(p *rawPeer) { p.expect(filetransfer.Prompt); p.send("large\n"); p.awaitData() },
	"before a receipt": func(p *rawPeer) {
		p.expect(filetransfer.Prompt)
		p.send(request("get", "Name: a.txt"))
		p.readWord("ok")
		p.readContent()
		p.readWord("end")
	},
	"before content": func(p *rawPeer) { p.expect(filetransfer.Prompt); p.send(put("Size: 9")); p.readWord("ready") },
	"in content": func(p *rawPeer) {
		p.expect(filetransfer.Prompt)
		p.send(put("Size: 9"))
		p.readWord("ready")
		p.send(message("from"), chunk("hello"))
	},
	"after content was refused": func(p *rawPeer) {
		p.expect(filetransfer.Prompt)
		p.send(put("Size: 3"))
		p.readWord("ready")
		p.send(message("from"), chunk("hello"))
		p.readWord("corrupt")
	},
}

func TestServeConnContextEndsEveryWait(t *testing.T) {
	for name, client := range clientStandstills {
		for network := range networks {
			t.Run(name+" on "+network, func(t *testing.T) {
				t.Parallel()
				near, far := networks[network](t)
				p := newRawPeer(t, near)
				ctx, cancel := context.WithCancel(t.Context())
				server := &filetransfer.Server{FS: offered(), Uploads: filetransfer.NewDir(newDir(t, nil)), IdleTimeout: longIdle, Logger: quiet}
				result := hosttest.InBackground(func() error { return server.ServeConn(ctx, far) })
				client(p)
				cancel()
				if err := hosttest.Receive(t, result); !errors.Is(err, context.Canceled) {
					t.Errorf("ServeConn: %v", err)
				}
				p.readRest() // until the server closes the connection
			})
		}
	}
}

func TestServerCloseEndsEveryWait(t *testing.T) {
	for name, client := range clientStandstills {
		for network := range networks {
			t.Run(name+" on "+network, func(t *testing.T) {
				t.Parallel()
				near, far := networks[network](t)
				p := newRawPeer(t, near)
				log := new(logbook)
				server := &filetransfer.Server{FS: offered(), Uploads: filetransfer.NewDir(newDir(t, nil)), IdleTimeout: longIdle, Logger: log.logger()}
				result := hosttest.InBackground(func() error { return server.ServeConn(context.Background(), far) })
				hosttest.Eventually(t, "the client is served", func() bool { return strings.Contains(log.String(), "client connected") })
				client(p)
				if err := server.Close(); err != nil {
					t.Error(err)
				}
				if err := hosttest.Receive(t, result); err != filetransfer.ErrServerClosed {
					t.Errorf("ServeConn: %v", err)
				}
				p.readRest()
			})
		}
	}
}

func TestServeConnContextEndsStuckFS(t *testing.T) {
	for name, test := range map[string]struct {
		ask string
		fs  func(s *stuck) *stuckFS
	}{
		"Stat":          {request("stat", "Name: a.txt"), func(s *stuck) *stuckFS { return &stuckFS{stat: s} }},
		"Open":          {request("get", "Name: a.txt"), func(s *stuck) *stuckFS { return &stuckFS{open: s} }},
		"Read":          {request("get", "Name: a.txt"), func(s *stuck) *stuckFS { return &stuckFS{read: s} }},
		"Read, hashing": {request("get", "Name: a.txt", "Offset: 4", "SHA-256: "+sumOfHello), func(s *stuck) *stuckFS { return &stuckFS{read: s} }},
		"Read in plain": {"a.txt\n", func(s *stuck) *stuckFS { return &stuckFS{read: s} }},
		"ReadDir":       {request("list", "Name: ."), func(s *stuck) *stuckFS { return &stuckFS{readDir: s} }},
	} {
		for how, want := range map[string]error{"cancelled": context.Canceled, "closed": filetransfer.ErrServerClosed} {
			t.Run(name+" "+how, func(t *testing.T) {
				hosttest.LeavesNothingBehind(t, func() {
					stuck := newStuck(t)
					files := test.fs(stuck)
					files.FS = fstest.MapFS{"a.txt": {Data: []byte("hello")}}
					near, far := networks["unix"](t)
					p := newRawPeer(t, near)
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					server := &filetransfer.Server{FS: files, IdleTimeout: longIdle, Logger: quiet}
					result := hosttest.InBackground(func() error { return server.ServeConn(ctx, far) })
					p.expect(filetransfer.Prompt)
					p.send(test.ask)
					<-stuck.called
					if how == "closed" {
						server.Close()
					} else {
						cancel()
					}
					if err := hosttest.Receive(t, result); !errors.Is(err, want) {
						t.Errorf("ServeConn: %v", err)
					}
					p.readRest()
					p.Close()
					stuck.unblock()
				})
			})
		}
	}
}

func TestServeConnReturnsIfContextEnded(t *testing.T) {
	hosttest.LeavesNothingBehind(t, func() {
		client, server := net.Pipe()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		err := (&filetransfer.Server{FS: offered(), Logger: quiet}).ServeConn(ctx, server)
		if !errors.Is(err, context.Canceled) {
			t.Errorf("ServeConn: %v", err)
		}
		if _, err := io.ReadAll(client); err != nil {
			t.Error(err)
		}
		client.Close()
	})
}
