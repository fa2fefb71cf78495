package examples_test

import (
	"bufio"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/test/daemons"
	"github.com/go-rfcomm/rfcomm/internal/test/labtest"
)

// openDevice opens a serial device, as gpsd does, when it exists.
func openDevice(t *testing.T, path string) *os.File {
	t.Helper()
	device, err := os.OpenFile(path, os.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { device.Close() })
	device.SetReadDeadline(time.Now().Add(30 * time.Second))
	return device
}

// readSentence reads a line from a device.
func readSentence(t *testing.T, device *bufio.Reader, want string) {
	t.Helper()
	if got, err := device.ReadString('\n'); got != want {
		t.Errorf("the device has %q, %v, want %q", got, err, want)
	}
}

func TestGPSOffersDevice(t *testing.T) {
	receiver, address := newWiFiReceiver(t)
	link := filepath.Join(t.TempDir(), "gps")
	program := launch(t, "gps", []string{"-link", link, "-connect", address})
	program.await(t, "gpsd -N "+link+"\n")
	for range 2 { // the receiver hangs up, and is connected again
		device := openDevice(t, link)
		lines := bufio.NewReader(device)
		receiver <- position
		readSentence(t, lines, position)
		receiver <- ""
		if text, err := lines.ReadString('\n'); err == nil || text != "" {
			t.Errorf("after the end of the connection, the device has %q", text)
		}
	}
	program.interrupt(t)
	program.end(t, 0)
	checkGone(t, link)
}

// checkGone checks that a path does not exist.
func checkGone(t *testing.T, path string) {
	t.Helper()
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s exists, or not: %v", path, err)
	}
}

func TestGPSKeepsFile(t *testing.T) {
	_, address := newWiFiReceiver(t)
	file := filepath.Join(t.TempDir(), "file")
	content := newFile(t, file, 10)
	_, stderr := run(t, 1, "gps", []string{"-link", file, "-connect", address})
	checkOneLine(t, stderr, "gps: ")
	checkText(t, stderr, file)
	checkFile(t, file, content)
}

// newBluetoothReceiver returns a receiver with a Bluetooth address. It has no SDP
// server, and is on channel 1.
func newBluetoothReceiver(t *testing.T, r *radio) gpsReceiver {
	t.Helper()
	listener, err := new(rfcomm.ListenConfig).ListenRFCOMM(t.Context(), rfcomm.Addr{Device: r.Device(), Channel: 1})
	if err != nil {
		t.Fatal(err)
	}
	return newGPSReceiver(t, listener)
}

func TestRFCOMMGPSPrintsPositions(t *testing.T) {
	r := overRFCOMM(t)
	receiver := newBluetoothReceiver(t, r)
	program := launch(t, "gps", []string{r.far})
	receiver <- sentencesBefore + position
	program.await(t, "8 satellites\n")
	checkPositions(t, program.stdout.String())
	r.Disconnect(0x08) // supervision timeout
	program.end(t, 1)
	checkText(t, program.stderr.String(), "connection timed out")
}

// gpsd and the program run as the user of gpsd, whom udev permits to open the tty.
func TestRFCOMMGPSServesGpsd(t *testing.T) {
	r := overRFCOMM(t)
	labtest.RequireRoot(t) // for gpsd
	receiver := newBluetoothReceiver(t, r)
	daemons.Udevd(t, daemons.Options{})
	asGpsd, dir := gpsdUser(t)
	link := filepath.Join(dir, "gps")
	program := launch(t, "gps", []string{"-link", link, r.far}, asGpsd)
	program.await(t, "gpsd -N "+link+"\n")
	if tty, err := os.Readlink(link); !strings.HasPrefix(tty, "/dev/rfcomm") {
		t.Errorf("the link is to %q, %v, want an RFCOMM tty", tty, err)
	}
	daemons.Gpsd(t, []string{link}, daemons.Options{})
	daemons.WantPosition(t, receiver)
	terminate(t, program)
	checkGone(t, link)
}

// gpsdUser returns a setting that makes a program run as the user that Debian has
// for gpsd, and a directory of that user.
func gpsdUser(t *testing.T) (as setting, dir string) {
	t.Helper()
	account, err := user.Lookup("gpsd")
	if err != nil {
		t.Fatal(err)
	}
	uid, _ := strconv.Atoi(account.Uid)
	gid, _ := strconv.Atoi(account.Gid)
	if dir, err = os.MkdirTemp("", "gps"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chown(dir, uid, gid); err != nil {
		t.Fatal(err)
	}
	return func(c *exec.Cmd) {
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
	}, dir
}
