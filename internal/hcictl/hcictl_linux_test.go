package hcictl

import (
	"runtime"
	"slices"
	"testing"
	"unsafe"
)

func TestDevReqMatchesTheKernel(t *testing.T) {
	var request devReq // struct hci_dev_req, include/net/bluetooth/hci_sock.h
	for name, tt := range map[string]struct{ got, want uintptr }{
		"hci_dev_req":         {unsafe.Sizeof(request), 8},
		"hci_dev_req.dev_id":  {unsafe.Offsetof(request.devID), 0},
		"hci_dev_req.dev_opt": {unsafe.Offsetof(request.devOpt), 4},
	} {
		if tt.got != tt.want {
			t.Errorf("%s: %d, want %d", name, tt.got, tt.want)
		}
	}
}

func TestRequestsMatchTheKernel(t *testing.T) {
	// _IOW packs them differently on the other architectures.
	if !slices.Contains([]string{"386", "amd64", "arm", "arm64", "loong64", "riscv64", "s390x"}, runtime.GOARCH) {
		t.Skip("the numbers are those of architectures other than", runtime.GOARCH)
	}
	for name, tt := range map[string]struct{ got, want uint32 }{
		"HCIDEVUP":   {hciDevUp, 0x400448c9},
		"HCIDEVDOWN": {hciDevDown, 0x400448ca},
		"HCISETSCAN": {hciSetScan, 0x400448dd},
	} {
		if tt.got != tt.want {
			t.Errorf("%s is %#x, want %#x", name, tt.got, tt.want)
		}
	}
}
