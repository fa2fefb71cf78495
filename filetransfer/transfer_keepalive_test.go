package filetransfer_test

import (
	"bytes"
	"io"
	"net"
	"strings"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/go-rfcomm/rfcomm/filetransfer"
)

// A slowReader pauses in each Read and returns at most size bytes.
type slowReader struct {
	io.Reader
	size  int
	pause time.Duration
}

func (r slowReader) Read(p []byte) (int, error) {
	time.Sleep(r.pause)
	return r.Reader.Read(p[:min(len(p), r.size)])
}

// A producer may be slower than the idle timeout.
func TestPutKeepsServerWhileSourceIsSlow(t *testing.T) {
	for name, slow := range map[string]struct {
		content string
		size    int
		pause   time.Duration
	}{
		"long pauses": {random(200_000), 32 << 10, 5 * time.Minute},
		"a trickle":   {random(5_000), 10, 500 * time.Millisecond},
		"drops":       {random(20), 1, 10 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				uploads := newDir(t, nil)
				s := serve(t, "pipe", &filetransfer.Server{Uploads: filetransfer.NewDir(uploads)})
				c := filetransfer.NewClient(s.conn)
				source := slowReader{strings.NewReader(slow.content), slow.size, slow.pause}
				if _, err := c.Put(t.Context(), "file", source, filetransfer.Info{Size: -1}); err != nil {
					t.Fatal(err)
				}
				if got := readFile(t, uploads.Name()+"/file"); got != slow.content {
					t.Errorf("%d bytes came", len(got))
				}
				c.Close()
				if err := <-s.err; err != nil {
					t.Errorf("ServeConn: %v", err)
				}
			})
		})
	}
}

func TestGetKeepsClientWhileSourceIsSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		content := random(200_000)
		files := slowFS{fstest.MapFS{"file": {Data: []byte(content)}}, idleTimeout - time.Second}
		s := serve(t, "pipe", &filetransfer.Server{FS: files})
		c := filetransfer.NewClient(s.conn)
		c.IdleTimeout = 5 * time.Second
		var got bytes.Buffer
		if _, err := c.Get(t.Context(), "file", &got); err != nil || got.String() != content {
			t.Errorf("%d bytes came: %v", got.Len(), err)
		}
		c.Close()
		if err := <-s.err; err != nil {
			t.Errorf("ServeConn: %v", err)
		}
	})
}

// A consumer may be slower than the idle timeout.
func TestGetKeepsServerWhileSinkIsSlow(t *testing.T) {
	for name, connection := range stickyPipes {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				content := random(200_000)
				client, server := connection(t)
				s := serveOn(t, &filetransfer.Server{FS: fstest.MapFS{"file": {Data: []byte(content)}}}, client, server)
				c := filetransfer.NewClient(client)
				w := &slowWriter{pause: 5 * time.Minute}
				if _, err := c.Get(t.Context(), "file", w); err != nil || w.String() != content {
					t.Errorf("%d bytes came: %v", w.Len(), err)
				}
				c.Close()
				if err := <-s.err; err != nil {
					t.Errorf("ServeConn: %v", err)
				}
			})
		})
	}
}

// A side that gives up says so.
func TestTimeoutOfContentIsReported(t *testing.T) {
	t.Run("by the server", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			client, server := net.Pipe()
			s := serveOn(t, &filetransfer.Server{Uploads: filetransfer.NewDir(newDir(t, nil))}, client, &stickyConn{Conn: server})
			p := newRawPeer(t, client)
			p.expect(filetransfer.Prompt)
			p.send(put("Size: 10"))
			p.readWord("ready")
			p.send(message("from"), chunk("hello"))
			if fields := p.readWord("timeout"); !strings.Contains(fields.Get("Message"), "30s") {
				t.Errorf("the answer has %v", fields)
			}
			p.Close()
			wantDeadline(t, <-s.err)
		})
	})
	t.Run("by the client", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			conn := rawServer(t, withPrompt(func(p *rawPeer) {
				p.readWord("get")
				p.send(message("ok", "Size: 10"), chunk("hello"))
				p.readWord("timeout")
			}))
			c := filetransfer.NewClient(&stickyConn{Conn: conn})
			wantDeadline(t, get(t.Context(), c))
		})
	})
}

// Put returns soon after the server has refused the content, even if no more
// content comes.
func TestPutReturnsWhileSourceIsBlocked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := filetransfer.NewClient(rawServer(t, withPrompt(func(p *rawPeer) {
			p.readWord("put")
			p.send(message("ready"))
			p.readWord("from")
			p.send(message("no-space"))
			p.readRest()
		})))
		source, more := io.Pipe()
		defer more.Close()
		began := time.Now()
		_, err := c.Put(t.Context(), "file", source, filetransfer.Info{Size: -1})
		if err == nil || !strings.Contains(err.Error(), "no space") {
			t.Errorf("got %v", err)
		}
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

// Keepalives hold the server as long as nobody else waits, and then for
// RequestTimeout.
func TestKeepAlivesHoldServerUntilOthersWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startServer(t, "pipe", &filetransfer.Server{FS: offered(), Uploads: filetransfer.NewDir(newDir(t, nil))})
		p := s.connectRaw(t)
		p.send(put("Size: 5"))
		p.readWord("ready")
		p.send(message("from"))
		p.Go(func() { p.sendForever(time.Second, "\r\n") })
		time.Sleep(10 * time.Minute)
		p.Go(func() { p.readWord("timeout"); p.readRest() })
		other := filetransfer.NewClient(s.dial())
		other.Busy = func() {}
		began := time.Now()
		if _, err := other.Stat(t.Context(), "a.txt"); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("the other client waited for %v", took)
		}
		other.Close()
		s.stop(t)
		p.Wait()
	})
}
