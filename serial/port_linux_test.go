package serial

import (
	"net"
	"syscall"
	"testing"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

func TestNewPortRefusesNoConn(t *testing.T) {
	for name, c := range map[string]*rfcomm.Conn{"nil": nil, "zero": new(rfcomm.Conn)} {
		t.Run(name, func(t *testing.T) {
			p, err := NewPort(t.Context(), c)
			if p != nil {
				t.Errorf("got %v", p)
			}
			if _, ok := err.(*net.OpError); !ok {
				t.Errorf("got the error %v, want a *net.OpError", err)
			}
			hosttest.WantErrno(t, err, syscall.EINVAL)
		})
	}
}
