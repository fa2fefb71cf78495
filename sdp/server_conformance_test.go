package sdp_test

import (
	"io"
	"testing"

	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
	"github.com/go-rfcomm/rfcomm/internal/test/sdptest"
	"github.com/go-rfcomm/rfcomm/sdp"
)

func TestServerConforms(t *testing.T) {
	s := new(sdp.Server)
	for _, r := range sdptest.Records() {
		if _, err := s.Add(r); err != nil {
			t.Fatal(err)
		}
	}
	hosttest.CheckLeaksAtEnd(t)
	defer s.Close()
	sdptest.Server{Dial: func(t testing.TB, mtu int) io.ReadWriter {
		client, server := hosttest.PacketPipe(65535, mtu)
		t.Cleanup(func() { client.Close() })
		go s.ServeConn(t.Context(), server)
		return client
	}}.Run(t)
}
