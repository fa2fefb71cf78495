package filetransfer_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-rfcomm/rfcomm/filetransfer"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

// wantBusy reads a busy block that reports the number of clients before this
// one.
func (p *rawPeer) wantBusy(ahead int) {
	p.Helper()
	fields := p.readWord("busy")
	if got := fields.Get("Ahead"); got != fmt.Sprint(ahead) {
		p.Errorf("%s clients are before this one, want %d", got, ahead)
	}
}

// wantSilence checks that nothing arrives for a time.
func (p *rawPeer) wantSilence(d time.Duration) {
	p.Helper()
	p.SetReadDeadline(time.Now().Add(d))
	if got, err := p.reader.Peek(1); err == nil {
		p.Errorf("heard %q", got)
	}
	p.SetReadDeadline(time.Time{})
	p.reader.Reset(p.Conn) // forget the timeout
}

func TestServerTellsFramedClientsThatItIsBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startServer(t, "pipe", &filetransfer.Server{FS: offered()})
		first := s.connectRaw(t)
		second, third := newRawPeer(t, s.dial()), newRawPeer(t, s.dial())
		synctest.Wait()
		began := time.Now()
		second.send(request("wait"), request("get", "Name: a.txt"))
		third.send(request("stat", "Name: a.txt"))
		second.wantBusy(1)
		third.wantBusy(2)
		if took := time.Since(began); took > 250*time.Millisecond {
			t.Errorf("the clients learn it only after %v", took)
		}
		for range 10 {
			second.wantBusy(1)
			third.wantBusy(2)
		}
		if took := time.Since(began); took < 10*time.Second || took > 30*time.Second {
			t.Errorf("ten busy blocks came within %v", took)
		}
		first.Close()
		second.readWord("ok") // without a prompt
		second.expect(chunk("hello") + "0\r\n")
		second.readWord("end")
		third.wantBusy(1)
		second.send(message("ok"))
		second.Close()
		third.readWord("ok")
		third.Close()
		s.stop(t)
	})
}

func TestServerSendsNothingToWaitingPlainClient(t *testing.T) {
	for name, early := range map[string]string{"silent": "", "eager": "a.txt\n"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := startServer(t, "pipe", &filetransfer.Server{FS: offered(), RequestTimeout: longIdle, IdleTimeout: longIdle, FirstTimeout: longIdle})
				first := s.connectRaw(t)
				p := newRawPeer(t, s.dial())
				p.send(early)
				p.wantSilence(longIdle / 2)
				first.Close()
				p.expect(filetransfer.Prompt)
				if early == "" {
					p.send("a.txt\n")
				}
				p.expect("hello" + endMark)
				p.Close()
				s.stop(t)
			})
		})
	}
}

func TestClientSendsRequestBeforePrompt(t *testing.T) {
	for name, prompt := range map[string]string{"no prompt": "", "a late prompt": filetransfer.Prompt} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := filetransfer.NewClient(rawServer(t, func(p *rawPeer) {
					for _, start := range []string{prompt, ""} {
						p.readWord("get")
						p.send(start, message("ok", "Size: 5"), chunk("hello"), "0\r\n", message("end", "SHA-256: "+sumOfHello))
						p.readWord("ok")
					}
					p.readWord("get")
					p.send(filetransfer.Prompt, message("ok"))
				}))
				defer c.Close()
				for range 2 {
					if err := get(t.Context(), c); err != nil {
						t.Error(err)
					}
				}
				wantError(t, get(t.Context(), c), filetransfer.ErrCorrupt) // a prompt later on
			})
		})
	}
}

func TestClientWaitsWhileServerIsBusy(t *testing.T) {
	for _, network := range []string{"pipe", "tcp", "unix"} {
		t.Run(network, func(t *testing.T) {
			s := startServer(t, network, &filetransfer.Server{FS: offered()})
			first := s.connectRaw(t)
			c := filetransfer.NewClient(s.dial())
			defer c.Close()
			busy := 0
			c.Busy = func() {
				busy++
				first.Close()
			}
			var got bytes.Buffer
			if _, err := c.Get(t.Context(), "a.txt", &got); err != nil || got.String() != "hello" {
				t.Errorf("got %q, %v", &got, err)
			}
			if busy == 0 {
				t.Error("Busy was not called")
			}
			if err := get(t.Context(), c); err != nil {
				t.Error(err)
			}
			c.Close()
			s.stop(t)
		})
	}
}

func TestClientWaitsUntilContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startServer(t, "pipe", &filetransfer.Server{FS: offered(), IdleTimeout: longIdle, FirstTimeout: longIdle})
		s.connectRaw(t)
		c := filetransfer.NewClient(s.dial())
		defer c.Close()
		busy := 0
		c.Busy = func() { busy++ }
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		wantError(t, get(ctx, c), context.DeadlineExceeded)
		if busy < 100 {
			t.Errorf("Busy was called %d times", busy)
		}
		s.stop(t)
	})
}

func TestClientReturnsErrBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startServer(t, "pipe", &filetransfer.Server{FS: offered()})
		first := s.connectRaw(t)
		c := filetransfer.NewClient(s.dial())
		defer c.Close()
		err := get(t.Context(), c)
		wantError(t, err, filetransfer.ErrBusy)
		if !strings.Contains(fmt.Sprint(err), "clients before this one: 1") {
			t.Errorf("the error is %v", err)
		}
		first.Close()
		synctest.Wait()
		wantError(t, get(t.Context(), c), filetransfer.ErrBusy) // the connection is closed
		s.wantServing(t)
		s.stop(t)
	})
}

