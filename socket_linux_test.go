package rfcomm

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"golang.org/x/sys/unix"
)

func TestAddrSockaddrReversesTheDevice(t *testing.T) {
	a := Addr{Device: BDAddr{0x01, 0x23, 0x45, 0x67, 0x89, 0xAB}, Channel: 11}
	sa := &unix.SockaddrRFCOMM{Addr: [6]uint8{0xAB, 0x89, 0x67, 0x45, 0x23, 0x01}, Channel: 11}
	if diff := cmp.Diff(sa, a.sockaddr(), cmpopts.IgnoreUnexported(unix.SockaddrRFCOMM{})); diff != "" {
		t.Errorf("to the kernel (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(a, addrOf(sa)); diff != "" {
		t.Errorf("from the kernel (-want +got):\n%s", diff)
	}
	if got := addrOf(new(unix.SockaddrUnix)); got != (Addr{}) {
		t.Errorf("another kind of address became %v", &got)
	}
	if want := "[01:23:45:67:89:AB]:11"; a.String() != want {
		t.Errorf("the address itself became %v", &a)
	}
}
