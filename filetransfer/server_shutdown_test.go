package filetransfer_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-rfcomm/rfcomm/filetransfer"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

// A holder is a reader and a writer that blocks once, in the middle.
type holder struct {
	*stuck
	content *strings.Reader // content to read
	got     bytes.Buffer    // written content
	passed  int
	uploads string // the server's directory of uploads
}

func (h *holder) Read(p []byte) (int, error) {
	if h.passed > 0 && !h.done() {
		h.wait()
	}
	n, err := h.content.Read(p[:min(len(p), 1000)])
	h.passed += n
	return n, err
}

func (h *holder) Write(p []byte) (int, error) {
	if h.passed > 0 && !h.done() {
		h.wait()
	}
	h.passed += len(p)
	return h.got.Write(p)
}

func (h *holder) done() bool {
	select {
	case <-h.called:
		return true
	default:
		return false
	}
}

// heldTransfers are transfers of the file "large.bin" by method.
var heldTransfers = map[string]func(t *testing.T, c net.Conn, h *holder) error{
	"get": func(t *testing.T, conn net.Conn, h *holder) error {
		c := filetransfer.NewClient(conn)
		defer c.Close()
		info, err := c.Get(t.Context(), "large.bin", h)
		if err == nil {
			wantSum(t, info, h.got.String())
		}
		return err
	},
	"plain Get": func(t *testing.T, conn net.Conn, h *holder) error {
		defer conn.Close()
		_, err := fetch(t.Context(), conn, "large.bin", h)
		return err
	},
	"put": func(t *testing.T, conn net.Conn, h *holder) error {
		c := filetransfer.NewClient(conn)
		defer c.Close()
		return doPut(t.Context(), c, "large.bin", h, filetransfer.Info{Size: h.content.Size()})
	},
}

// startHeld starts a transfer and waits until it blocks in the middle.
func startHeld(t *testing.T, name string) (s *testServer, h *holder, content string, finished <-chan error) {
	t.Helper()
	content = random(300_000)
	from, to := newDir(t, map[string]string{"large.bin": content}), newDir(t, nil)
	s = startServer(t, "pipe", &filetransfer.Server{FS: from.FS(), Uploads: filetransfer.NewDir(to)})
	h = &holder{stuck: newStuck(t), content: strings.NewReader(content), uploads: to.Name()}
	conn := s.dial()
	finished = hosttest.InBackground(func() error { return heldTransfers[name](t, conn, h) })
	<-h.called
	return s, h, content, finished
}

func TestShutdownFinishesRunningTransfer(t *testing.T) {
	for name := range heldTransfers {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, h, content, finished := startHeld(t, name)
				stop := hosttest.InBackground(func() error { return s.Shutdown(t.Context()) })
				again := hosttest.InBackground(func() error { return s.Shutdown(t.Context()) })
				synctest.Wait()
				select {
				case err := <-stop:
					t.Errorf("Shutdown did not wait: %v", err)
				case err := <-finished:
					t.Errorf("the transfer did not wait: %v", err)
				default:
				}
				h.unblock()
				for what, result := range map[string]<-chan error{"the transfer": finished, "Shutdown": stop, "the second Shutdown": again} {
					if err := <-result; err != nil {
						t.Errorf("%s: %v", what, err)
					}
				}
				if err := <-s.served; err != filetransfer.ErrServerClosed {
					t.Errorf("Serve: %v", err)
				}
				got := h.got.String()
				if name == "put" {
					got = readFile(t, filepath.Join(h.uploads, "large.bin"))
				}
				if got != content {
					t.Errorf("%d bytes came that are not the file's", len(got))
				}
			})
		})
	}
}

func TestShutdownReturnsWithContext(t *testing.T) {
	for name := range heldTransfers {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, h, _, finished := startHeld(t, name)
				ended, cancel := context.WithCancel(t.Context())
				stop := hosttest.InBackground(func() error { return s.Shutdown(ended) })
				synctest.Wait()
				cancel()
				if err := <-stop; !errors.Is(err, context.Canceled) {
					t.Errorf("Shutdown: %v", err)
				}
				if err := s.Shutdown(ended); !errors.Is(err, context.Canceled) {
					t.Errorf("the second Shutdown: %v", err)
				}
				// The transfer still succeeds.
				h.unblock()
				if err := <-finished; err != nil {
					t.Errorf("the transfer: %v", err)
				}
				if err := s.Shutdown(t.Context()); err != nil {
					t.Errorf("the third Shutdown: %v", err)
				}
				if err := s.Shutdown(ended); err != nil {
					t.Errorf("Shutdown with nothing to wait for: %v", err)
				}
			})
		})
	}
}

