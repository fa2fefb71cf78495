package daemons

import (
	"fmt"
	"os"
	"os/user"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// openPTY returns the two ends of a pseudoterminal in raw mode: the master and
// the terminal.
func openPTY(t *testing.T) (master, terminal *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { master.Close() })
	fd := int(master.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	terminal, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { terminal.Close() })
	return master, terminal
}

func TestObexdAnswers(t *testing.T) {
	inLab(t)
	wantEndsWithTest(t, func(t *testing.T) *Daemon {
		Bluetoothd(t, Options{})
		session := SessionBus(t)
		d := Obexd(t, session, Options{})
		const method = "org.freedesktop.DBus.Introspectable.Introspect"
		reply, err := session.Call("org.bluez.obex", "/org/bluez/obex", method)
		if err != nil || !strings.Contains(reply, "org.bluez.obex.Client1") {
			t.Errorf("obexd answered %q, %v", reply, err)
		}
		if !strings.Contains(objects(t), objectPush) {
			t.Error("bluetoothd does not list Object Push")
		}
		return d
	})
}

func TestGpsdReadsNMEA(t *testing.T) {
	inLab(t)
	wantEndsWithTest(t, func(t *testing.T) *Daemon {
		receiver, terminal := openPTY(t)
		d := Gpsd(t, []string{terminal.Name()}, Options{})
		WantPosition(t, receiver)
		return d
	})
}

// deviceRequest is struct rfcomm_dev_req.
type deviceRequest struct {
	id       int16
	flags    uint32
	src, dst [6]byte
	channel  uint8
}

// The requests RFCOMMCREATEDEV and RFCOMMRELEASEDEV (_IOW('R', nr, int)).
const (
	createDevice  = unix.TIOCSPTLCK&^0xffff | 'R'<<8 | 200
	releaseDevice = unix.TIOCSPTLCK&^0xffff | 'R'<<8 | 201
)

// device makes a request about RFCOMM tty 0.
func device(t *testing.T, request uint, r deviceRequest) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_BLUETOOTH, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.BTPROTO_RFCOMM)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), uintptr(request), uintptr(unsafe.Pointer(&r))); errno != 0 {
		t.Fatalf("the request %#x: %v", request, errno)
	}
}

func TestUdevdGivesTTYToDialout(t *testing.T) {
	lab := inLab(t)
	wantEndsWithTest(t, func(t *testing.T) *Daemon {
		d := Udevd(t, Options{})
		device(t, createDevice, deviceRequest{dst: lab.Device(), channel: 5}) // bound, not connected
		t.Cleanup(func() { device(t, releaseDevice, deviceRequest{}) })
		Settle(t)
		wantGroup(t, "/dev/rfcomm0", "dialout")
		return d
	})
}

// wantGroup checks that a group may use a device.
func wantGroup(t *testing.T, path, name string) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	group, err := user.LookupGroup(name)
	if err != nil {
		t.Fatal(err)
	}
	owner := info.Sys().(*syscall.Stat_t)
	if got := info.Mode().Perm(); got != 0o660 || strconv.Itoa(int(owner.Gid)) != group.Gid {
		t.Errorf("%s has mode %v and group %d, want 0660 and %s", path, got, owner.Gid, group.Gid)
	}
}
