package examples_test

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
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
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
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

// gpsd opens the device again after the receiver was switched off and on. It has
// dropped its privileges by then, so the program runs as its user.
func TestRFCOMMGPSServesGpsd(t *testing.T) {
	r := overRFCOMM(t)
	labtest.RequireRoot(t) // for gpsd
	receiver := newBluetoothReceiver(t, r)
	asGpsd, dir := gpsdUser(t)
	link := filepath.Join(dir, "gps")
	program := launch(t, "gps", []string{"-link", link, r.far}, asGpsd)
	program.await(t, "gpsd -N "+link+"\n")
	daemons.Gpsd(t, []string{link}, daemons.Options{})
	wantLatitude(t, receiver, "48")
	receiver <- ""
	wantLatitude(t, receiver, "49")
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

// wantLatitude checks that gpsd reports a position that the receiver sends from
// now on.
func wantLatitude(t *testing.T, receiver gpsReceiver, degrees string) {
	t.Helper()
	conn, err := net.Dial("tcp", daemons.GpsdAddress)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(time.Minute))
	fmt.Fprintln(conn, `?WATCH={"enable":true,"json":true};`)
	found := hosttest.InBackground(func() error { return awaitText(conn, `"lat":`+degrees+".1173") })
	for second := 0; ; second = (second + 1) % 60 {
		text := nmea(fmt.Sprintf("GPRMC,1300%02d,A,%s07.038,N,01131.000,E,022.4,084.4,230326,003.1,W", second, degrees)) +
			nmea(fmt.Sprintf("GPGGA,1300%02d,%s07.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,", second, degrees))
		select {
		case err := <-found:
			if err != nil {
				t.Errorf("gpsd has not reported the latitude %s: %v", degrees, err)
			}
			return
		case receiver <- text:
			// gpsd 3.22 notices a hang-up only when it has something else to do.
			fmt.Fprintln(conn, "?DEVICES;")
		}
	}
}

// awaitText reads the reports of gpsd up to one with a text.
func awaitText(conn net.Conn, text string) error {
	for lines := bufio.NewScanner(conn); ; {
		if !lines.Scan() {
			return cmp.Or(lines.Err(), io.ErrUnexpectedEOF)
		}
		if strings.Contains(lines.Text(), text) {
			return nil
		}
	}
}