func TestServerCloseEndsRunningTransfer(t *testing.T) {
	for name := range heldTransfers {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, h, content, finished := startHeld(t, name)
				stop := hosttest.InBackground(func() error { return s.Shutdown(t.Context()) })
				synctest.Wait()
				began := time.Now()
				for range 2 {
					if err := s.Close(); err != nil {
						t.Error(err)
					}
				}
				if err := <-s.served; err != filetransfer.ErrServerClosed {
					t.Errorf("Serve: %v", err)
				}
				if err := <-stop; err != nil {
					t.Errorf("Shutdown: %v", err)
				}
				if took := time.Since(began); took > time.Second {
					t.Errorf("it took %v", took)
				}
				s.log.wantDropped(t, "server is closed")
				h.unblock()
				if err := <-finished; err == nil {
					t.Error("the transfer knows nothing of it")
				}
				if name == "put" { // the upload can be resumed
					part := readFile(t, filepath.Join(h.uploads, "large.bin.part"))
					if part == "" || !strings.HasPrefix(content, part) {
						t.Errorf("the part has %d bytes that are not the file's", len(part))
					}
					wantFiles(t, h.uploads, "large.bin.part")
				}
			})
		})
	}
}

func TestShutdownAnswersWaitingClients(t *testing.T) {
	for network := range networks {
		t.Run(network, func(t *testing.T) {
			hosttest.LeavesNothingBehind(t, func() {
				server := &filetransfer.Server{FS: offered()}
				framed, plain := serve(t, network, server), newRawPeer(t, serve(t, network, server).conn)
				c := filetransfer.NewClient(framed.conn)
				if _, err := c.Stat(t.Context(), "a.txt"); err != nil {
					t.Fatal(err)
				}
				plain.expect(filetransfer.Prompt)
				stop := hosttest.InBackground(func() error { return server.Shutdown(t.Context()) })
				if got := plain.readRest(); got != "Error: server is closing; try again later\n" {
					t.Errorf("the plain client heard %q", got)
				}
				_, err := c.Stat(t.Context(), "a.txt")
				wantError(t, err, filetransfer.ErrServerClosed)
				c.Close()
				plain.Close()
				if err := hosttest.Receive(t, stop); err != nil {
					t.Errorf("Shutdown: %v", err)
				}
				if err := hosttest.Receive(t, framed.err); err != nil {
					t.Errorf("ServeConn: %v", err)
				}
			})
		})
	}
}

func TestShutdownAnswersFirstRequests(t *testing.T) {
	for _, network := range sockets {
		t.Run(network, func(t *testing.T) {
			server := &filetransfer.Server{FS: offered()}
			framed, plain := serve(t, network, server), serve(t, network, server)
			var talkers []*rawPeer
			for _, conn := range []net.Conn{framed.conn, plain.conn} {
				p := newRawPeer(t, conn)
				talkers = append(talkers, p)
				p.awaitData()
			}
			if err := server.Shutdown(t.Context()); err != nil {
				t.Error(err)
			}
			c := filetransfer.NewClient(reread{talkers[0]})
			_, err := c.Get(t.Context(), "a.txt", io.Discard)
			wantError(t, err, filetransfer.ErrServerClosed)
			_, err = fetch(t.Context(), reread{talkers[1]}, "a.txt", io.Discard)
			wantError(t, err, filetransfer.ErrServerClosed)
		})
	}
}

// A reread is a connection that first reads bytes from a buffer.
type reread struct{ *rawPeer }

func (r reread) Read(p []byte) (int, error) { return r.reader.Read(p) }

