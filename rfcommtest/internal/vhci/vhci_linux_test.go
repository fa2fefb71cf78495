package vhci

import (
	"bytes"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// The kernel can send its first commands before its answer with the index.
func TestReadReturnsCommandsBeforeTheIndex(t *testing.T) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	kernel, d := os.NewFile(uintptr(fds[0]), "kernel"), &Device{file: os.NewFile(uintptr(fds[1]), path)}
	defer kernel.Close()
	defer d.Close()
	commands := [][]byte{{0x01, 0x03, 0x0c, 0x00}, {0x01, 0x03, 0x10, 0x00}, {0x01, 0x01, 0x10, 0x00}}
	for _, packet := range [][]byte{commands[0], commands[1], {0xff, 0x00, 0x02, 0x01}, commands[2]} {
		if _, err := kernel.Write(packet); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.begin(); err != nil || d.Index() != 0x0102 {
		t.Fatalf("index %d, %v", d.Index(), err)
	}
	for _, want := range commands {
		packet := make([]byte, MaxPacket)
		if n, err := d.Read(packet); err != nil || !bytes.Equal(packet[:n], want) {
			t.Errorf("read % x, %v, want % x", packet[:n], err, want)
		}
	}
}
