package filetransfer_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm/filetransfer"
	"github.com/go-rfcomm/rfcomm/internal/test/conntest"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

func TestServerSurvivesClientClose(t *testing.T) {
	l := inLab(t)
	o := l.offer(t)
	content := randomFile(t, o.files, "file", 1000)
	for _, test := range []struct {
		name string
		say  func(c net.Conn) error
	}{
		{"at once", func(c net.Conn) error { return nil }},
		{"after the prompt", func(c net.Conn) error {
			_, err := io.ReadFull(c, make([]byte, len(filetransfer.Prompt)))
			return err
		}},
		{"in the middle of a request", func(c net.Conn) error {
			_, err := c.Write([]byte{0})
			return err
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := l.dial(t, o.address)
			if err := test.say(c); err != nil {
				t.Error(err)
			}
			c.Close()
			client := l.client(t, o.address)
			defer client.Close()
			var got bytes.Buffer
			if _, err := client.Get(t.Context(), "file", &got); err != nil || !bytes.Equal(got.Bytes(), content) {
				t.Errorf("the next client's Get: %v and %d bytes", err, got.Len())
			}
		})
	}
}

func TestServerShutdownFinishesTransfer(t *testing.T) {
	l := inLab(t)
	for _, m := range some([]transfer{download, upload}) {
		t.Run(m.name, func(t *testing.T) {
			o := l.offer(t)
			here := t.TempDir()
			content := m.make(t, o, here)
			client := l.client(t, o.address)
			moved := m.start(t, client, here)
			shutdown := hosttest.InBackground(func() error { return o.server.Shutdown(t.Context()) })
			if err := hosttest.Receive(t, moved); err != nil {
				t.Errorf("%s during Shutdown: %v", m.name, err)
			}
			m.check(t, o, here, content)
			if err := hosttest.Receive(t, shutdown); err != nil {
				t.Errorf("Shutdown: %v", err)
			}
			if _, err := client.Stat(t.Context(), "file"); err == nil {
				t.Error("the server answers after Shutdown")
			}
			c, err := conntest.DialContext(t.Context(), l.near, o.address)
			if !errors.Is(err, unix.ECONNREFUSED) {
				t.Errorf("dial after Shutdown: %v, want ECONNREFUSED", err)
			}
			if err == nil {
				c.Close()
			}
		})
	}
}

func TestServerLeavesNothingBehind(t *testing.T) {
	l := inLab(t)
	listener := conntest.Listen(t, l.far)
	o := newOffer(t)
	content := randomFile(t, o.files, "file", 50_000)
	hosttest.LeavesNothingBehind(t, func() {
		served := hosttest.InBackground(func() error { return o.server.Serve(listener) })
		for range 5 {
			plain := l.plainClient(t, listener.Addr())
			if _, err := plain.Get(t.Context(), "file", io.Discard); err != nil {
				t.Errorf("Get in the plain dialect: %v", err)
			}
			plain.Close()

			client := l.client(t, listener.Addr())
			if _, err := client.Put(t.Context(), "copy", bytes.NewReader(content), filetransfer.Info{Size: -1}); err != nil {
				t.Errorf("Put: %v", err)
			}
			client.Overwrite = true
			ctx, cancel := context.WithCancel(t.Context())
			if _, err := client.Put(ctx, "copy", cancelling{cancel}, filetransfer.Info{Size: -1}); !errors.Is(err, context.Canceled) {
				t.Errorf("cancelled Put: %v", err)
			}
			client.Close()
			if err := os.Remove(filepath.Join(o.uploads, "copy")); err != nil {
				t.Error(err)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := o.server.Shutdown(ctx); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
		if err := <-served; !errors.Is(err, filetransfer.ErrServerClosed) {
			t.Errorf("Serve: %v, want ErrServerClosed", err)
		}
	})
}

// A cancelling reader is endless content, and cancels its context
// when it is read.
type cancelling struct{ cancel context.CancelFunc }

func (r cancelling) Read(b []byte) (int, error) {
	r.cancel()
	return len(b), nil
}

// Without a receipt, only the connection knows whether a client of the plain
// dialect has received a file.
func TestServerConfirmsPlainFile(t *testing.T) {
	l := inLab(t)
	o := newOffer(t)
	content := randomFile(t, o.files, "file", 100_000)
	var log bytes.Buffer
	o.server.Logger = slog.New(slog.NewTextHandler(&log, nil))
	listener := conntest.Listen(t, l.far)
	served := hosttest.InBackground(func() error {
		c, err := listener.Accept()
		if err != nil {
			return err
		}
		return o.server.ServeConn(t.Context(), c)
	})
	l.mustGetPlain(t, listener.Addr(), "file", content)
	if err := hosttest.Receive(t, served); err != nil {
		t.Errorf("ServeConn: %v", err)
	}
	if !strings.Contains(log.String(), "msg=sent") {
		t.Errorf("the file is not confirmed:\n%s", &log)
	}
}