func TestServerServesNobodyAfterClose(t *testing.T) {
	for how, end := range map[string]func(s *filetransfer.Server) error{
		"Close":    (*filetransfer.Server).Close,
		"Shutdown": func(s *filetransfer.Server) error { return s.Shutdown(context.Background()) },
	} {
		t.Run(how, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &filetransfer.Server{FS: offered(), Logger: quiet}
				for range 2 {
					if err := end(s); err != nil {
						t.Error(err)
					}
				}
				l := newPipeListener()
				if err := s.Serve(l); err != filetransfer.ErrServerClosed {
					t.Errorf("Serve: %v", err)
				}
				if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
					t.Errorf("the listener is still open: %v", err)
				}
				client, server := net.Pipe()
				result := hosttest.InBackground(func() error { return s.ServeConn(t.Context(), server) })
				_, err := filetransfer.NewClient(client).Get(t.Context(), "a.txt", io.Discard)
				wantError(t, err, filetransfer.ErrServerClosed)
				if err := <-result; err != filetransfer.ErrServerClosed {
					t.Errorf("ServeConn: %v", err)
				}
			})
		})
	}
}

func TestServeSeveralListenersUntilClose(t *testing.T) {
	hosttest.LeavesNothingBehind(t, func() {
		server := &filetransfer.Server{FS: offered(), Logger: quiet}
		var results []<-chan error
		var listeners []net.Listener
		for range 3 {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			listeners = append(listeners, l)
			results = append(results, hosttest.InBackground(func() error { return server.Serve(l) }))
		}
		var clients []*filetransfer.Client
		for _, l := range listeners { // each serves one client at the same time
			conn, err := net.Dial("tcp", l.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			c := filetransfer.NewClient(conn)
			clients = append(clients, c)
			if err := get(t.Context(), c); err != nil {
				t.Error(err)
			}
		}
		if err := server.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		for i, result := range results {
			if err := hosttest.Receive(t, result); err != filetransfer.ErrServerClosed {
				t.Errorf("Serve: %v", err)
			}
			wantError(t, get(t.Context(), clients[i]), filetransfer.ErrServerClosed)
			clients[i].Close()
			if _, err := net.Dial("tcp", listeners[i].Addr().String()); err == nil {
				t.Error("a listener is still open")
			}
		}
	})
}

func TestServeReturnsIfListenerIsClosed(t *testing.T) {
	l := newPipeListener()
	server := &filetransfer.Server{FS: offered(), Logger: quiet}
	served := hosttest.InBackground(func() error { return server.Serve(l) })
	l.Close()
	if err := hosttest.Receive(t, served); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Serve: %v", err)
	}
	if err := server.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
}

func TestServeOneClientAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startServer(t, "pipe", &filetransfer.Server{FS: offered()})
		first := s.connectRaw(t)
		second := newRawPeer(t, s.dial())
		third := newRawPeer(t, s.dial())
		prompt := make(chan string, 2)
		for who, p := range map[string]*rawPeer{"second": second, "third": third} {
			go func() {
				p.expect(filetransfer.Prompt)
				prompt <- who
			}()
		}
		first.send(request("get", "Name: a.txt"))
		first.readWord("ok")
		first.expect(chunk("hello") + "0\r\n")
		first.readWord("end")
		first.send(message("ok"))
		time.Sleep(29 * time.Second)
		first.send(request("stat", "Name: a.txt"))
		first.readWord("ok")
		time.Sleep(29 * time.Second)
		if len(prompt) > 0 {
			t.Fatalf("the %s is served before the first has left", <-prompt)
		}
		first.Close()
		if who := <-prompt; who != "second" {
			t.Errorf("the %s comes next", who)
		}
		second.send("a.txt\n")
		second.expect("hello" + endMark)
		second.readRest()
		if who := <-prompt; who != "third" {
			t.Errorf("the %s comes next", who)
		}
		third.Close()
		s.stop(t)
	})
}

func TestServerCloseEndsClientsInBacklog(t *testing.T) {
	hosttest.LeavesNothingBehind(t, func() {
		s := startServer(t, "tcp", &filetransfer.Server{FS: offered()})
		first := s.connectRaw(t)
		second := newRawPeer(t, s.dial())
		s.stop(t)
		first.readRest()
		// It depends on whether the second was accepted before Close.
		if rest := second.readRest(); rest != "" && rest != "Error: server is closing; try again later\n" {
			t.Errorf("the second heard %q", rest)
		}
		first.Close()
		second.Close()
	})
}
