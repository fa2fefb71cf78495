package filetransfer_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"testing"

	"github.com/go-rfcomm/rfcomm/filetransfer"
	"github.com/go-rfcomm/rfcomm/internal/test/labtest"
)

// A Read of /proc/kmsg waits for the next message of the kernel. It would also
// take the messages away from other readers, so this test runs in the lab.
func TestGetOfKernelLogKeepsConnection(t *testing.T) {
	labtest.RequireRoot(t)
	inLab(t)
	client, server := net.Pipe()
	s := &filetransfer.Server{FS: filetransfer.NewDir(openRoot(t, "/proc")), Logger: slog.New(slog.DiscardHandler)}
	go s.ServeConn(context.Background(), server)
	c := filetransfer.NewClient(client)
	defer c.Close()
	if _, err := c.Get(t.Context(), "kmsg", io.Discard); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("get: %v, want a timeout", err)
	}
	if _, err := c.Get(t.Context(), "version", io.Discard); err != nil {
		t.Errorf("the connection is unusable: %v", err)
	}
}
