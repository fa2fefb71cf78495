package main

import (
	"testing"

	"github.com/go-rfcomm/rfcomm"
)

// The words were tried in the lab: the kernel refuses an address of less than 10
// bytes.
func TestSocatConnect(t *testing.T) {
	r := &radio{
		listening: rfcomm.BDAddr{0x00, 0xaa, 0x01, 0x02, 0x03, 0x04},
		dialing:   []rfcomm.BDAddr{{0x11, 0x22, 0x33, 0x44, 0x55, 0x66}},
	}
	const want = "SOCKET-CONNECT:31:3:x04030201aa000900,bind=x6655443322110000"
	if got := socatConnect(r, 9); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
