package filetransfer_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-rfcomm/rfcomm/filetransfer"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

// stickyPipes are connections in memory on which a timeout of a Write is final.
var stickyPipes = map[string]func(t testing.TB) (client, server net.Conn){
	"sticky": func(testing.TB) (client, server net.Conn) {
		client, server = net.Pipe()
		return &stickyConn{Conn: client}, &stickyConn{Conn: server}
	},
	"tls": func(t testing.TB) (client, server net.Conn) { return secure(t, net.Pipe) },
}

// A pause of the receiver that is shorter than the idle timeout has no effect.
func TestGetOutlastsPausesOnStickyConns(t *testing.T) {
	for name, connection := range stickyPipes {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				content := random(200_000)
				client, server := connection(t)
				s := serveOn(t, &filetransfer.Server{FS: newDir(t, map[string]string{"file": content}).FS()}, client, server)
				c := filetransfer.NewClient(client)
				w := &slowWriter{pause: idleTimeout - time.Second}
				info, err := c.Get(t.Context(), "file", w)
				if err != nil || w.String() != content {
					t.Fatalf("%d bytes came: %v", w.Len(), err)
				}
				wantSum(t, info, content)
				c.Close()
				if err := <-s.err; err != nil {
					t.Errorf("ServeConn: %v", err)
				}
			})
		})
	}
}

// A Write that has failed is not repeated.
func TestWriteIsNotRepeatedAfterTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := net.Pipe()
		sticky := &stickyConn{Conn: server}
		s := serveOn(t, &filetransfer.Server{FS: offered()}, client, sticky)
		p := newRawPeer(t, client)
		p.expect(filetransfer.Prompt)
		p.send(request("get", "Name: large"))
		began := time.Now()
		err := <-s.err // p reads nothing
		wantDeadline(t, err)
		if took := time.Since(began); took > idleTimeout+2*time.Second {
			t.Errorf("it took %v", took)
		}
		if sticky.failedWrites > 1 {
			t.Errorf("%d Writes failed after the timeout", sticky.failedWrites)
		}
	})
}

// An idle session survives a pause between requests.
func TestSessionOutlastsPausesOnStickyConns(t *testing.T) {
	for name, connection := range stickyPipes {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client, server := connection(t)
				s := serveOn(t, &filetransfer.Server{FS: offered()}, client, server)
				c := filetransfer.NewClient(client)
				for range 3 {
					var got bytes.Buffer
					if _, err := c.Get(t.Context(), "a.txt", &got); err != nil {
						t.Fatal(err)
					}
					time.Sleep(idleTimeout - time.Second)
				}
				c.Close()
				if err := <-s.err; err != nil {
					t.Errorf("ServeConn: %v", err)
				}
			})
		})
	}
}

// The last message of a tls.Conn delays no call, even if the peer reads nothing.
func TestClientLeavesSilentPeerOnTLS(t *testing.T) {
	for name, end := range map[string]func(c *filetransfer.Client, cancel func()) error{
		"context": func(_ *filetransfer.Client, cancel func()) error { cancel(); return nil },
		"close":   func(c *filetransfer.Client, _ func()) error { return c.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client, server := secure(t, net.Pipe)
				defer server.Close()
				read := hosttest.InBackground(func() error { _, err := server.Read(make([]byte, 100)); return err })
				c := filetransfer.NewClient(client)
				ctx, cancel := context.WithCancel(t.Context())
				call := hosttest.InBackground(func() error { _, err := c.Stat(ctx, "file"); return err })
				if err := <-read; err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				began := time.Now()
				if err := end(c, cancel); err != nil {
					t.Error(err)
				}
				if err := <-call; err == nil {
					t.Error("the call succeeded")
				}
				if took := time.Since(began); took > time.Second {
					t.Errorf("it took %v", took)
				}
			})
		})
	}
}

// A peer that never completes the handshake of TLS is dropped like one that
// sends nothing.
func TestServerDropsStalledHandshake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config, _ := hosttest.TLSConfigs(t)
		client, server := net.Pipe()
		p := newRawPeer(t, client)
		s := serveOn(t, &filetransfer.Server{FS: offered()}, client, tls.Server(server, config))
		began := time.Now()
		p.Go(func() { p.readRest() })
		wantDeadline(t, <-s.err)
		if took := time.Since(began); took > idleTimeout+10*time.Second {
			t.Errorf("it took %v", took)
		}
		p.Wait()
	})
}
