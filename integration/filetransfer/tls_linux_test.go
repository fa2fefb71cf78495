package filetransfer_test

import (
	"bytes"
	"crypto/tls"
	"testing"
	"time"

	"github.com/go-rfcomm/rfcomm/filetransfer"
	"github.com/go-rfcomm/rfcomm/internal/test/conntest"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

// A pausingWriter pauses in its first Write, so that the sender cannot send.
type pausingWriter struct {
	bytes.Buffer
	pause time.Duration
}

func (w *pausingWriter) Write(p []byte) (int, error) {
	time.Sleep(w.pause)
	w.pause = 0
	return w.Buffer.Write(p)
}

// A write deadline that passes makes a tls.Conn unusable.
func TestServerOverTLSEnduresPause(t *testing.T) {
	l := inLab(t)
	o := newOffer(t)
	o.server.IdleTimeout = 12 * time.Second
	content := randomFile(t, o.files, "file", fullSize)
	forServer, forClient := hosttest.TLSConfigs(t)
	listener := conntest.Listen(t, l.far)
	served := hosttest.InBackground(func() error { return o.server.Serve(tls.NewListener(listener, forServer)) })
	client := filetransfer.NewClient(tls.Client(l.dial(t, listener.Addr()), forClient))
	defer client.Close()
	got := pausingWriter{pause: o.server.IdleTimeout / 3}
	if _, err := client.Get(t.Context(), "file", &got); err != nil || !bytes.Equal(got.Bytes(), content) {
		t.Errorf("Get: %v, and %d bytes that may differ from the %d of the file", err, got.Len(), len(content))
	}
	client.Close()
	o.server.Close()
	<-served
}
