package filetransfer_test

import (
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-rfcomm/rfcomm/filetransfer"
)

// occupy connects a client that holds the server as hold does, and another one
// that waits. It returns the time after which the other one is served, or at
// most the limit.
func occupy(t *testing.T, s *testServer, limit time.Duration, hold func(p *rawPeer)) time.Duration {
	t.Helper()
	p := s.connectRaw(t)
	p.Go(func() { hold(p) })
	synctest.Wait()
	waiting := newRawPeer(t, s.dial())
	began := time.Now()
	waiting.SetReadDeadline(began.Add(limit))
	waiting.reader.Peek(1)
	took := time.Since(began)
	p.Close()
	p.Wait()
	waiting.Close()
	synctest.Wait()
	return took
}

// wantTimes checks the times for which a client holds the server of a test,
// with another client that waits.
func wantTimes(t *testing.T, server func() *filetransfer.Server, times map[string]holding) {
	for name, test := range times {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := server()
				if test.set != nil {
					test.set(server)
				}
				s := startServer(t, "pipe", server)
				took := occupy(t, s, longIdle, test.hold)
				if took < test.least || took > test.most {
					t.Errorf("the server is held for %v, want %v to %v", took, test.least, test.most)
				}
				s.stop(t)
			})
		})
	}
}

type holding struct {
	set         func(s *filetransfer.Server)
	hold        func(p *rawPeer)
	least, most time.Duration
}

// repeat sends a text every second until the other side closes the connection.
// It reads meanwhile.
func (p *rawPeer) repeat(text string) {
	p.Go(func() { p.readRest() })
	p.sendForever(time.Second, text)
}

func TestFirstTimeoutFreesServerForOthers(t *testing.T) {
	silent := func(p *rawPeer) { p.readRest() }
	wantTimes(t, func() *filetransfer.Server { return &filetransfer.Server{FS: offered()} }, map[string]holding{
		"default": {nil, silent, 10 * time.Second, 10 * time.Second},
		"set":     {func(s *filetransfer.Server) { s.FirstTimeout = 3 * time.Second }, silent, 3 * time.Second, 3 * time.Second},
		"none":    {func(s *filetransfer.Server) { s.FirstTimeout = -1 }, silent, 30 * time.Second, 30 * time.Second},
		"longer than IdleTimeout": {
			func(s *filetransfer.Server) { s.FirstTimeout, s.IdleTimeout = time.Minute, 5*time.Second }, silent,
			5 * time.Second, 5 * time.Second,
		},
		"after a first byte": {nil, func(p *rawPeer) { p.send(request("wait")); p.readRest() }, 30 * time.Second, 30 * time.Second},
		"after a request": {nil, func(p *rawPeer) {
			p.send(request("stat", "Name: a.txt"))
			p.readRest()
		}, 30 * time.Second, 30 * time.Second},
	})
}

func TestFirstTimeoutStartsWithTheSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startServer(t, "pipe", &filetransfer.Server{FS: offered()})
		first := s.connectRaw(t)
		time.Sleep(20 * time.Second) // nobody else waits
		began := time.Now()
		second := newRawPeer(t, s.dial())
		if got := first.readRest(); !strings.HasPrefix(got, "Error: timeout: other clients wait") {
			t.Errorf("the silent client heard %q", got)
		}
		first.Close()
		second.expect(filetransfer.Prompt)
		if took := time.Since(began); took != 0 {
			t.Errorf("the second waits for %v", took)
		}
		second.Close()
		s.stop(t)
	})
}

func TestIdleConnectionsDelayByFirstTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startServer(t, "pipe", &filetransfer.Server{FS: offered()})
		for range 8 {
			p := newRawPeer(t, s.dial())
			p.Go(func() { p.readRest(); p.Close() })
		}
		began := time.Now()
		c := filetransfer.NewClient(s.dial())
		defer c.Close()
		c.Busy = func() {}
		if err := get(t.Context(), c); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took > 8*10*time.Second {
			t.Errorf("the next client waits for %v", took)
		}
		s.stop(t)
	})
}

