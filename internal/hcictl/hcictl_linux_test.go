package hcictl

import (
	"os"
	"runtime"
	"slices"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
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

// A controller that answers after 2 s makes one request time out.
func TestPersistentlyRepeatsAfterTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		requests := 0
		err := persistently(func() error {
			if requests++; requests < 3 {
				time.Sleep(2 * time.Second)
				return os.NewSyscallError("ioctl", unix.ETIMEDOUT)
			}
			return unix.ENODEV
		})
		if err != unix.ENODEV || requests != 3 {
			t.Errorf("%d requests, %v; want 3, ENODEV", requests, err)
		}
		began := time.Now()
		err = persistently(func() error { time.Sleep(2 * time.Second); return unix.ETIMEDOUT })
		if took := time.Since(began); err != unix.ETIMEDOUT || took < patience || took > 2*patience {
			t.Errorf("%v after %v, want ETIMEDOUT after %v", err, took, patience)
		}
	})
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
