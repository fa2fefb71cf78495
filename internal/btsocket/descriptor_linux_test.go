package btsocket

import (
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

func TestNewRefusesUnpollableDescriptors(t *testing.T) {
	for name, open := range map[string]func() (int, error){
		"regular file": func() (int, error) {
			return unix.Open(filepath.Join(t.TempDir(), "file"), unix.O_CREAT|unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0o600)
		},
		"socket that blocks": func() (int, error) {
			return unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		},
	} {
		for kind, take := range map[string]func(int) error{
			"Socket":   func(fd int) error { _, err := New(fd); return err },
			"Listener": func(fd int) error { _, err := NewListener(fd); return err },
		} {
			t.Run(kind+"/"+name, func(t *testing.T) {
				hosttest.LeavesNothingBehind(t, func() {
					fd, err := open()
					if err != nil {
						t.Fatal(err)
					}
					if err := take(fd); err == nil {
						t.Error("the descriptor was accepted")
					}
				})
			})
		}
	}
}