// A server may also be busy for one request, without a queue.
func TestClientReturnsErrBusyOfOneRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := filetransfer.NewClient(rawServer(t, withPrompt(func(p *rawPeer) {
			p.readWord("get")
			p.send(message("busy", "Message: too much to hash"))
			p.readWord("get")
			p.send(message("not-exist"))
		})))
		defer c.Close()
		c.Busy = func() { t.Error("the client waits") }
		wantError(t, get(t.Context(), c), filetransfer.ErrBusy)
		if err := get(t.Context(), c); err == nil || errors.Is(err, filetransfer.ErrBusy) {
			t.Errorf("the next call: %v", err)
		}
	})
}

func TestServerRefusesNinthWaitingClient(t *testing.T) {
	for _, network := range []string{"pipe", "tcp"} {
		t.Run(network, func(t *testing.T) {
			s := startServer(t, network, &filetransfer.Server{FS: offered()})
			first := s.connectRaw(t)
			var waiting []*rawPeer
			for range 8 {
				waiting = append(waiting, newRawPeer(t, s.dial()))
			}
			hosttest.Eventually(t, "8 clients wait", func() bool { return strings.Count(s.log.String(), "client waits") == 8 })
			const busy = "Error: server is busy; try again later\n"
			if got := newRawPeer(t, s.dial()).readRest(); got != busy {
				t.Errorf("the ninth heard %q", got)
			}
			plain := filetransfer.NewClient(s.dial())
			plain.Plain = true
			wantError(t, get(t.Context(), plain), filetransfer.ErrBusy)
			plain.Close()
			c := filetransfer.NewClient(s.dial())
			c.Busy = func() { t.Error("the client waits") }
			wantError(t, get(t.Context(), c), filetransfer.ErrBusy)
			c.Close()
			waiting[3].Close() // a place is free
			hosttest.Eventually(t, "a client has left", func() bool { return strings.Contains(s.log.String(), "client left") })
			late := newRawPeer(t, s.dial())
			late.send(request("wait"))
			late.wantBusy(8)
			if refused := strings.Count(s.log.String(), "refused"); refused != 2 || !strings.Contains(s.log.String(), "count=3") {
				t.Errorf("the log is\n%s", s.log)
			}
			first.Close()
			waiting[0].expect(filetransfer.Prompt)
			s.stop(t)
		})
	}
}

func TestServerDropsWaitingClients(t *testing.T) {
	for name, client := range map[string]struct {
		do  func(p *rawPeer)
		log string
	}{
		"that leave":          {func(p *rawPeer) { p.Close() }, "client left"},
		"that send no blocks": {func(p *rawPeer) { p.send("\x00garbage\r\n\r\n"); p.readWord("corrupt") }, "garbage"},
		"that stop in a request": {func(p *rawPeer) {
			p.send("\x00filetransfer/1 st")
			p.readWord("timeout")
		}, "silent"},
		"that read nothing": {func(p *rawPeer) { p.send(request("stat", "Name: a.txt")) }, "took nothing"},
		"that leave after their request": {func(p *rawPeer) {
			p.send(request("stat", "Name: a.txt"))
			p.wantBusy(1)
			p.Close()
		}, "closed pipe"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := startServer(t, "pipe", &filetransfer.Server{FS: offered(), FirstTimeout: longIdle})
				first := s.connectRaw(t)
				first.send(request("stat", "Name: a.txt"))
				first.readWord("ok")
				p := newRawPeer(t, s.dial())
				client.do(p)
				time.Sleep(31 * time.Second)
				first.Close()
				synctest.Wait()
				if log := s.log.String(); !strings.Contains(log, client.log) {
					t.Errorf("the log lacks %q:\n%s", client.log, log)
				}
				s.wantServing(t)
				s.stop(t)
			})
		})
	}
}

func TestShutdownRefusesClientsInQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startServer(t, "pipe", &filetransfer.Server{FS: offered()})
		first := s.connectRaw(t)
		first.send(request("get", "Name: a.txt"))
		first.readWord("ok")
		silent, plain, framed := newRawPeer(t, s.dial()), newRawPeer(t, s.dial()), newRawPeer(t, s.dial())
		plain.send("a.txt\n")
		framed.send(request("stat", "Name: a.txt"))
		framed.wantBusy(3)
		stop := hosttest.InBackground(func() error { return s.Shutdown(t.Context()) })
		const closing = "Error: server is closing; try again later\n"
		if got := silent.readRest(); got != closing {
			t.Errorf("the silent client heard %q", got)
		}
		if got := plain.readRest(); got != closing {
			t.Errorf("the plain client heard %q", got)
		}
		framed.readWord("closing")
		framed.readRest()
		first.expect(chunk("hello") + "0\r\n") // the transfer is finished
		first.readWord("end")
		first.send(message("ok"))
		first.readWord("closing")
		first.Close()
		if err := <-stop; err != nil {
			t.Errorf("Shutdown: %v", err)
		}
		if err := <-s.served; err != filetransfer.ErrServerClosed {
			t.Errorf("Serve: %v", err)
		}
	})
}

func TestServeEndsQueueIfListenerIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newPipeListener()
		served := hosttest.InBackground(func() error {
			return (&filetransfer.Server{FS: offered(), Logger: quiet}).Serve(l)
		})
		first := newRawPeer(t, l.dial())
		first.expect(filetransfer.Prompt)
		second := newRawPeer(t, l.dial())
		synctest.Wait()
		l.Close()
		if got := second.readRest(); !strings.HasPrefix(got, "Error: server is closing") {
			t.Errorf("the second heard %q", got)
		}
		first.send("a.txt\n")
		first.expect("hello" + endMark)
		first.Close()
		if err := <-served; err == nil {
			t.Error("Serve returned nil")
		}
	})
}