func TestRequestTimeoutEndsWaitBlocks(t *testing.T) {
	get := func(p *rawPeer) {
		p.send(request("get", "Name: a.txt"))
		p.readWord("ok")
		p.readContent()
		p.readWord("end")
	}
	times := map[string]holding{
		"before the first request": {nil, func(p *rawPeer) { p.repeat(request("wait")) }, 59 * time.Second, 61 * time.Second},
		"before a later request": {nil, func(p *rawPeer) {
			p.send(request("stat", "Name: a.txt"))
			p.readWord("ok")
			p.repeat(request("wait"))
		}, 59 * time.Second, 61 * time.Second},
		"before the content of a put": {nil, func(p *rawPeer) {
			p.send(put("Size: 5"))
			p.readWord("ready")
			p.repeat(message("wait"))
		}, 59 * time.Second, 61 * time.Second},
		"in the content of a get": {nil, func(p *rawPeer) {
			p.send(request("get", "Name: large"))
			p.readWord("ok")
			p.sendForever(time.Second, message("wait")) // and reads nothing
		}, 59 * time.Second, 62 * time.Second},
		"before a receipt": {nil, func(p *rawPeer) { get(p); p.repeat(message("wait")) }, 59 * time.Second, 61 * time.Second},
		"none": {
			func(s *filetransfer.Server) { s.RequestTimeout = -1 },
			func(p *rawPeer) { p.repeat(request("wait")) },
			longIdle, longIdle,
		},
		"set": {
			func(s *filetransfer.Server) { s.RequestTimeout = 5 * time.Second },
			func(p *rawPeer) { p.repeat(request("wait")) },
			4 * time.Second, 6 * time.Second,
		},
		"not with requests in between": {nil, func(p *rawPeer) {
			for range 10 {
				for range 50 {
					p.send(request("wait"))
					time.Sleep(time.Second)
				}
				p.send(request("stat", "Name: a.txt"))
				p.readWord("ok")
			}
		}, 500 * time.Second, 560 * time.Second},
	}
	wantTimes(t, func() *filetransfer.Server {
		return &filetransfer.Server{FS: offered(), Uploads: filetransfer.NewDir(newDir(t, nil))}
	}, times)
}

func TestRequestTimeoutIsReported(t *testing.T) {
	for name, client := range map[string]struct {
		prepare func(p *rawPeer)
		wait    string
	}{
		"between requests": {func(p *rawPeer) {}, request("wait")},
		"in a put":         {func(p *rawPeer) { p.send(put("Size: 5")); p.readWord("ready") }, message("wait")},
		"before a receipt": {func(p *rawPeer) {
			p.send(request("get", "Name: a.txt"))
			p.readWord("ok")
			p.readContent()
			p.readWord("end")
		}, message("wait")},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := startServer(t, "pipe", &filetransfer.Server{FS: offered(), Uploads: filetransfer.NewDir(newDir(t, nil))})
				p := s.connectRaw(t)
				client.prepare(p)
				second := newRawPeer(t, s.dial())
				p.Go(func() { p.sendForever(time.Second, client.wait) })
				if says := p.readWord("timeout").Get("Message"); !strings.Contains(says, "other clients wait") {
					t.Errorf("the server says %q", says)
				}
				p.Close()
				p.Wait()
				second.expect(filetransfer.Prompt)
				s.log.wantDropped(t, "other clients wait")
				second.Close()
				s.stop(t)
			})
		})
	}
}

func TestWaitBlocksAreUnlimitedIfNobodyWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startServer(t, "pipe", &filetransfer.Server{FS: offered()})
		p := s.connectRaw(t)
		for range 3600 {
			p.send(request("wait"))
			time.Sleep(time.Second)
		}
		second := newRawPeer(t, s.dial()) // from now on, the wait is limited
		began := time.Now()
		p.repeat(request("wait"))
		second.expect(filetransfer.Prompt)
		if took := time.Since(began); took > time.Second {
			t.Errorf("the second waits for %v", took)
		}
		second.Close()
		p.Close()
		p.Wait()
		s.stop(t)
	})
}

func TestSessionTimeoutEndsSession(t *testing.T) {
	limited := func(s *filetransfer.Server) { s.SessionTimeout = 2 * time.Minute }
	ask := func(p *rawPeer) { p.repeat(request("stat", "Name: a.txt")) }
	read := func(p *rawPeer) { // 4 KiB per second
		p.send(request("get", "Name: large"))
		io.Copy(io.Discard, slowConn{p.Conn, 4 << 10, time.Second})
	}
	send := func(p *rawPeer) {
		p.send(put("Size: unknown"))
		p.readWord("ready")
		p.send(message("from"))
		p.repeat(chunk(strings.Repeat("hello", 20)))
	}
	server := func() *filetransfer.Server {
		return &filetransfer.Server{
			FS:      offered(),
			Uploads: filetransfer.NewDir(newDir(t, nil)),
		}
	}
	wantTimes(t, server, map[string]holding{
		"between requests":      {limited, ask, 2 * time.Minute, 2*time.Minute + 2*time.Second},
		"in a get":              {limited, read, 2 * time.Minute, 2*time.Minute + 30*time.Second},
		"in a put":              {limited, send, 2 * time.Minute, 2*time.Minute + 32*time.Second},
		"default":               {nil, ask, longIdle, longIdle},
		"default while it gets": {nil, read, longIdle, longIdle},
	})
}

func TestSessionTimeoutIsReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startServer(t, "pipe", &filetransfer.Server{FS: offered(), SessionTimeout: time.Minute})
		c := filetransfer.NewClient(s.dial())
		defer c.Close()
		for range 6 {
			if err := get(t.Context(), c); err != nil {
				t.Fatal(err)
			}
			time.Sleep(9 * time.Second)
		}
		second := newRawPeer(t, s.dial())
		time.Sleep(6 * time.Second)
		err := get(t.Context(), c)
		if !errors.Is(err, os.ErrDeadlineExceeded) || !strings.Contains(err.Error(), "other clients wait, and the session has lasted for 1m0s") {
			t.Errorf("the error is %v", err)
		}
		second.expect(filetransfer.Prompt)
		second.Close()
		s.stop(t)
	})
}
