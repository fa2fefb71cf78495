package rfcommtest_test

import (
	"errors"
	"syscall"
	"testing"

	"github.com/go-rfcomm/rfcomm/rfcommtest"
)

// Each round begins while the kernel closes the connections of the one before.
func TestLinkConnectAgainAndAgain(t *testing.T) {
	r, a, b := two(t, rfcommtest.Config{})
	for _, link := range []*rfcommtest.Link{r.Link(a, b), r.Link(b, a)} {
		for range 20 {
			dialed, accepted, err := link.Connect(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			pass(t, dialed, accepted)
			if dialed.RemoteAddr() != accepted.LocalAddr() {
				t.Errorf("dialed %v, accepted at %v", dialed.RemoteAddr(), accepted.LocalAddr())
			}
			dialed.Close()
			accepted.Close()
		}
	}
	b.SetReachable(false)
	r.Link(a, b).Disconnect(rfcommtest.RemoteUserTerminated)
	if _, _, err := r.Link(a, b).Connect(t.Context()); !errors.Is(err, syscall.EHOSTDOWN) {
		t.Errorf("out of range: %v", err)
	}
}
