//go:build !linux

package sdp

import (
	"errors"
	"net"
	"testing"

	"github.com/go-rfcomm/rfcomm"
)

func TestConnectIsUnsupported(t *testing.T) {
	for _, adapter := range []rfcomm.BDAddr{{}, {2}} {
		dialer := Dialer{RFCOMM: rfcomm.Dialer{LocalAddr: rfcomm.Addr{Device: adapter}}, FallbackChannel: 1}
		for name, call := range map[string]func() error{
			"Connect": func() error { _, err := Connect(t.Context(), adapter, testDevice); return err },
			"Dial":    func() error { _, err := dialer.Dial(t.Context(), testDevice, SerialPort); return err },
			"Search":  func() error { _, err := dialer.Search(t.Context(), testDevice); return err },
		} {
			err := call()
			if _, ok := err.(*net.OpError); !ok || !errors.Is(err, errors.ErrUnsupported) {
				t.Errorf("%s from %v: %v, want a *net.OpError that matches ErrUnsupported", name, adapter, err)
			}
		}
	}
}
