package rfcomm_test

import (
	"encoding/binary"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/labtest"
	"github.com/go-rfcomm/rfcomm/rfcommtest"
)

// A device that hangs up at every attempt looks like one whose last connection
// is closing, but does not stop.
func TestDialNamesADeviceThatHangsUp(t *testing.T) {
	radio := rfcommtest.Require(t, rfcommtest.Config{})
	near, far := radio.Controllers()[0], radio.Controllers()[1]
	config := rfcomm.ListenConfig{}
	listener, err := config.ListenRFCOMM(t.Context(), rfcomm.Addr{Device: far.Addr()})
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	link := radio.Link(near, far)
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			case <-time.After(100 * time.Microsecond):
				link.Lose(rfcommtest.RemoteUserTerminated)
			}
		}
	}()
	defer func() { close(stop); <-stopped }()
	d := rfcomm.Dialer{LocalAddr: rfcomm.Addr{Device: near.Addr()}}
	attempts := countAttempts(&d)
	_, err = d.DialRFCOMM(t.Context(), addrOf(listener))
	t.Log(*attempts, err)
	checkOpError(t, err, "dial", d.LocalAddr, addrOf(listener), unix.ECONNRESET, "the device hung up at every attempt")
	if *attempts < 2 {
		t.Errorf("%d attempts, want more", *attempts)
	}
}

// The listener's kernel waits 25 s for a pairing that does not begin, and then
// hangs up. A second attempt would take as long.
func TestDialNamesMissingPairing(t *testing.T) {
	l := inLab(t)
	l.Sync()
	listener := l.listenWith(t, rfcomm.ListenConfig{Security: rfcomm.SecurityMedium})
	d := l.dialer
	attempts := countAttempts(&d)
	_, err := d.DialRFCOMM(t.Context(), addrOf(listener))
	t.Log(err)
	checkOpError(t, err, "dial", d.LocalAddr, addrOf(listener), unix.ECONNRESET, "it asks for pairing or encryption")
	if *attempts != 1 {
		t.Errorf("%d attempts, want 1", *attempts)
	}
	// The controllers still wait for the pairing, and would hold up others.
	l.Remove()
	l.Restore()
}

// While the link of a failed authentication is taken down, the kernel answers
// the next dial with ENOMEM.
func TestDialRetriesAfterFailedAuthentication(t *testing.T) {
	l := inLab(t)
	l.Pair()
	l.SpoilKey(labtest.DialerAdapter)
	l.Sync()
	listener := l.listen(t)
	d := l.dialer
	d.Security = rfcomm.SecurityMedium
	for range 30 {
		_, err := d.DialRFCOMM(t.Context(), addrOf(listener))
		if !errors.Is(err, unix.EACCES) {
			t.Fatalf("%v: does not match EACCES", err)
		}
	}
}

// As on a desktop, where an agent is registered that asks a person: the devices
// pair at any level, and the connection waits for the answer.
func TestDialNamesAQuestionAboutPairing(t *testing.T) {
	radio := rfcommtest.Require(t, rfcommtest.Config{})
	near, far := radio.Controllers()[0], radio.Controllers()[1]
	asked := silentAgent(t, near, far)
	config := rfcomm.ListenConfig{}
	listener, err := config.ListenRFCOMM(t.Context(), rfcomm.Addr{Device: far.Addr()})
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	d := rfcomm.Dialer{LocalAddr: rfcomm.Addr{Device: near.Addr()}}
	dial := func(timeout time.Duration) error {
		d.Timeout = timeout
		began := time.Now()
		_, err := d.DialRFCOMM(t.Context(), addrOf(listener))
		t.Logf("after %v: %v", time.Since(began).Round(time.Millisecond), err)
		if err == nil || !strings.Contains(err.Error(), "if one of the devices asks whether to pair") {
			t.Errorf("%v: does not name the question", err)
		}
		return err
	}
	timedOut := inBackground(func() error { return dial(2 * time.Second) })
	select {
	case <-asked:
	case <-time.After(20 * time.Second):
		t.Fatal("the kernel asked nobody")
	}
	if err := <-timedOut; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("%v: does not match os.ErrDeadlineExceeded", err)
	}
	if err := dial(0); !errors.Is(err, unix.ECONNREFUSED) && !errors.Is(err, unix.ETIMEDOUT) {
		t.Errorf("%v: matches neither ECONNREFUSED nor ETIMEDOUT", err)
	}
}

// silentAgent makes the kernel ask an agent about every pairing of the adapters,
// and never answers. It returns a channel that receives the questions.
func silentAgent(t *testing.T, adapters ...*rfcommtest.Controller) <-chan struct{} {
	t.Helper()
	fd, err := unix.Socket(unix.AF_BLUETOOTH, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.BTPROTO_HCI)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Bind(fd, &unix.SockaddrHCI{Dev: 0xFFFF, Channel: unix.HCI_CHANNEL_CONTROL}); err != nil {
		unix.Close(fd)
		t.Fatal(err)
	}
	socket := os.NewFile(uintptr(fd), "mgmt")
	asked, completed := make(chan struct{}, 10), make(chan struct{}, 10)
	ended := make(chan struct{})
	t.Cleanup(func() { socket.Close(); <-ended })
	go func() {
		defer close(ended)
		packet := make([]byte, 4096)
		for {
			if n, err := socket.Read(packet); err != nil || n < 6 {
				return
			}
			switch binary.LittleEndian.Uint16(packet) {
			case 0x0001, 0x0002: // MGMT_EV_CMD_COMPLETE, MGMT_EV_CMD_STATUS
				completed <- struct{}{}
			case 0x000F: // MGMT_EV_USER_CONFIRM_REQUEST
				asked <- struct{}{}
			}
		}
	}()
	for _, a := range adapters {
		adapter, err := rfcomm.AdapterByName(a.Name())
		if err != nil {
			t.Fatal(err)
		}
		for _, command := range [][]byte{
			{0x04, 0x00},       // MGMT_OP_READ_INFO: hands the adapter over
			{0x0B, 0x00, 0x01}, // MGMT_OP_SET_SSP
			{0x09, 0x00, 0x01}, // MGMT_OP_SET_BONDABLE
			{0x07, 0x00, 0x01}, // MGMT_OP_SET_CONNECTABLE
			{0x18, 0x00, 0x01}, // MGMT_OP_SET_IO_CAPABILITY: DisplayYesNo
		} {
			packet := append([]byte{command[0], command[1]}, byte(adapter.Index), 0, byte(len(command)-2), 0)
			if _, err := socket.Write(append(packet, command[2:]...)); err != nil {
				t.Fatal(err)
			}
			<-completed
		}
	}
	return asked
}
