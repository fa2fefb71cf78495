package filetransfer_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/filetransfer"
	"github.com/go-rfcomm/rfcomm/internal/test/conntest"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
	"github.com/go-rfcomm/rfcomm/rfcommtest"
)

// crowd returns an offer and the connections of several clients to it. The kernel
// allows one connection from each adapter to a channel, so each client has an
// adapter of its own.
func crowd(t *testing.T, clients int) (o *offer, dial func(number int) *rfcomm.Conn) {
	t.Helper()
	inLab(t)
	controllers := rfcommtest.Require(t, rfcommtest.Config{Controllers: 1 + clients}).Controllers()
	listener := conntest.Listen(t, controllers[0].Addr())
	o = newOffer(t)
	served := hosttest.InBackground(func() error { return o.server.Serve(listener) })
	t.Cleanup(func() {
		o.server.Close()
		if err := hosttest.Receive(t, served); !errors.Is(err, filetransfer.ErrServerClosed) {
			t.Errorf("Serve: %v, want ErrServerClosed", err)
		}
	})
	return o, func(number int) *rfcomm.Conn {
		return conntest.Dial(t, controllers[1+number].Addr(), listener.Addr())
	}
}

// A heldWriter blocks its Writes until it is released, and reports the first one.
type heldWriter struct {
	begin             sync.Once
	writing, released chan struct{}
}

func newHeldWriter() *heldWriter {
	return &heldWriter{writing: make(chan struct{}), released: make(chan struct{})}
}

func (w *heldWriter) Write(p []byte) (int, error) {
	w.begin.Do(func() { close(w.writing) })
	<-w.released
	return len(p), nil
}

// startGet gets a file in the background, over a client that it closes.
func startGet(t *testing.T, client *filetransfer.Client, to io.Writer) <-chan error {
	t.Helper()
	return hosttest.InBackground(func() error {
		defer client.Close()
		_, err := client.Get(t.Context(), "file", to)
		return err
	})
}

func TestServerServesWaitingClients(t *testing.T) {
	o, dial := crowd(t, 3)
	content := randomFile(t, o.files, "file", 100_000)
	held := newHeldWriter()
	served := startGet(t, filetransfer.NewClient(dial(0)), held)
	hosttest.Receive(t, held.writing)

	plainConn := dial(1)
	impatient := filetransfer.NewClient(dial(2))
	if _, err := impatient.Stat(t.Context(), "file"); !errors.Is(err, filetransfer.ErrBusy) {
		t.Errorf("Stat while another client is served: %v, want ErrBusy", err)
	}
	impatient.Close()

	patient := filetransfer.NewClient(dial(2))
	busy := make(chan struct{}, 1000)
	patient.Busy = func() { busy <- struct{}{} }
	var got, gotPlain bytes.Buffer
	waited := startGet(t, patient, &got)
	hosttest.Receive(t, busy)
	mustBeSilent(t, plainConn)
	plain := filetransfer.NewClient(plainConn)
	plain.Plain = true
	waitedPlain := startGet(t, plain, &gotPlain)

	close(held.released)
	if err := hosttest.Receive(t, served); err != nil {
		t.Errorf("the first client's Get: %v", err)
	}
	if err := hosttest.Receive(t, waitedPlain); err != nil || !bytes.Equal(gotPlain.Bytes(), content) {
		t.Errorf("the plain client's Get: %v and %d bytes", err, gotPlain.Len())
	}
	if err := hosttest.Receive(t, waited); err != nil || !bytes.Equal(got.Bytes(), content) {
		t.Errorf("the framed client's Get: %v and %d bytes", err, got.Len())
	}
}

// mustBeSilent checks that no byte has arrived.
func mustBeSilent(t *testing.T, c net.Conn) {
	t.Helper()
	c.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
	n, err := c.Read(make([]byte, 1))
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("Read before the client's turn = %d, %v; want no byte", n, err)
	}
	c.SetReadDeadline(time.Time{})
}
