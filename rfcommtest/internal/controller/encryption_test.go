package controller_test

import (
	"testing"
	"time"

	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/controller"
	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/hcipacket"
)

// AES-CCM needs Secure Connections at both ends.
func TestSetConnectionEncryptionModes(t *testing.T) {
	for name, tt := range map[string]struct {
		secureA, secureB bool
		want             uint8
	}{
		"E0":       {false, false, 1},
		"E0 for A": {false, true, 1},
		"E0 for B": {true, false, 1},
		"AES-CCM":  {true, true, 2},
	} {
		t.Run(name, func(t *testing.T) {
			withHosts(t, func(t *testing.T, a, b, _ *host) {
				pairable(tt.secureA, a)
				pairable(tt.secureB, b)
				ofA, ofB := connect(a, b)
				key := &[16]byte{1}
				a.useKeyStore(&keyStore{key: key})
				b.useKeyStore(&keyStore{key: key})
				if status := a.authenticate(ofA); status != hcipacket.Success {
					t.Fatal(status)
				}
				for _, on := range []bool{true, false} {
					setting, want := uint8(0), uint8(0)
					if on {
						setting, want = 1, tt.want
					}
					a.begin(controller.SetConnectionEncryption, hcipacket.Parameters{}.Handle(ofA).Uint8(setting))
					time.Sleep(3 * time.Second)
					for h, handle := range map[*host]hcipacket.Handle{a: ofA, b: ofB} {
						f := h.event(hcipacket.EncryptionChange)
						if status, got, mode := f.Uint8(), f.Handle(), f.Uint8(); status != 0 || got != handle || mode != want {
							t.Errorf("%s: status %d, connection %d, mode %d; want mode %d", h.name, status, got, mode, want)
						}
					}
				}
			})
		})
	}
}

func TestAuthenticatedPayloadTimeout(t *testing.T) {
	withHosts(t, func(t *testing.T, a, b, _ *host) {
		ofA, _ := connect(a, b)
		read := func(want uint16) {
			t.Helper()
			f := a.do(controller.ReadAuthPayloadTimeout, hcipacket.Parameters{}.Handle(ofA))
			if handle, timeout := f.Handle(), f.Uint16(); handle != ofA || timeout != want {
				t.Errorf("connection %d: %d, want %d", handle, timeout, want)
			}
		}
		read(3000) // 30 s
		a.do(controller.WriteAuthPayloadTimeout, hcipacket.Parameters{}.Handle(ofA).Uint16(500))
		read(500)
	})
}
